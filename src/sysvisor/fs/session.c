/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "sysvisor/fs/holder.h"
#include "sysvisor/fs/inflight.h"
#include "sysvisor/fs/serve.h"
#include "sysvisor/fs/traps.h"

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* Of the kernel's protocol (linux/fuse.h); the headers of older systems lack the notification. */
#define SESSION_INIT	     26 /* FUSE_INIT */
#define SESSION_RESEND	     7	/* FUSE_NOTIFY_RESEND, since Linux 6.9 */
#define SESSION_INIT_BYTES   4096
#define SESSION_WORKERS_MAX  INFLIGHT_SLOTS
#define SESSION_JOIN_ROUNDS  200
#define SESSION_JOIN_WAIT_US 5000
#define SESSION_NICE_SIGNAL  SIGUSR1
#define SESSION_WRITE	     16 /* FUSE_WRITE */
#define SESSION_BACKLOG	     4	/* requests in a row that didn't have to be waited for */
#define SESSION_ASK_EVERY    4	/* requests, when nothing waits and nobody else listens */
#define SESSION_WATCH_NS     (100 * NS_PER_MS)
#define SESSION_SLOW_NS	     (20 * NS_PER_MS)

struct session_head {
	uint32_t bytes, opcode;
	uint64_t unique;
};

struct session_notice {
	uint32_t bytes;
	int32_t code;
	uint64_t unique;
};

struct session {
	struct server *server;
	struct fuse_session *fuse;
	int fd;		     /* fuse's */
	struct loop_fd link; /* to the holder */
	struct inflight inflight;
	struct serve_worker *workers[SESSION_WORKERS_MAX];
	size_t worker_count;
	struct session_delays delays;
	_Atomic(unsigned int) listening; /* workers that wait for the kernel */
	pthread_mutex_t lock;
	pthread_cond_t wanted;	    /* a worker that rests is */
	unsigned int resting, wake; /* of workers; under the lock */
	struct loop_timer watchdog;
	struct loop_fd lost; /* a worker found the connection gone */
};

struct session_delays session_delays(const struct server *server)
{
	return server->session ? server->session->delays : (struct session_delays){ 0 };
}

int session_link(const struct server *server)
{
	return server->session ? server->session->link.fd : -1;
}

/* --- workers --- */

/* One worker serves as long as it can alone: it stays on its processor, with all it needs at hand,
 * which makes a request half as expensive as handing each to another thread. A second one is woken
 * when requests pile up, or when one may take long; it rests again when there is nothing to do. */
static bool session_wake_another(struct session *session)
{
	bool any;

	pthread_mutex_lock(&session->lock);
	any = session->resting > session->wake;
	if (any) {
		session->wake++;
		pthread_cond_signal(&session->wanted);
	}
	pthread_mutex_unlock(&session->lock);
	return any;
}

static void session_rest(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	session->resting++;
	while (session->wake == 0 && !fuse_session_exited(session->fuse))
		pthread_cond_wait(&session->wanted, &session->lock);
	session->resting--;
	if (session->wake)
		session->wake--;
	pthread_mutex_unlock(&session->lock);
}

/* What can be had of FUSE's descriptor at once: POLLIN, POLLERR. */
static short session_poll(int fd)
{
	struct pollfd poll_ = { fd, POLLIN, 0 };

	return poll(&poll_, 1, 0) < 0 ? 0 : poll_.revents;
}

/* What a worker knows of the queue. */
struct session_queue {
	unsigned int backlog; /* requests in a row that waited for it */
	unsigned int unasked; /* that it will take without asking whether more wait */
};

/* Whether the worker is to rest: nothing waits, and somebody else listens. A worker alone looks at
 * the queue only now and then: it costs a tenth of a request, and a pile-up lasts longer. */
static bool session_may_rest(const struct session *session, struct session_queue *queue)
{
	bool alone = session->listening == 0;

	if (alone && queue->unasked) {
		queue->unasked--;
		return false;
	}
	if (session_poll(session->fd)) {
		queue->backlog++;
		return false;
	}
	*queue = (struct session_queue){ .unasked = SESSION_ASK_EVERY - 1 };
	return !alone;
}

/* The next request, or what fuse_session_receive_buf() says instead. */
static int session_receive(struct session *session, struct fuse_buf *buffer,
			   struct session_queue *queue)
{
	const struct session_head *head;
	int n;

	if (session_may_rest(session, queue)) {
		session_rest(session);
		return -EAGAIN;
	}
	session->listening++;
	n = fuse_session_receive_buf(session->fuse, buffer);
	session->listening--;
	head = buffer->mem;
	if (n > 0 && session->listening == 0 &&
	    (queue->backlog >= SESSION_BACKLOG || head->opcode == SESSION_WRITE)) {
		queue->backlog = 0;
		session_wake_another(session);
	}
	return n;
}

