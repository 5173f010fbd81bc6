/* SPDX-License-Identifier: Apache-2.0 */
/* packet - what the sensors that see packets have in common. */
#ifndef SENSOR_PACKET_H
#define SENSOR_PACKET_H

#include "sensor/programs.h"

/* What their mechanisms are called, and what is lost with those behind the first. */
#define PACKET_FULL  "cgroup_skb"
#define PACKET_CALLS "cgroup_skb and fentry"
#define PACKET_CALLS_COSTS                                                                         \
	"datagrams dropped; before 5.11, who receives on a UDP socket that another process made"
#define PACKET_BLIND	   "cgroup_skb without use"
#define PACKET_BLIND_COSTS "whose a socket is that another process made; datagrams dropped"

/* What each needs of the programs. */
#define PACKET_FULL_PARTS  (PROGRAMS_packet | PROGRAMS_use)
#define PACKET_CALLS_PARTS (PROGRAMS_packet | PROGRAMS_use_call)
#define PACKET_BLIND_PARTS PROGRAMS_packet

/* The number of an interface of the agent's own network; 0: it isn't there, or NULL. */
uint32_t packets_ifindex(const char *interface);
must_check int packets_check_interface(const char *interface, struct error *err);

/* `same` of all who have a part of the object: it is loaded with the settings of all. */
bool packets_same(const struct sensor_settings *old, const struct sensor_settings *fresh);

/* --- the tables of UDP traffic --- */

/* Counting goes on in the other table. */
void packets_turn(const struct programs *programs);
/* Takes out everything of the table that was turned away from, a moment after that. */
void packets_drain(const struct programs *programs,
		   void (*flow)(void *owner, const struct ring_udp_key *key,
				const struct ring_udp_flow *flow),
		   void *owner);
/* Datagrams that found the table full. */
uint64_t packets_udp_lost(const struct programs *programs);
/* Sockets whose first datagrams have no process for such a reason. */
uint64_t packets_udp_owners_lost(const struct programs *programs);

/* Connections that found their table full. */
uint64_t packets_tcp_lost(const struct programs *programs);

#endif
