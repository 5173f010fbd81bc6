/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring - the one BPF ring buffer through which all programs speak to the agent.
 *
 * The wake-up for each record is what costs (see docs/decisions/0003). So the reader, once woken,
 * says that it is awake and drains the ring every RING_DRAIN_MS without being woken again; when
 * a drain finds nothing it sleeps until the next record wakes it. An idle agent costs nothing, and
 * a lone event still arrives at once.
 */
#ifndef KERNEL_RING_H
#define KERNEL_RING_H

#include "base/error.h"
#include "base/loop.h"
#include "bpf/event.h"

#define RING_DRAIN_MS 20

struct ring;
struct bpf_map;

extern const char *const ring_type_names[RING_TYPE_COUNT];

/* A power of two, at least a page. Needs CAP_BPF or CAP_SYS_ADMIN, and kernel 5.8. */
must_check int ring_new(struct ring **ret_ring, struct loop *loop, size_t bytes, struct error *err);
void ring_free(struct ring *ring);

/* Makes a program's own `ring` and `ring_state` maps be these; before it is loaded. */
must_check int ring_share(struct ring *ring, struct bpf_map *ring_map, struct bpf_map *state_map,
			  struct error *err);
/* For the program's ring_half_bytes. */
uint32_t ring_half_bytes(const struct ring *ring);

/* Who gets the records of a type, in the order in which the kernel wrote them. A record is valid
 * during the call only. NULL: nobody. */
void ring_handle(struct ring *ring, enum ring_type type,
		 void (*record)(void *owner, const struct ring_head *head), void *owner);

/* Takes out what is there now, for one who needs to know what has just happened. */
void ring_drain(struct ring *ring);

/* Records of a type that found the ring full. */
uint64_t ring_lost(const struct ring *ring, enum ring_type type);

#endif
