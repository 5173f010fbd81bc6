/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - DNS messages out of one direction of a TCP connection (RFC 1035, 4.2.2: each has its
 * length before it).
 *
 * Pieces may come twice, may be missing, and may have been cut by whoever caught them: a message is
 * then given as far as it is there, and the rest is stepped over.
 */
#ifndef SENSOR_DNS_STREAM_H
#define SENSOR_DNS_STREAM_H

#include "base/slice.h"
#include "base/text.h"

#define DNS_STREAM_BYTES 16384 /* of a message; the rest is stepped over */

struct dns_stream {
	bool begun;
	uint32_t next; /* sequence number that comes next */
	uint32_t skip; /* bytes to step over */
	uint64_t gaps; /* how often a piece was missing */
	struct text waiting;
};

void dns_stream_done(struct dns_stream *stream);

/* A piece: `data` is the start of `bytes` bytes on the wire. Gives each message that it completes.
 */
void dns_stream_take(struct dns_stream *stream, uint32_t sequence, struct slice data, size_t bytes,
		     void (*message)(void *owner, struct slice message), void *owner);

#endif
