/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/socket.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>

#include "kernel/bpf.h"
#include "sensor/address.h"

int socket_notes_share(const struct sensor_env *env, struct bpf_map *const maps[SOCKET_MAP_COUNT],
		       struct error *err)
{
	const int *fds = env->shared->socket_map_fds;
	int r = 0;

	for (size_t n = 0; n < SOCKET_MAP_COUNT && fds[n] >= 0 && r == 0; n++)
		r = bpf_map__reuse_fd(maps[n], fds[n]);
	return r < 0 ? bpf_error(err, -r, "share the notes on sockets") : 0;
}

int socket_notes_keep(const struct sensor_env *env, struct bpf_map *const maps[SOCKET_MAP_COUNT],
		      struct error *err)
{
	int *fds = env->shared->socket_map_fds;

	for (size_t n = 0; n < SOCKET_MAP_COUNT; n++) {
		if (fds[n] < 0)
			fds[n] = fcntl(bpf_map__fd(maps[n]), F_DUPFD_CLOEXEC, 0);
		if (fds[n] < 0)
			return error_errno(err, errno, "keep the notes on sockets");
	}
	return 0;
}

static void socket_put_address(struct event *event, enum event_field field, const __u8 *address)
{
	char *at = event_room(event, ADDRESS_ROOM);

	if (at)
		event_text(event, field,
			   (struct slice){ at, (size_t)(address_write(at, address) - at) });
}

void socket_put_ends(struct event *event, const struct ring_ends *ends, const char *transport,
		     enum ring_role role)
{
	static const char *const roles[] = {
		[RING_ROLE_client] = "client", [RING_ROLE_server] = "server"
	};

	event_text(event, FIELD_transport, slice_of(transport));
	event_text(event, FIELD_network_type,
		   address_is_ip4(ends->peer) ? SLICE("ipv4") : SLICE("ipv6"));
	if (role == RING_ROLE_client || role == RING_ROLE_server)
		event_text(event, FIELD_network_role, slice_of(roles[role]));
	socket_put_address(event, FIELD_local_address, ends->local);
	event_number(event, FIELD_local_port, ends->local_port);
	socket_put_address(event, FIELD_peer_address, ends->peer);
	event_number(event, FIELD_peer_port, ends->peer_port);
	if (ends->ns_net)
		event_number(event, FIELD_ns_net, ends->ns_net);
}

void socket_put_owner(struct event *event, const struct ring_head *owner)
{
	struct slice comm = { owner->comm, strnlen(owner->comm, sizeof(owner->comm)) };

	if (owner->pid == 0)
		return;
	event_number(event, FIELD_pid, owner->pid);
	event_copy(event, FIELD_comm, comm);
	event_number(event, FIELD_uid, owner->uid);
}
