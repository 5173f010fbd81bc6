/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/spool_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void spool_sync_work(struct worker_job *job)
{
	struct spool_sync *sync = container_of(job, struct spool_sync, job);

	sync->job_error = 0;
	for (size_t n = 0; n < sync->job_count; n++) {
		if (fdatasync(sync->job_files[n]) < 0)
			sync->job_error = errno;
		close(sync->job_files[n]);
	}
	sync->job_count = 0;
}

static void spool_sync_finished(struct worker_job *job)
{
	struct spool_sync *sync = container_of(job, struct spool_sync, job);

	if (sync->job_error)
		sync->failed(sync, sync->job_error);
}

static void spool_sync_start(struct spool_sync *sync)
{
	int fd = -1;

	for (size_t n = 0; n < sync->file_count; n++)
		sync->job_files[sync->job_count++] = sync->files[n];
	sync->file_count = 0;
	/* A copy, for the writer may close its own meanwhile. */
	if (sync->writing_fd >= 0)
		fd = fcntl(sync->writing_fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0)
		sync->job_files[sync->job_count++] = fd;
	sync->writing_fd = -1;
	if (sync->job_count)
		worker_start(sync->worker, &sync->job);
}

static void spool_sync_on_timer(struct loop_timer *timer)
{
	struct spool_sync *sync = container_of(timer, struct spool_sync, timer);

	if (sync->job.busy)
		loop_timer_set(sync->loop, &sync->timer, sync->delay_ns);
	else
		spool_sync_start(sync);
}

int spool_sync_init(struct spool_sync *sync, struct loop *loop, uint64_t delay_ns,
		    struct error *err)
{
	sync->loop = loop;
	sync->delay_ns = delay_ns;
	sync->writing_fd = -1;
	sync->timer.fire = spool_sync_on_timer;
	sync->job.work = spool_sync_work;
	sync->job.done = spool_sync_finished;
	return worker_new(&sync->worker, loop, err);
}

void spool_sync_done(struct spool_sync *sync)
{
	if (!sync->worker)
		return;
	worker_free(sync->worker); /* the job is over now, or never was */
	sync->worker = NULL;
	for (size_t n = 0; n < sync->file_count; n++)
		fdatasync(sync->files[n]);
	spool_sync_forget(sync);
}

void spool_sync_need(struct spool_sync *sync, int fd)
{
	sync->writing_fd = fd;
	if (!sync->timer.due_ns)
		loop_timer_set(sync->loop, &sync->timer, sync->delay_ns);
}

void spool_sync_forget(struct spool_sync *sync)
{
	loop_timer_clear(&sync->timer);
	sync->writing_fd = -1;
	while (sync->file_count)
		close(sync->files[--sync->file_count]);
}

void spool_sync_take_fd(struct spool_sync *sync, int fd)
{
	bool written = sync->writing_fd == fd;

	if (written)
		sync->writing_fd = -1;
	/* A disk that far behind gains nothing from more waiting: the kernel writes it when it can.
	 */
	if (!written || sync->file_count == SPOOL_SYNC_FILES)
		close(fd);
	else
		sync->files[sync->file_count++] = fd;
}
