/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/socket.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>

#include "kernel/bpf.h"
#include "sensor/address.h"

int socket_notes_share(const struct sensor_env *env, struct bpf_map *notes,
		       struct bpf_map *tcp_notes, struct error *err)
{
	int r;

	if (env->shared->socket_notes_fd < 0)
		return 0;
	r = bpf_map__reuse_fd(notes, env->shared->socket_notes_fd);
	if (r == 0)
		r = bpf_map__reuse_fd(tcp_notes, env->shared->tcp_notes_fd);
	return r < 0 ? bpf_error(err, -r, "share the notes on sockets") : 0;
}

int socket_notes_keep(const struct sensor_env *env, const struct bpf_map *notes,
		      const struct bpf_map *tcp_notes, struct error *err)
{
	struct sensor_shared *shared = env->shared;

	if (shared->socket_notes_fd >= 0)
		return 0;
	shared->socket_notes_fd = fcntl(bpf_map__fd(notes), F_DUPFD_CLOEXEC, 0);
	shared->tcp_notes_fd = fcntl(bpf_map__fd(tcp_notes), F_DUPFD_CLOEXEC, 0);
	return shared->socket_notes_fd < 0 || shared->tcp_notes_fd < 0
		       ? error_errno(err, errno, "keep the notes on sockets")
		       : 0;
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
