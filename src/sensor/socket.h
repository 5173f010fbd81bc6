/* SPDX-License-Identifier: Apache-2.0 */
/* socket - what the sensors that watch sockets have in common. */
#ifndef SENSOR_SOCKET_H
#define SENSOR_SOCKET_H

#include "sensor/sensor.h"

struct bpf_map;

/* Makes a program's maps of notes be those that all share; before it is loaded. The first has none
 * to share: once it is loaded, socket_notes_keep() makes its own the shared ones. */
must_check int socket_notes_share(const struct sensor_env *env,
				  struct bpf_map *const maps[SOCKET_MAP_COUNT], struct error *err);
must_check int socket_notes_keep(const struct sensor_env *env,
				 struct bpf_map *const maps[SOCKET_MAP_COUNT], struct error *err);

/* Adds both ends and what follows from them: EVENT_GROUP_network. */
void socket_put_ends(struct event *event, const struct ring_ends *ends, const char *transport,
		     enum ring_role role);

/* Adds who uses the socket, as the kernel side noted it: it may have ended long ago. */
void socket_put_owner(struct event *event, const struct ring_head *owner);

#endif
