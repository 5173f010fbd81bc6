/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot - what an open file showed when it was read from its start: reading on must give the
 * rest of the same text. Bounded: of very many files that are read in pieces at once, the oldest
 * get a new text in the middle, as they do from a new server.
 */
#ifndef SYSVISOR_FS_SNAPSHOT_H
#define SYSVISOR_FS_SNAPSHOT_H

#include "base/text.h"

void snapshot_init(void);

/* A number for a file that is being opened; no server ever gave the same. */
uint64_t snapshot_number(void);

/* A piece of what is remembered, copied into `out`; false when a new text is to be made: at the
 * start, or when nothing is remembered. */
bool snapshot_get(uint64_t number, uint64_t from, size_t bytes, struct text *out,
		  struct slice *ret_piece);

/* Remembers the text if more of it than this piece may be asked for; returns the piece. */
struct slice snapshot_put(uint64_t number, uint64_t from, size_t bytes, const struct text *text);

void snapshot_drop(uint64_t number);

/* Where reading goes on in a text that is newer than the one it began with. Pure. */
struct slice snapshot_continue(struct slice text, uint64_t from, size_t bytes);

#endif
