/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/courier.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"

#define COURIER_PAUSE_MIN_NS (1 * NS_PER_S)
#define COURIER_PAUSE_MAX_NS (60 * NS_PER_S)
#define COURIER_WAIT_MAX_NS  (3600 * NS_PER_S) /* that a receiver may ask for */

/* --- when --- */

static void courier_wake(struct courier *courier)
{
	loop_defer(courier->sink->env->loop, &courier->step);
}

static bool courier_pausing(const struct courier *courier)
{
	return courier->pause_timer.due_ns != 0;
}

uint64_t courier_pause_ns(enum courier_verdict verdict, unsigned int misses, uint64_t wait_ns)
{
	uint64_t pause_ns = COURIER_PAUSE_MAX_NS;

	if (verdict != COURIER_denied && misses <= 6)
		pause_ns = COURIER_PAUSE_MIN_NS << (misses ? misses - 1 : 0);
	if (pause_ns > COURIER_PAUSE_MAX_NS)
		pause_ns = COURIER_PAUSE_MAX_NS;
	if (wait_ns > COURIER_WAIT_MAX_NS)
		wait_ns = COURIER_WAIT_MAX_NS;
	return wait_ns > pause_ns ? wait_ns : pause_ns;
}

/* Up to a quarter longer by chance, so that a thousand agents don't come back as one. */
static void courier_pause(struct courier *courier, uint64_t pause_ns)
{
	uint64_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = 0;
	loop_timer_set(courier->sink->env->loop, &courier->pause_timer,
		       pause_ns + chance % (pause_ns / 4));
}

static void courier_on_pause_over(struct loop_timer *timer)
{
	courier_wake(container_of(timer, struct courier, pause_timer));
}

static void courier_on_flush_time(struct loop_timer *timer)
{
	struct courier *courier = container_of(timer, struct courier, flush_timer);

	courier->due = true;
	courier_wake(courier);
}

/* --- what the spool had to drop --- */

static void courier_note_dropped(struct courier *courier)
{
	uint64_t dropped = courier->spool->dropped - courier->dropped;
	struct error err;

	if (dropped == 0)
		return;
	courier->dropped += dropped;
	courier->sink->lost.value += dropped;
	error_say(&err, ENOSPC,
		  "the queue '%s' is full: its oldest events are lost; set 'spool.size' higher",
		  courier->spool->path);
	sink_trouble(courier->sink, SINK_TROUBLE_full, &err);
}

static void courier_on_sync_failed(struct spool *spool, const struct error *err)
{
	sink_trouble((struct sink *)spool->owner, SINK_TROUBLE_disk, err);
}

/* --- delivering --- */

/* Takes the next batch; returns whether there is one. */
static bool courier_take(struct courier *courier)
{
	struct spool *spool = courier->spool;
	struct error err;
	int n;

	if (!courier->due && !courier->draining && spool->count < courier->flush_count)
		return false;
	n = spool_peek(spool, courier->batch_count, courier->batch_bytes, &courier->batch, &err);
	courier_note_dropped(courier);
	if (n < 0) {
		sink_trouble(courier->sink, SINK_TROUBLE_disk, &err);
		courier_wake(courier); /* what could not be read is given up: go on behind it */
		return false;
	}
	if ((uint64_t)n == spool->count) {
		courier->due = false;
		loop_timer_clear(&courier->flush_timer);
	}
	return n > 0;
}

static void courier_step(struct courier *courier)
{
	struct spool_batch *batch = &courier->batch;
	size_t left;

	if (courier->under_way || courier_pausing(courier))
		return;
	if (courier->spool->count == 0)
		courier->due = courier->draining = false;
	if (batch->first == batch->count && !courier_take(courier)) {
		spool_batch_done(batch);
		if (courier->spool->count && !courier->flush_timer.due_ns)
			loop_timer_set(courier->sink->env->loop, &courier->flush_timer,
				       courier->flush_ns);
		return;
	}
	left = batch->count - batch->first;
	courier->under_way = courier->part && courier->part < left ? courier->part : left;
	courier->deliver(courier, &batch->items[batch->first], courier->under_way);
}

static void courier_on_step(struct loop_deferred *deferred)
{
	courier_step(container_of(deferred, struct courier, step));
}

void courier_delivered(struct courier *courier, size_t count)
{
	courier->sink->delivered.value += spool_ack(courier->spool, &courier->batch, count);
	courier->under_way -= count;
}

/* All of it was taken: try a larger part next. */
static void courier_succeed(struct courier *courier)
{
	struct sink *sink = courier->sink;

	courier_delivered(courier, courier->under_way);
	courier->misses = 0;
	courier->part *= 2;
	if (courier->part >= courier->batch_count)
		courier->part = 0;
	sink_well(sink, SINK_TROUBLE_delivery);
	if (courier->spool->count == 0)
		sink_well(sink, SINK_TROUBLE_full);
}

