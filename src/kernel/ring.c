/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/ring.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "kernel/bpf.h"

/* Records taken in one go; then others have their turn. */
#define RING_BUDGET 16384

const char *const ring_type_names[RING_TYPE_COUNT] = {
	[RING_fork] = "fork",	    [RING_exec] = "exec",     [RING_exit] = "exit",
	[RING_thread] = "thread",   [RING_cgroup] = "cgroup", [RING_tcp] = "tcp",
	[RING_dns] = "dns",	    [RING_tls] = "tls",	      [RING_http] = "http",
	[RING_syscall] = "syscall", [RING_file] = "file",
};

struct ring {
	struct loop *loop;
	struct loop_fd watch;
	struct loop_timer drain_timer;
	struct ring_buffer *buffer;
	struct ring_state *state;
	int map_fd, state_fd;
	uint32_t bytes;
	uint32_t taken; /* in this drain */
	struct {
		void (*record)(void *owner, const struct ring_head *head);
		void *owner;
	} handlers[RING_TYPE_COUNT];
};

static int ring_on_record(void *owner, void *data, size_t bytes)
{
	struct ring *ring = owner;
	const struct ring_head *head = data;

	if (bytes >= sizeof(*head) && head->type < RING_TYPE_COUNT && head->bytes <= bytes &&
	    ring->handlers[head->type].record)
		ring->handlers[head->type].record(ring->handlers[head->type].owner, head);
	return ++ring->taken >= RING_BUDGET ? -EAGAIN : 0;
}

void ring_drain(struct ring *ring)
{
	ring->taken = 0;
	ring_buffer__consume(ring->buffer);
}

static void ring_keep_draining(struct ring *ring)
{
	uint64_t delay_ms = ring->taken >= RING_BUDGET ? 0 : RING_DRAIN_MS;

	loop_timer_set(ring->loop, &ring->drain_timer, delay_ms * NS_PER_MS);
}

static void ring_on_wake(struct loop_fd *watch, uint32_t events)
{
	struct ring *ring = container_of(watch, struct ring, watch);

	(void)events;
	__atomic_store_n(&ring->state->awake, 1, __ATOMIC_SEQ_CST);
	ring_drain(ring);
	ring_keep_draining(ring);
}

static void ring_on_timer(struct loop_timer *timer)
{
	struct ring *ring = container_of(timer, struct ring, drain_timer);

	ring_drain(ring);
	if (ring->taken == 0) {
		__atomic_store_n(&ring->state->awake, 0, __ATOMIC_SEQ_CST);
		/* One who saw us awake a moment ago may have written without waking us. */
		ring_drain(ring);
		if (ring->taken == 0)
			return;
		__atomic_store_n(&ring->state->awake, 1, __ATOMIC_SEQ_CST);
	}
	ring_keep_draining(ring);
}

static int ring_make_maps(struct ring *ring, struct error *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, mapped, .map_flags = BPF_F_MMAPABLE);
	void *at;

	ring->map_fd =
		bpf_map_create(BPF_MAP_TYPE_RINGBUF, "bulwark_ring", 0, 0, ring->bytes, NULL);
	if (ring->map_fd < 0)
		return bpf_error(err, -ring->map_fd, "make the BPF ring buffer");
	ring->state_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bulwark_state", 4,
					sizeof(struct ring_state), 1, &mapped);
	if (ring->state_fd < 0)
		return bpf_error(err, -ring->state_fd, "make the BPF state map");
	at = mmap(NULL, sizeof(struct ring_state), PROT_READ | PROT_WRITE, MAP_SHARED,
		  ring->state_fd, 0);
	if (at == MAP_FAILED)
		return error_errno(err, errno, "map the BPF state map");
	ring->state = at;
	ring->buffer = ring_buffer__new(ring->map_fd, ring_on_record, ring, NULL);
	if (!ring->buffer)
		return bpf_error(err, errno, "map the BPF ring buffer");
	return 0;
}

int ring_new(struct ring **ret_ring, struct loop *loop, size_t bytes, struct error *err)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	int r;

	if (!ring)
		return error_errno(err, ENOMEM, "make the BPF ring buffer");
	ring->loop = loop;
	ring->bytes = (uint32_t)bytes;
	ring->map_fd = ring->state_fd = ring->watch.fd = -1;
	ring->watch.ready = ring_on_wake;
	ring->drain_timer.fire = ring_on_timer;
	r = ring_make_maps(ring, err);
	if (r == 0)
		r = loop_fd_add(loop, &ring->watch, ring->map_fd, EPOLLIN, err);
	if (r < 0) {
		ring_free(ring);
		return r;
	}
	*ret_ring = ring;
	return 0;
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	loop_timer_clear(&ring->drain_timer);
	loop_fd_remove(ring->loop, &ring->watch);
	ring_buffer__free(ring->buffer);
	if (ring->state)
		munmap(ring->state, sizeof(*ring->state));
	if (ring->state_fd >= 0)
		close(ring->state_fd);
	if (ring->map_fd >= 0)
		close(ring->map_fd);
	free(ring);
}

int ring_share(struct ring *ring, struct bpf_map *ring_map, struct bpf_map *state_map,
	       struct error *err)
{
	int r = bpf_map__reuse_fd(ring_map, ring->map_fd);

	if (r == 0)
		r = bpf_map__reuse_fd(state_map, ring->state_fd);
	return r < 0 ? bpf_error(err, -r, "share the BPF ring buffer") : 0;
}

uint32_t ring_half_bytes(const struct ring *ring)
{
	return ring->bytes / 2;
}

void ring_handle(struct ring *ring, enum ring_type type,
		 void (*record)(void *owner, const struct ring_head *head), void *owner)
{
	ring->handlers[type].record = record;
	ring->handlers[type].owner = owner;
}

uint64_t ring_lost(const struct ring *ring, enum ring_type type)
{
	return __atomic_load_n(&ring->state->lost[type], __ATOMIC_RELAXED);
}
