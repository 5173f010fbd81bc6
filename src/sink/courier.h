/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier - brings events from the spool to a receiver: when, how many, and what if it fails.
 *
 * A sink behind a network is a courier plus a way to deliver one batch. One delivery is under way
 * at a time. What the receiver could not take is tried again, half as much at once, after a pause
 * that grows from 1 s to 60 s; a batch that it refuses for what is in it is halved until the event
 * that it refuses stands alone, and is lost.
 */
#ifndef SINK_COURIER_H
#define SINK_COURIER_H

#include "sink/sink.h"
#include "sink/spool.h"

enum courier_verdict {
	COURIER_delivered,
	COURIER_failed,	 /* not now */
	COURIER_refused, /* not these events */
	COURIER_denied,	 /* not from us: somebody has to change a setting first */
};

struct courier {
	/* The owner's: */
	struct sink *sink;
	uint64_t flush_count, flush_ns;	 /* deliver when so many wait, or one has waited so long */
	size_t batch_count, batch_bytes; /* of one delivery, at most */
	/* Has to lead to one courier_tell(), then or later. The items live until then. */
	void (*deliver)(struct courier *courier, const struct spool_item *items, size_t count);

	/* The courier's: */
	struct spool *spool;
	struct spool_batch batch;
	size_t under_way;    /* items of the batch that are being delivered */
	size_t part;	     /* deliver no more than so many at once; 0: as many as there are */
	bool due;	     /* what waits has waited long enough */
	bool draining;	     /* deliver until nothing waits */
	unsigned int misses; /* failures since the last success */
	uint64_t dropped;    /* of the spool's, counted as lost already */
	struct loop_timer flush_timer, pause_timer;
	struct loop_deferred step;
	struct metric recovered, damaged, bytes, count;
};

/* Opens the spool `<spool.directory>/<sink's name>`. */
must_check int courier_open(struct courier *courier, struct sink *sink, struct error *err);
/* What waits stays on disk. Harmless when it isn't open. */
void courier_close(struct courier *courier);

/* Accepts an event, or counts it as lost. */
void courier_put(struct courier *courier, struct slice payload);

/*
 * What became of the delivery. `why` is for people, unless delivered; `wait_ns` is how long the
 * receiver wants to be left alone, 0: it doesn't say.
 */
void courier_tell(struct courier *courier, enum courier_verdict verdict, uint64_t wait_ns,
		  const struct error *why);

/* The first `count` of those under way have been delivered, whatever becomes of the others. */
void courier_delivered(struct courier *courier, size_t count);

void courier_flush(struct courier *courier);
bool courier_busy(const struct courier *courier);

/* How long to pause after so many misses in a row, before chance is added; pure. */
uint64_t courier_pause_ns(enum courier_verdict verdict, unsigned int misses, uint64_t wait_ns);

#endif
