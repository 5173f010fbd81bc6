/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <zlib.h>

/* A file that is done with is deleted, and a new one begun, when it has become this large. */
#define SPOOL_IDLE_BYTES (256u << 10)

void spool_file_name(uint64_t number, char name[SPOOL_NAME_BYTES])
{
	snprintf(name, SPOOL_NAME_BYTES, "%016llx.events", (unsigned long long)number);
}

uint32_t spool_cursor_crc(const struct spool_cursor *cursor)
{
	return (uint32_t)crc32(0, (const Bytef *)&cursor->number,
			       sizeof(*cursor) - offsetof(struct spool_cursor, number));
}

uint64_t spool_waiting_bytes(const struct spool *spool)
{
	return spool->bytes - spool->offset;
}

static struct spool_file *spool_first(const struct spool *spool)
{
	return list_first(&spool->files, struct spool_file, node);
}

static struct spool_file *spool_last(const struct spool *spool)
{
	return list_is_empty(&spool->files)
		       ? NULL
		       : container_of(spool->files.prev, struct spool_file, node);
}

/* --- the cursor, and what is behind us --- */

/* Not synced: when the machine dies, what was acknowledged in the last second comes again. */
static void spool_save_cursor(struct spool *spool)
{
	const struct spool_file *first = spool_first(spool);
	struct spool_cursor cursor = {
		.magic = SPOOL_CURSOR_MAGIC,
		.number = first ? first->number : spool->next_number,
		.offset = first ? spool->offset : 0,
	};
	ssize_t n;

	cursor.crc = spool_cursor_crc(&cursor);
	n = pwrite(spool->cursor_fd, &cursor, sizeof(cursor), 0);
	(void)n; /* what a cursor that is too old costs is events sent twice */
}

static void spool_end_file(struct spool *spool)
{
	if (spool->write_fd >= 0)
		spool_sync_take_fd(&spool->sync, take_fd(&spool->write_fd));
	spool->cramped = false;
}

/* Deletes the first file. */
static void spool_delete_first(struct spool *spool)
{
	struct spool_file *file = spool_first(spool);
	char name[SPOOL_NAME_BYTES];

	if (file == spool_last(spool))
		spool_end_file(spool);
	if (spool->read_fd >= 0)
		close(take_fd(&spool->read_fd));
	list_remove(&file->node);
	spool->file_count--;
	spool->bytes -= file->bytes;
	spool->count -= file->count;
	spool->offset = 0;
	/* First the cursor: a file that it has passed is never read again, a missing one is no
	 * error. */
	spool_save_cursor(spool);
	spool_file_name(file->number, name);
	unlinkat(spool->dir_fd, name, 0);
	free(file);
}

static void spool_drop_first(struct spool *spool)
{
	spool->dropped += spool_first(spool)->count;
	spool_delete_first(spool);
}

/* The first file with something in it that is not acknowledged, or NULL. */
static struct spool_file *spool_seek(struct spool *spool)
{
	struct spool_file *file;

	while ((file = spool_first(spool)) && spool->offset >= file->bytes) {
		if (file == spool_last(spool) && spool->write_fd >= 0)
			return NULL;
		spool_delete_first(spool);
	}
	return file;
}

/* Nothing waits: what takes room on the disk may go. */
static void spool_rest(struct spool *spool)
{
	const struct spool_file *last = spool_last(spool);

	spool_sync_forget(&spool->sync); /* there is nothing that could be lost */
	if (last && last->bytes && (last->bytes >= SPOOL_IDLE_BYTES || spool->cramped))
		spool_end_file(spool);
}

/* --- writing --- */

