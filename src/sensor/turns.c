/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/turns.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "base/clock.h"

#define TURNS_SETTLE_MS 100
#define TURNS_BATCH	64

static void turns_drain(struct turns *turns)
{
	turns->drain(turns);
	turns->turned = false;
}

static void turns_on_timer(struct loop_timer *timer)
{
	struct turns *turns = container_of(timer, struct turns, timer);
	uint64_t settle_ns = TURNS_SETTLE_MS * NS_PER_MS;

	if (turns->turned) {
		turns_drain(turns);
		loop_timer_set(turns->loop, timer, *turns->interval_ns - settle_ns);
		return;
	}
	turns->turn(turns);
	turns->turned = true;
	loop_timer_set(turns->loop, timer, settle_ns);
}

void turns_start(struct turns *turns, struct loop *loop)
{
	turns->loop = loop;
	turns->timer.fire = turns_on_timer;
	loop_timer_set(loop, &turns->timer, *turns->interval_ns);
}

void turns_stop(struct turns *turns)
{
	if (!turns->loop)
		return;
	loop_timer_clear(&turns->timer);
	if (turns->turned)
		turns_drain(turns);
	turns->turn(turns);
	turns_drain(turns);
}

void turns_take(int map_fd, size_t key_bytes, size_t value_bytes,
		void (*item)(void *owner, const void *key, const void *value), void *owner)
{
	auto_free char *keys = calloc(TURNS_BATCH, key_bytes);
	auto_free char *values = calloc(TURNS_BATCH, value_bytes);
	void *from = NULL;
	__u32 batch = 0;
	int r = keys && values ? 0 : -ENOMEM;

	while (r == 0) {
		__u32 count = TURNS_BATCH;

		r = bpf_map_lookup_and_delete_batch(map_fd, from, &batch, keys, values, &count,
						    NULL);
		if (r < 0 && r != -ENOENT)
			return;
		from = &batch;
		for (__u32 n = 0; n < count; n++)
			item(owner, keys + n * key_bytes, values + n * value_bytes);
	}
}
