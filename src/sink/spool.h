/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool - a bounded queue of events on disk.
 *
 * An event counts as accepted when write(2) has returned: from then on it survives the death of the
 * process, and after at most `sync_ns` that of the machine, too. Events are read again until they
 * are acknowledged, so each goes out at least once.
 *
 *	<directory>/<name>/lock                     flock(2): one writer
 *	                   cursor                   how far it is acknowledged
 *	                   0000000000000001.events  records (sink/spool_record.h), only appended
 *
 * A file is deleted when all of it is acknowledged. When the queue is full the oldest file goes and
 * its events are lost. A new file is begun at each start, so nothing is ever written behind a torn
 * record.
 */
#ifndef SINK_SPOOL_H
#define SINK_SPOOL_H

#include "base/text.h"
#include "sink/spool_record.h"
#include "sink/spool_sync.h"

#define SPOOL_LIMIT_MIN (1u << 20)
#define SPOOL_FILE_MAX                                                                             \
	((size_t)4 * SPOOL_RECORD_BYTES) /* bytes of one; larger ones are not read again */
#define SPOOL_FILES 1024 /* at most; a program that dies again and again makes small ones */

struct spool_file {
	struct list node;
	uint64_t number; /* in its name; files are read in this order */
	uint64_t bytes;
	uint64_t count; /* events in it that are not acknowledged */
};

struct spool_settings {
	const char *directory, *name; /* the second below the first */
	uint64_t limit_bytes;
	uint64_t sync_ns;
};

struct spool {
	uint64_t count; /* events that wait */
	/* Since the opening: found waiting, lost because the queue was full, and records found
	 * damaged (how many events each was is not known; mostly one). */
	uint64_t recovered, dropped, damaged;
	/* fsync(2) failed; set by the owner, NULL: nobody wants to know. */
	void (*failed)(struct spool *spool, const struct error *err);
	void *owner;

	/* The spool's own. */
	char *path;
	uint64_t limit_bytes, file_bytes;
	int dir_fd, lock_fd, cursor_fd;
	int write_fd; /* the last file's; -1: the next event begins a new one */
	int read_fd;  /* the first file's, or -1 */
	bool cramped; /* the last file could not be written to: it goes when all is acknowledged */
	struct list files;
	size_t file_count;
	uint64_t bytes;	 /* of all files */
	uint64_t offset; /* in the first file: acknowledged up to here */
	uint64_t next_number;
	struct spool_sync sync;
};

must_check int spool_open(struct spool **ret_spool, struct loop *loop,
			  const struct spool_settings *settings, struct error *err);
/* Waits until all is synced. What waits stays on disk. NULL is fine. */
void spool_close(struct spool *spool);

/* Bytes that wait on disk, heads included. */
uint64_t spool_waiting_bytes(const struct spool *spool);

/* Accepts an event. -ENOSPC and kin: it is lost, and nothing of it stays in the file; -EMSGSIZE:
 * it is larger than a file may become. May drop the oldest events instead, see `dropped`. */
must_check int spool_append(struct spool *spool, struct slice payload, struct error *err);

struct spool_item {
	struct slice payload;
	uint64_t end; /* offset behind it in its file */
	bool damaged; /* damage was stepped over before it */
};

/* Zeroed at first. */
struct spool_batch {
	struct spool_item *items;
	size_t count, first, room; /* items[first .. count) are not acknowledged */
	uint64_t number;	   /* of their file */
	struct text bytes;
};
void spool_batch_done(struct spool_batch *batch);

/*
 * Reads the oldest events into `batch`, as many as `count` and `bytes` permit but at least one, all
 * from one file. Returns how many; 0 when nothing waits. -errno when the file can't be read: it is
 * given up and its events are in `dropped`, so the next call goes on behind it.
 */
must_check int spool_peek(struct spool *spool, size_t count, size_t bytes,
			  struct spool_batch *batch, struct error *err);

/* Acknowledges the next `count` items of the batch: they won't come again. Returns how many of them
 * were still in the queue (its oldest may have been dropped meanwhile). */
uint64_t spool_ack(struct spool *spool, struct spool_batch *batch, size_t count);

/* --- for spool_open.c --- */

/* Room for a file's name with its end. */
#define SPOOL_NAME_BYTES 24
void spool_file_name(uint64_t number, char name[SPOOL_NAME_BYTES]);

/* What the cursor file holds: files before `number` and this one's first `offset` bytes are done
 * with. */
struct spool_cursor {
	uint32_t magic, crc;
	uint64_t number, offset;
};
_Static_assert(sizeof(struct spool_cursor) == 24, "no holes");
#define SPOOL_CURSOR_MAGIC 0xc0b5fe01u
uint32_t spool_cursor_crc(const struct spool_cursor *cursor);

#endif