static void *session_work(void *argument)
{
	struct serve_worker *worker = argument;
	struct session *session = worker->server->session;
	struct fuse_buf buffer = { .size = INFLIGHT_SLOT_BYTES };
	struct session_queue queue = { 0 };
	struct error err;

	serve_set_worker(worker);
	if (inside_prepare_thread(&err) < 0)
		return NULL;
	while (!fuse_session_exited(session->fuse)) {
		int n;

		buffer.mem = inflight_slot(&session->inflight, worker->number);
		n = session_receive(session, &buffer, &queue);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0) {
			uint64_t one = 1;

			if (write(session->lost.fd, &one, sizeof(one)) < 0)
				break;
			break;
		}
		fuse_session_process_buf(session->fuse, &buffer);
	}
	inflight_slot(&session->inflight, worker->number);
	return NULL;
}

static int session_add_worker(struct session *session, struct error *err)
{
	struct serve_worker *worker;
	int code;

	if (session->worker_count == SESSION_WORKERS_MAX)
		return error_say(err, EAGAIN, "%d workers, none of them answers",
				 SESSION_WORKERS_MAX);
	worker = calloc(1, sizeof(*worker));
	if (!worker)
		return error_errno(err, ENOMEM, "start a worker");
	worker->server = session->server;
	worker->number = session->worker_count;
	code = pthread_create(&worker->thread, NULL, session_work, worker);
	if (code) {
		free(worker);
		return error_errno(err, code, "start a worker");
	}
	session->workers[session->worker_count++] = worker;
	return 0;
}

static void session_on_watchdog(struct loop_timer *timer)
{
	struct session *session = container_of(timer, struct session, watchdog);
	struct server *server = session->server;
	uint64_t deadline_ns = server->daemon->settings.deadline_ns;
	uint64_t now = clock_mono_ns();
	size_t count = session->worker_count;
	bool slow = false;
	struct error err;

	for (size_t n = 0; n < count && now > deadline_ns; n++) {
		slow |= serve_is_slow(session->workers[n], now - SESSION_SLOW_NS);
		if (!serve_expire(session->workers[n], now - deadline_ns))
			continue;
		session->delays.count++;
		session->delays.last_ns = now;
		log_error("a request took longer than --deadline: failed with ETIMEDOUT");
		/* Its worker may be away for long: another one takes its place. */
		if (session_add_worker(session, &err) < 0)
			log_error("%s", err.text);
	}
	/* All are at something that takes its time: whoever asks for something else shall not have
	 * to wait for the deadline of that. */
	if (slow && session->listening == 0 && !session_wake_another(session) &&
	    session_add_worker(session, &err) < 0)
		log_error("%s", err.text);
	loop_timer_set(server->daemon->loop, timer,
		       server->containers.by_id.count ? SESSION_WATCH_NS : deadline_ns / 4);
}

static void session_on_lost(struct loop_fd *watch, uint32_t events)
{
	struct session *session = container_of(watch, struct session, lost);

	(void)events;
	error_say(&session->server->daemon->failure, ENOTCONN,
		  "the mount '%s' was ended from outside: start again, and the containers, too",
		  session->server->mount.path);
	loop_stop(session->server->daemon->loop);
}

/* --- libfuse on a descriptor --- */

static int session_open_fuse(struct session *session, int fd_take, struct error *err)
{
	char *arguments[] = { (char *)(uintptr_t)session->server->daemon->program->name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, arguments);
	char path[32];

	session->fuse = fuse_session_new(&args, &serve_ops, sizeof(serve_ops), session->server);
	fuse_opt_free_args(&args);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd_take);
	if (!session->fuse || fuse_session_mount(session->fuse, path) < 0) {
		close(fd_take);
		return error_say(err, ENOMEM, "start libfuse");
	}
	session->fd = fd_take;
	return 0;
}

/* --- the holder's end --- */

static int session_watch_holder(struct session *session, int link_take, struct error *err)
{
	int r = loop_fd_add(session->server->daemon->loop, &session->link, link_take, EPOLLIN, err);

	if (r < 0)
		close(link_take);
	return r;
}

/* It says nothing unasked: it is gone. Without one our own end would be the containers' trouble. */
static void session_on_holder(struct loop_fd *watch, uint32_t events)
{
	struct session *session = container_of(watch, struct session, link);
	int link = watch->fd;
	struct error err;

	(void)events;
	loop_fd_remove(session->server->daemon->loop, watch);
	close(link);
	link = holder_start(session->server->daemon, session->fd, &err);
	if (link < 0 || session_watch_holder(session, link, &err) < 0)
		log_error("the holder is gone, and there is no new one: %s", err.text);
	else
		log_warning("the holder was gone: a new one holds the mount");
	traps_hold(session->server);
}

