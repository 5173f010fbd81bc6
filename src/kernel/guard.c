/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/guard.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/bpf.h"

#define GUARD_NAME "bulwark_guard"

struct guard_owner {
	uint64_t since_ns; /* CLOCK_REALTIME */
	uint32_t pid, pad; /* as the owner sees it */
	char program[16];
	char host[64];
};

static void guard_describe(const char *program, struct guard_owner *owner)
{
	*owner = (struct guard_owner){ .since_ns = clock_wall_ns(), .pid = (uint32_t)getpid() };
	slice_copy(slice_of(program), owner->program, sizeof(owner->program));
	if (gethostname(owner->host, sizeof(owner->host) - 1) < 0)
		owner->host[0] = '\0';
}

/* The owner of another guard, if the map is one; `own_id` and later ones don't count: who came
 * first wins, also when two start at the same moment. */
static bool guard_read(uint32_t id, struct guard_owner *owner)
{
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof(info), zero = 0;
	auto_fd int fd = bpf_map_get_fd_by_id(id);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 &&
	       strcmp(info.name, GUARD_NAME) == 0 && info.value_size == sizeof(*owner) &&
	       bpf_map_lookup_elem(fd, &zero, owner) == 0;
}

static int guard_find_earlier(uint32_t own_id, const char *program, struct error *err)
{
	uint32_t id = 0;
	int r;

	while ((r = bpf_map_get_next_id(id, &id)) == 0 && id < own_id) {
		char since[CLOCK_RFC3339_BYTES];
		struct guard_owner owner;

		if (!guard_read(id, &owner) || strncmp(owner.program, program, 15) != 0)
			continue;
		clock_rfc3339(since, owner.since_ns);
		return error_say(
			err, EBUSY,
			"%s runs on this kernel already: pid %u on host '%.63s' since %.19sZ; "
			"stop it first, or start with --allow-second",
			program, owner.pid, owner.host, since);
	}
	/* Our own map is there to be found, unless this needs a right that making one does not. */
	return r < 0 ? bpf_error(err, errno, "look for a second instance") : 0;
}

int guard_take(const char *program, struct error *err)
{
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof(info), zero = 0;
	struct guard_owner owner;
	int fd, r;

	guard_describe(program, &owner);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, GUARD_NAME, sizeof(zero), sizeof(owner), 1, NULL);
	if (fd < 0)
		return bpf_error(err, -fd, "take the guard against a second instance");
	r = bpf_map_update_elem(fd, &zero, &owner, BPF_ANY);
	if (r == 0)
		r = bpf_obj_get_info_by_fd(fd, &info, &bytes);
	r = r < 0 ? bpf_error(err, errno, "take the guard against a second instance")
		  : guard_find_earlier(info.id, program, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
