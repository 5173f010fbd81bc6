/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#define WORKER_STACK_BYTES (128u << 10)

struct worker {
	struct loop *loop;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows, up to the line */
	pthread_cond_t wake;
	struct list waiting, finished;
	bool ending;
	/* --- */
	struct loop_fd finished_fd; /* an eventfd: something is on `finished` */
};

static void *worker_main(void *argument)
{
	struct worker *worker = argument;
	struct worker_job *job;

	pthread_mutex_lock(&worker->lock);
	for (;;) {
		while (list_is_empty(&worker->waiting) && !worker->ending)
			pthread_cond_wait(&worker->wake, &worker->lock);
		job = list_first(&worker->waiting, struct worker_job, node);
		if (!job)
			break;
		list_remove(&job->node);
		pthread_mutex_unlock(&worker->lock);
		job->work(job);
		pthread_mutex_lock(&worker->lock);
		list_append(&worker->finished, &job->node);
		eventfd_write(worker->finished_fd.fd, 1);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

static struct worker_job *worker_next_finished(struct worker *worker)
{
	struct worker_job *job;

	pthread_mutex_lock(&worker->lock);
	job = list_first(&worker->finished, struct worker_job, node);
	if (job)
		list_remove(&job->node);
	pthread_mutex_unlock(&worker->lock);
	return job;
}

static void worker_on_finished(struct loop_fd *watch, uint32_t events)
{
	struct worker *worker = container_of(watch, struct worker, finished_fd);
	struct worker_job *job;
	eventfd_t count;

	(void)events;
	eventfd_read(watch->fd, &count);
	while ((job = worker_next_finished(worker))) {
		job->busy = false;
		job->done(job);
	}
}

/* The thread takes no signals: they belong to the loop. */
static int worker_spawn(struct worker *worker)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int r;

	r = pthread_attr_init(&attributes);
	if (r)
		return -r;
	pthread_attr_setstacksize(&attributes, WORKER_STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&worker->thread, &attributes, worker_main, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

int worker_new(struct worker **ret_worker, struct loop *loop, struct error *err)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int fd, r;

	if (!worker)
		return error_errno(err, ENOMEM, "start a thread");
	worker->loop = loop;
	worker->finished_fd.ready = worker_on_finished;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->wake, NULL);
	list_init(&worker->waiting);
	list_init(&worker->finished);
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0) {
		r = error_errno(err, errno, "start a thread");
		free(worker);
		return r;
	}
	r = loop_fd_add(loop, &worker->finished_fd, fd, EPOLLIN, err);
	if (r == 0) {
		r = worker_spawn(worker);
		if (r < 0) {
			error_errno(err, -r, "start a thread");
			loop_fd_remove(loop, &worker->finished_fd);
		}
	}
	if (r < 0) {
		close(fd);
		free(worker);
		return r;
	}
	*ret_worker = worker;
	return 0;
}

void worker_free(struct worker *worker)
{
	int fd;

	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->ending = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	fd = worker->finished_fd.fd;
	loop_fd_remove(worker->loop, &worker->finished_fd);
	close(fd);
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

void worker_start(struct worker *worker, struct worker_job *job)
{
	assert(!job->busy);
	job->busy = true;
	pthread_mutex_lock(&worker->lock);
	list_append(&worker->waiting, &job->node);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
}
