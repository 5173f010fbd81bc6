/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet - the one program that sees all packets, shared by the sensors that want some of them.
 *
 * It is loaded once, with what the settings ask for; each sensor takes a share and gives it back.
 */
#ifndef SENSOR_PACKET_H
#define SENSOR_PACKET_H

#include "sensor/sensor.h"

/* What the sensors' mechanisms are called, and what is lost with each. */
#define PACKET_FULL	   "cgroup_skb"
#define PACKET_BLIND	   "cgroup_skb without use"
#define PACKET_BLIND_COSTS "whose a socket is that another process made; datagrams dropped"

/* `blind`: without the tracepoints that newer kernels have (6.10). */
must_check int packets_take(const struct sensor_env *env, bool blind, struct error *err);
/* Harmless for one that has taken none. */
void packets_give_back(const struct sensor_env *env, bool *taken);

/* --- for the UDP sensor --- */

/* Counting goes on in the other table. */
void packets_turn(struct packets *packets);
/* Takes out everything of the table that was turned away from, a moment after that. */
void packets_drain(struct packets *packets,
		   void (*flow)(void *owner, const struct ring_udp_key *key,
				const struct ring_udp_flow *flow),
		   void *owner);
/* Datagrams that found the table full. */
uint64_t packets_udp_lost(const struct packets *packets);

#endif
