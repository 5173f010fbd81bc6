/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_record - how events lie in a file so that damage to one is seen and harms no other.
 *
 * A record is a head of SPOOL_RECORD_HEAD bytes (magic, payload's length, CRC-32 of both length
 * and payload; in the machine's byte order, the files never leave it) and the payload. The magic
 * has bytes that UTF-8 never has, so no event's text can contain one.
 */
#ifndef SINK_SPOOL_RECORD_H
#define SINK_SPOOL_RECORD_H

#include "base/slice.h"

#define SPOOL_RECORD_HEAD  12
#define SPOOL_RECORD_BYTES (4u << 20) /* of a payload, at most */

void spool_record_head(struct slice payload, char head[SPOOL_RECORD_HEAD]);

enum spool_found {
	SPOOL_FOUND_record,
	SPOOL_FOUND_cut,     /* the next record reaches beyond these bytes: read more */
	SPOOL_FOUND_nothing, /* no further record */
};

/*
 * Finds the next record and steps behind it; on any other outcome `rest` stays as it was. `whole`
 * says that the file ends where `rest` does: then what reaches beyond is damage, not cut. *damaged
 * becomes true when bytes that are no record were stepped over.
 */
enum spool_found spool_record_next(struct slice *rest, bool whole, struct slice *payload,
				   bool *damaged);

#endif
