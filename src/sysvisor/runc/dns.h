/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns - names for the containers inside a container.
 *
 * On Docker's user-defined networks a container asks 127.0.0.11, which only the container itself
 * can reach: an engine inside hands its containers that very line, or leaves it away. So the
 * resolver gets a second address, a link-local one on "lo", which is reached from all networks that
 * the container makes; and that one stands in /etc/resolv.conf.
 */
#ifndef SYSVISOR_RUNC_DNS_H
#define SYSVISOR_RUNC_DNS_H

#include "sysvisor/runc/state.h"

#define DNS_LOOPBACK "127.0.0.11"
#define DNS_ALIAS    "169.254.53.53"

/* Where the resolver listens; 0: it doesn't. */
struct dns_ports {
	uint16_t udp, tcp;
};

/* Does it for a container that is about to start. 0 too where there is nothing to do. */
must_check int dns_alias(const struct state *state, struct error *err);

/* The parts, for tests. From the text of /proc/PID/net/{udp,tcp}: the port of a socket of
 * DNS_LOOPBACK that nobody is connected to, or 0. */
uint16_t dns_port(struct slice table);
/* Appends a resolv.conf with the alias in place of the resolver's own address; false: it names no
 * such resolver. */
bool dns_rewrite(struct slice resolv_conf, struct text *out);
/* Appends what iptables-restore(8) is told. */
void dns_rules(struct dns_ports ports, struct text *out);

#endif