static int spool_begin_file(struct spool *spool, struct error *err)
{
	struct spool_file *file = calloc(1, sizeof(*file));
	char name[SPOOL_NAME_BYTES];

	if (!file)
		return error_errno(err, ENOMEM, "write to '%s'", spool->path);
	file->number = spool->next_number++;
	spool_file_name(file->number, name);
	spool->write_fd = openat(spool->dir_fd, name,
				 O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (spool->write_fd < 0) {
		free(file);
		return error_errno(err, errno, "make a file in '%s'", spool->path);
	}
	list_append(&spool->files, &file->node);
	spool->file_count++;
	return 0;
}

static int spool_make_room(struct spool *spool, uint64_t need, struct error *err)
{
	const struct spool_file *last = spool_last(spool);

	if (need > spool->file_bytes)
		return error_say(err, EMSGSIZE, "write to '%s': an event of %llu bytes is too long",
				 spool->path, (unsigned long long)need);
	if (last && last->bytes + need > spool->file_bytes)
		spool_end_file(spool);
	while (spool->bytes + need > spool->limit_bytes || spool->file_count >= SPOOL_FILES)
		spool_drop_first(spool);
	return spool->write_fd >= 0 ? 0 : spool_begin_file(spool, err);
}

/* The disk is full, perhaps of what we have on it: that goes as soon as it is acknowledged. */
static void spool_note_cramped(struct spool *spool)
{
	spool->cramped = true;
	if (spool->count > 0)
		return;
	spool_rest(spool);
	spool_seek(spool);
}

int spool_append(struct spool *spool, struct slice payload, struct error *err)
{
	char head[SPOOL_RECORD_HEAD];
	struct iovec parts[] = { { head, sizeof(head) }, { (char *)payload.at, payload.bytes } };
	uint64_t bytes = sizeof(head) + payload.bytes;
	struct spool_file *file;
	ssize_t n;
	int r;

	r = spool_make_room(spool, bytes, err);
	if (r < 0)
		return r;
	file = spool_last(spool);
	spool_record_head(payload, head);
	n = writev(spool->write_fd, parts, 2);
	if (n != (ssize_t)bytes) {
		int error = n < 0 ? errno : ENOSPC;

		/* Should the half record stay, a reader steps over it; but then no more behind it.
		 */
		if (n > 0 && ftruncate(spool->write_fd, (off_t)file->bytes) < 0)
			spool_end_file(spool);
		spool_note_cramped(spool);
		return error_errno(err, error, "write to '%s'", spool->path);
	}
	file->bytes += bytes;
	file->count++;
	spool->bytes += bytes;
	spool->count++;
	spool_sync_need(&spool->sync, spool->write_fd);
	return 0;
}

/* --- reading --- */

void spool_batch_done(struct spool_batch *batch)
{
	free(batch->items);
	text_done(&batch->bytes);
	*batch = (struct spool_batch){ 0 };
}

static int spool_batch_reserve(struct spool_batch *batch, size_t count)
{
	struct spool_item *items;

	if (batch->room >= count)
		return 0;
	items = realloc(batch->items, count * sizeof(*items));
	if (!items)
		return -ENOMEM;
	batch->items = items;
	batch->room = count;
	return 0;
}

/* Reads `bytes` from where the first file is acknowledged up to. */
static int spool_read(struct spool *spool, uint64_t bytes, struct text *text)
{
	const struct spool_file *file = spool_first(spool);
	char name[SPOOL_NAME_BYTES];
	char *at;
	ssize_t n;

	if (spool->read_fd < 0) {
		spool_file_name(file->number, name);
		spool->read_fd = openat(spool->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (spool->read_fd < 0)
		return -errno;
	text_clear(text);
	at = text_reserve(text, bytes);
	if (!at)
		return -ENOMEM;
	n = pread(spool->read_fd, at, bytes, (off_t)spool->offset);
	if (n < 0)
		return -errno;
	text->bytes = (size_t)n;
	return (uint64_t)n == bytes ? 0 : -EIO; /* somebody else has cut it */
}

/* Takes the records from what was read. */
static void spool_fill(const struct spool *spool, size_t count, bool whole,
		       struct spool_batch *batch)
{
	struct slice rest = text_slice(&batch->bytes), payload;
	bool damaged = false;

	batch->count = batch->first = 0;
	batch->number = spool_first(spool)->number;
	while (batch->count < count &&
	       spool_record_next(&rest, whole, &payload, &damaged) == SPOOL_FOUND_record)
		batch->items[batch->count++] = (struct spool_item){
			.payload = payload,
			.end = spool->offset + (uint64_t)(rest.at - batch->bytes.at),
			.damaged = damaged,
		};
}

int spool_peek(struct spool *spool, size_t count, size_t bytes, struct spool_batch *batch,
	       struct error *err)
{
	struct spool_file *file;
	int r = spool_batch_reserve(batch, count);

	if (r < 0)
		return error_errno(err, -r, "read '%s'", spool->path);
	batch->count = batch->first = 0;
	while ((file = spool_seek(spool))) {
		uint64_t left = file->bytes - spool->offset;

		r = spool_read(spool, left < bytes ? left : bytes, &batch->bytes);
		if (r == 0)
			spool_fill(spool, count, left <= bytes, batch);
		if (r == 0 && batch->count == 0 && left > bytes) {
			r = spool_read(spool, left, &batch->bytes);
			if (r == 0)
				spool_fill(spool, count, true, batch);
		}
		if (r == -ENOMEM)
			return error_errno(err, ENOMEM, "read '%s'", spool->path);
		if (r < 0) {
			spool_drop_first(spool);
			return error_errno(err, -r, "read '%s'", spool->path);
		}
		if (batch->count)
			return (int)batch->count;
		spool->damaged++;
		spool->offset = file->bytes; /* nothing but damage up to its end */
	}
	return 0;
}

uint64_t spool_ack(struct spool *spool, struct spool_batch *batch, size_t count)
{
	struct spool_file *file = spool_first(spool);
	size_t last = batch->first + count;

	if (count == 0)
		return 0;
	for (size_t n = batch->first; n < last; n++)
		spool->damaged += batch->items[n].damaged;
	batch->first = last;
	if (!file || file->number != batch->number)
		return 0;
	spool->offset = batch->items[last - 1].end;
	file->count -= count;
	spool->count -= count;
	if (spool->count == 0)
		spool_rest(spool);
	spool_seek(spool);
	spool_save_cursor(spool);
	return count;
}

void spool_close(struct spool *spool)
{
	struct spool_file *file;

	if (!spool)
		return;
	spool_end_file(spool);
	if (spool->sync.worker) /* otherwise the opening has failed, and what is there unknown */
		spool_seek(spool);
	spool_sync_done(&spool->sync);
	list_drain(&spool->files, file, node) free(file);
	for (size_t n = 0; n < 4; n++) {
		const int fds[] = { spool->read_fd, spool->cursor_fd, spool->lock_fd,
				    spool->dir_fd };

		if (fds[n] >= 0)
			close(fds[n]);
	}
	free(spool->path);
	free(spool);
}