/* --- the first server --- */

/* What an earlier one left when nobody held its descriptor. */
static void session_clear_stale(const char *mount_point)
{
	struct statfs info;

	for (int n = 0; n < 16; n++) {
		int r = statfs(mount_point, &info);

		if (!(r < 0 && errno == ENOTCONN) && !(r == 0 && info.f_type == FUSE_SUPER_MAGIC))
			return;
		if (umount2(mount_point, MNT_DETACH) < 0)
			return;
	}
}

static int session_mount(const char *mount_point, struct error *err)
{
	auto_fd int fd = -1;
	char options[128];
	int r;

	session_clear_stale(mount_point);
	r = paths_make_directory(mount_point, 0711, err);
	if (r < 0)
		return r;
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open '/dev/fuse' (is the module fuse loaded?)");
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40711,user_id=0,group_id=0,allow_other,default_permissions", fd);
	if (mount("sysvisor-fs", mount_point, "fuse", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) <
	    0)
		return error_errno(err, errno, "mount at '%s'", mount_point);
	return take_fd(&fd);
}

static int session_init_path(const struct server *server, struct paths_buffer *path,
			     struct error *err)
{
	return daemon_path(server->daemon, PATHS_FS_STATE "/init", path, err);
}

/* The kernel's first request is kept: the next server has to be told what this one was. */
static int session_greet(struct session *session, struct error *err)
{
	struct fuse_buf buffer = { 0 };
	struct paths_buffer path;
	const struct session_head *head;
	int n, r = session_init_path(session->server, &path, err);

	if (r < 0)
		return r;
	do
		n = fuse_session_receive_buf(session->fuse, &buffer);
	while (n == -EINTR);
	head = buffer.mem;
	if (n < (int)sizeof(*head) || n > SESSION_INIT_BYTES || head->opcode != SESSION_INIT)
		r = error_say(err, EPROTO, "the kernel's FUSE doesn't start as it should (%d)", n);
	if (r == 0)
		r = file_replace(path.path, (struct slice){ buffer.mem, (size_t)n }, 0600, err);
	if (r == 0)
		fuse_session_process_buf(session->fuse, &buffer);
	free(buffer.mem);
	return r;
}

static int session_begin(struct session *session, struct error *err)
{
	int fd = session_mount(session->server->mount.path, err);
	int r;

	if (fd < 0)
		return fd;
	r = session_open_fuse(session, fd, err);
	if (r == 0)
		r = tree_reset(&session->server->tree, err);
	if (r == 0)
		r = session_greet(session, err);
	if (r == 0) {
		r = holder_start(session->server->daemon, session->fd, err);
		if (r >= 0)
			r = session_watch_holder(session, r, err);
	}
	return r;
}

/* --- the next ones --- */

/* libfuse is given the greeting of the first server's time; its answer goes to a request that the
 * kernel doesn't know any more, and nowhere. */
static int session_greet_again(struct session *session, struct error *err)
{
	auto_text struct text greeting = { 0 };
	struct paths_buffer path;
	struct fuse_buf buffer = { 0 };
	int r = session_init_path(session->server, &path, err);

	if (r == 0)
		r = file_read(path.path, SESSION_INIT_BYTES, &greeting, err);
	if (r < 0)
		return r;
	buffer.mem = greeting.at;
	buffer.size = greeting.bytes;
	fuse_session_process_buf(session->fuse, &buffer);
	return 0;
}

static void session_process(void *request, size_t bytes, void *owner)
{
	struct session *session = owner;
	struct fuse_buf buffer = { .mem = request, .size = bytes };

	fuse_session_process_buf(session->fuse, &buffer);
}

/* What the server before had read and not answered: from its own notes; and whatever may be missing
 * there comes from the kernel once more, if it is new enough. */
static int session_catch_up(struct session *session, struct error *err)
{
	const struct session_notice notice = { .bytes = sizeof(notice), .code = SESSION_RESEND };
	struct serve_worker *worker = calloc(1, sizeof(*worker));
	size_t count;

	if (!worker)
		return error_errno(err, ENOMEM, "answer what is under way");
	worker->server = session->server;
	serve_set_worker(worker);
	count = inflight_replay(&session->inflight, session_process, session);
	serve_set_worker(NULL);
	serve_worker_free(worker);
	if (count)
		log_info("%zu requests were under way and are done once more", count);
	/* Before Linux 6.9 there is no such notification: the notes are all there is. */
	if (write(session->fd, &notice, sizeof(notice)) < 0 && errno != EINVAL)
		return error_errno(err, errno, "ask the kernel for what is under way");
	return 0;
}