/* A receiver that refuses one event after the other may refuse them all, because it is not the one
 * that was meant: slow down before everything is lost. */
static void courier_split(struct courier *courier, const struct error *why)
{
	struct sink *sink = courier->sink;

	if (courier->under_way > 1) {
		courier->part = courier->under_way / 2;
		sink->failures.value++;
		return;
	}
	courier->part = 1;
	sink->lost.value += spool_ack(courier->spool, &courier->batch, 1);
	sink_trouble(sink, SINK_TROUBLE_delivery, why);
	if (courier->misses++)
		courier_pause(courier, courier_pause_ns(COURIER_refused, courier->misses - 1, 0));
}

void courier_tell(struct courier *courier, enum courier_verdict verdict, uint64_t wait_ns,
		  const struct error *why)
{
	switch (verdict) {
	case COURIER_delivered:
		courier_succeed(courier);
		break;
	case COURIER_refused:
		courier_split(courier, why);
		break;
	case COURIER_failed:
	case COURIER_denied:
		courier->misses++;
		courier->sink->failures.value++;
		/* It may be the size that fails: a slow link, a connection that is always cut. */
		if (!wait_ns)
			courier->part = (courier->under_way + 1) / 2;
		courier_pause(courier, courier_pause_ns(verdict, courier->misses, wait_ns));
		sink_trouble(courier->sink, SINK_TROUBLE_delivery, why);
		break;
	}
	courier->under_way = 0;
	courier_wake(courier);
}

/* --- the sink's side --- */

void courier_put(struct courier *courier, struct slice payload)
{
	struct sink *sink = courier->sink;
	struct error err;
	int r = spool_append(courier->spool, payload, &err);

	courier_note_dropped(courier);
	if (r < 0) {
		sink->lost.value++;
		sink_trouble(sink, SINK_TROUBLE_disk, &err);
		return;
	}
	sink_well(sink, SINK_TROUBLE_disk);
	courier_wake(courier);
}

void courier_flush(struct courier *courier)
{
	courier->draining = true;
	loop_timer_clear(&courier->pause_timer); /* one try more */
	courier_wake(courier);
}

bool courier_busy(const struct courier *courier)
{
	return courier->under_way || (courier->spool->count && !courier_pausing(courier));
}

static uint64_t courier_read_metric(const struct metric *metric)
{
	const struct spool *spool = metric->owner;
	const uint64_t values[] = { spool->recovered, spool->damaged, spool_waiting_bytes(spool),
				    spool->count };

	return values[metric->index];
}

static void courier_add_metrics(struct courier *courier)
{
	static const enum metric_id ids[] = { METRIC_sink_recovered, METRIC_spool_damaged,
					      METRIC_spool_bytes, METRIC_spool_events };
	struct metric *const metrics[] = { &courier->recovered, &courier->damaged, &courier->bytes,
					   &courier->count };

	for (size_t n = 0; n < array_count(ids); n++) {
		metrics[n]->read = courier_read_metric;
		metrics[n]->owner = courier->spool;
		metrics[n]->index = n;
		metric_add(courier->sink->env->metrics, ids[n], metrics[n], courier->sink->name);
	}
}

int courier_open(struct courier *courier, struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	const struct spool_settings spool_settings = {
		.directory = settings->spool.directory,
		.name = sink->name,
		.limit_bytes = settings->spool.bytes,
		.sync_ns = settings->spool.sync_ns,
	};
	int r;

	courier->sink = sink;
	courier->flush_timer.fire = courier_on_flush_time;
	courier->pause_timer.fire = courier_on_pause_over;
	courier->step.run = courier_on_step;
	r = spool_open(&courier->spool, sink->env->loop, &spool_settings, err);
	if (r < 0)
		return error_wrap(err, r, "use 'spool.directory'");
	courier->spool->owner = sink;
	courier->spool->failed = courier_on_sync_failed;
	courier_add_metrics(courier);
	courier->due = true; /* what an earlier run has left has waited long enough */
	courier_wake(courier);
	return 0;
}

void courier_close(struct courier *courier)
{
	if (!courier->spool)
		return;
	metric_remove(&courier->recovered);
	metric_remove(&courier->damaged);
	metric_remove(&courier->bytes);
	metric_remove(&courier->count);
	loop_timer_clear(&courier->flush_timer);
	loop_timer_clear(&courier->pause_timer);
	loop_undefer(&courier->step);
	spool_batch_done(&courier->batch);
	spool_close(take_ptr(courier->spool));
}
