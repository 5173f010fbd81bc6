/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/mgr/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

#define STATE_LIMIT_BYTES (256u << 20)
#define STATE_HISTORY	  512 /* lines more than containers before it is written anew */

static void state_sync(struct worker_job *job)
{
	const struct state *state = container_of(job, struct state, sync);

	/* Best effort: the lines are with the kernel already. */
	if (fdatasync(state->fd) < 0)
		return;
}

static void state_sync_done(struct worker_job *job)
{
	struct state *state = container_of(job, struct state, sync);

	if (state->again)
		worker_start(state->worker, job);
	state->again = false;
}

static int state_append(struct state *state, struct text *line, bool sync, struct error *err)
{
	int r = line->failed ? -ENOMEM : file_write_all(state->fd, text_slice(line));

	if (r < 0) {
		/* Half a line would spoil the next one. */
		if (ftruncate(state->fd, (off_t)state->bytes) < 0)
			r = -errno;
		return error_errno(err, -r, "write '%s'", state->path);
	}
	state->bytes += line->bytes;
	state->line_count++;
	if (!sync)
		return 0;
	if (state->sync.busy)
		state->again = true;
	else
		worker_start(state->worker, &state->sync);
	return 0;
}

int state_write(struct state *state, const struct record *record, struct error *err)
{
	auto_text struct text line = { 0 };

	record_put(record, &line);
	return state_append(state, &line, record->state == RECORD_registered, err);
}

int state_write_gone(struct state *state, const char *id, struct error *err)
{
	auto_text struct text line = { 0 };

	record_put_gone(id, &line);
	return state_append(state, &line, false, err);
}

/* --- all of it --- */

static int state_replay(struct map *records, struct slice line)
{
	struct record *record, *before;
	bool gone;
	int r = record_parse(line, &record, &gone);

	if (r < 0)
		return r;
	before = map_take(records, slice_of(record->id));
	record_free(before);
	if (gone) {
		record_free(record);
		return 0;
	}
	r = map_put(records, record, NULL);
	if (r < 0)
		record_free(record);
	return r;
}

static int state_read(const char *path, struct map *records, size_t *ret_skipped, struct error *err)
{
	auto_text struct text journal = { 0 };
	struct slice rest, line;
	int r = file_read(path, STATE_LIMIT_BYTES, &journal, err);

	*ret_skipped = 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	rest = text_slice(&journal);
	/* What stands behind the last line end was being written when the machine stopped. */
	while (slice_cut(&rest, '\n', &line)) {
		r = state_replay(records, line);
		if (r == -ENOMEM)
			return error_errno(err, ENOMEM, "read '%s'", path);
		*ret_skipped += r < 0;
	}
	return 0;
}

int state_compact(struct state *state, const struct map *records, bool force, struct error *err)
{
	auto_text struct text all = { 0 };
	struct record *record;
	int fd, r;

	if (!force && (state->line_count < records->count + STATE_HISTORY || state->sync.busy))
		return 0;
	map_each(records, record)
		record_put(record, &all);
	if (all.failed)
		return error_errno(err, ENOMEM, "write '%s'", state->path);
	r = file_replace(state->path, text_slice(&all), 0600, err);
	if (r < 0)
		return r;
	fd = open(state->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open '%s'", state->path);
	auto_close_fd(&state->fd);
	state->fd = fd;
	state->bytes = all.bytes;
	state->line_count = records->count;
	return 0;
}

int state_open(struct state *state, const char *path, struct worker *worker, struct map *records,
	       size_t *ret_skipped, struct error *err)
{
	int r;

	*state = (struct state){
		.fd = -1,
		.worker = worker,
		.sync = { .work = state_sync, .done = state_sync_done },
	};
	state->path = strdup(path);
	if (!state->path)
		return error_errno(err, ENOMEM, "open '%s'", path);
	r = state_read(path, records, ret_skipped, err);
	if (r == 0)
		r = state_compact(state, records, true, err);
	return r;
}

void state_close(struct state *state)
{
	auto_close_fd(&state->fd);
	free(state->path);
}