static int session_open_inflight(struct session *session, bool fresh, struct error *err)
{
	struct paths_buffer path;
	int r = daemon_path(session->server->daemon, PATHS_FS_STATE "/inflight", &path, err);

	return r < 0 ? r : inflight_open(&session->inflight, path.path, fresh, err);
}

/* -ENOENT: there is nothing to take over. */
static int session_take_over(struct session *session, struct error *err)
{
	int link, r, fd = holder_get(session->server->daemon, &link, err);

	if (fd < 0)
		return -ENOENT;
	if (session_poll(fd) & (POLLERR | POLLNVAL)) {
		close(fd);
		holder_drop(link);
		close(link);
		return -ENOENT;
	}
	r = session_watch_holder(session, link, err);
	if (r == 0)
		r = session_open_fuse(session, fd, err);
	else
		close(fd);
	if (r == 0)
		r = session_greet_again(session, err);
	return r;
}

/* --- start and end --- */

static void session_ignore(int signo)
{
	(void)signo;
}

static int session_start_workers(struct session *session, struct error *err)
{
	struct daemon *daemon = session->server->daemon;
	int fd, r;

	/* Not restarted: it wakes a worker that waits for the kernel. */
	sigaction(SESSION_NICE_SIGNAL, &(struct sigaction){ .sa_handler = session_ignore }, NULL);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return error_errno(err, errno, "make an eventfd");
	session->lost.ready = session_on_lost;
	r = loop_fd_add(daemon->loop, &session->lost, fd, EPOLLIN, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	for (size_t n = 0; n < daemon->settings.worker_count && r == 0; n++)
		r = session_add_worker(session, err);
	session->watchdog.fire = session_on_watchdog;
	loop_timer_set(daemon->loop, &session->watchdog, daemon->settings.deadline_ns / 4);
	return r;
}

int session_start(struct server *server, struct error *err)
{
	struct session *session = calloc(1, sizeof(*session));
	bool again = true;
	int r;

	if (!session)
		return error_errno(err, ENOMEM, "start");
	server->session = session;
	session->server = server;
	session->fd = session->link.fd = session->lost.fd = -1;
	session->link.ready = session_on_holder;
	pthread_mutex_init(&session->lock, NULL);
	pthread_cond_init(&session->wanted, NULL);
	serve_init();
	r = session_take_over(session, err);
	if (r == -ENOENT) {
		again = false;
		r = session_begin(session, err);
	}
	if (r == 0)
		r = session_open_inflight(session, !again, err);
	if (r == 0 && again)
		r = session_catch_up(session, err);
	if (r == 0)
		r = session_start_workers(session, err);
	if (r == 0 && again) {
		log_info("took over the mount '%s' with %zu containers", server->mount.path,
			 server->containers.by_id.count);
	} else if (r == 0) {
		log_info("mounted at '%s'", server->mount.path);
	}
	server->restarts += again;
	return r;
}

/* False: one of them is stuck in the kernel. */
static bool session_join(struct session *session)
{
	bool all = true;

	fuse_session_exit(session->fuse);
	pthread_mutex_lock(&session->lock);
	pthread_cond_broadcast(&session->wanted);
	pthread_mutex_unlock(&session->lock);
	for (size_t n = 0; n < session->worker_count; n++) {
		struct serve_worker *worker = session->workers[n];
		int code = EBUSY;

		for (int round = 0; round < SESSION_JOIN_ROUNDS && code == EBUSY; round++) {
			pthread_kill(worker->thread, SESSION_NICE_SIGNAL);
			code = pthread_tryjoin_np(worker->thread, NULL);
			if (code == EBUSY)
				usleep(SESSION_JOIN_WAIT_US);
		}
		if (code != 0) {
			all = false;
			continue;
		}
		serve_worker_free(worker);
	}
	return all;
}

void session_stop(struct server *server, bool unmount)
{
	struct session *session = server->session;
	int lost_fd, link;

	if (!session)
		return;
	loop_timer_clear(&session->watchdog);
	if (session->fuse && !session_join(session)) {
		log_error("a worker doesn't come back: ending without it");
		_exit(1);
	}
	lost_fd = session->lost.fd;
	loop_fd_remove(server->daemon->loop, &session->lost);
	auto_close_fd(&lost_fd);
	link = session->link.fd;
	loop_fd_remove(server->daemon->loop, &session->link);
	if (unmount && session->fuse) {
		if (umount2(server->mount.path, MNT_DETACH) < 0)
			log_warning("unmount '%s': %s", server->mount.path, strerror(errno));
		if (link >= 0)
			holder_drop(link);
	}
	if (session->fuse)
		fuse_session_destroy(session->fuse);
	auto_close_fd(&link);
	inflight_close(&session->inflight);
	free(session);
	server->session = NULL;
}
