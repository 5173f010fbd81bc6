/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/parcel.h"

#define HOLDER_LISTENER	 3
#define HOLDER_ANSWER_MS 2000

/* What is said, in a message's first byte. */
enum {
	HOLDER_put = 'P',
	HOLDER_get_ = 'G',
	HOLDER_drop_ = 'D',
	HOLDER_keep_ = 'L',
	HOLDER_next_ = 'A',
	HOLDER_fine = 'K',
	HOLDER_none = 'N'
};

#define HOLDER_LISTENERS 4096 /* of trapped calls */

/* --- messages --- */

struct holder_message {
	char word, pad[7];
	uint64_t key; /* of a listener */
};

static int holder_send_key(int link, char word, uint64_t key, int fd)
{
	struct holder_message said = { .word = word, .key = key };

	return parcel_send(link, &said, sizeof(said), fd);
}

static int holder_send(int link, char word, int fd)
{
	return holder_send_key(link, word, 0, fd);
}

/* The word; 0 at the end. *ret_fd = a descriptor that came along, or -1. */
static int holder_receive_key(int link, uint64_t *ret_key, int *ret_fd)
{
	struct holder_message said = { 0 };
	ssize_t n = parcel_receive(link, &said, sizeof(said), ret_fd);

	*ret_key = said.key;
	return n < 0 ? (int)n : n == 0 ? 0 : said.word;
}

static int holder_receive(int link, int *ret_fd)
{
	uint64_t key;

	return holder_receive_key(link, &key, ret_fd);
}

/* --- the holder --- */

struct holder {
	int link; /* the server, or -1 */
	int fuse_fd;
	struct pollfd polls[2 + HOLDER_LISTENERS]; /* ours, the link, listeners of trapped calls */
	uint64_t keys[2 + HOLDER_LISTENERS];
	size_t count;	    /* of polls */
	uint64_t let_go_ns; /* 0: a server is there */
	uint64_t patience_ns;
};

static void holder_hang_up(struct holder *holder)
{
	auto_close_fd(&holder->link);
	holder->link = -1;
	holder->let_go_ns = clock_mono_ns() + holder->patience_ns;
}

static void holder_put_listener(struct holder *holder, uint64_t key, int fd)
{
	bool room = holder->count < array_count(holder->polls);

	if (room) {
		/* That nobody is left who could call (POLLHUP) is told unasked. */
		holder->polls[holder->count] = (struct pollfd){ fd, 0, 0 };
		holder->keys[holder->count++] = key;
	} else {
		close(fd);
	}
	if (holder_send(holder->link, room ? HOLDER_fine : HOLDER_none, -1) < 0)
		holder_hang_up(holder);
}

static void holder_give_next(struct holder *holder, uint64_t after)
{
	size_t best = 0;
	int r;

	for (size_t n = 2; n < holder->count; n++)
		if (holder->keys[n] > after && (!best || holder->keys[n] < holder->keys[best]))
			best = n;
	r = best ? holder_send_key(holder->link, HOLDER_fine, holder->keys[best],
				   holder->polls[best].fd)
		 : holder_send(holder->link, HOLDER_none, -1);
	if (r < 0)
		holder_hang_up(holder);
}

static void holder_forget_listeners(struct holder *holder)
{
	for (size_t n = holder->count; n-- > 2;)
		if (holder->polls[n].revents) {
			close(holder->polls[n].fd);
			holder->count--;
			holder->polls[n] = holder->polls[holder->count];
			holder->keys[n] = holder->keys[holder->count];
		}
}

/* False: it is to end. */
static bool holder_serve(struct holder *holder)
{
	uint64_t key;
	int fd, word = holder_receive_key(holder->link, &key, &fd);

	if (word == HOLDER_keep_ && fd >= 0) {
		holder_put_listener(holder, key, fd);
		return true;
	}
	if (word == HOLDER_put && fd >= 0) {
		auto_close_fd(&holder->fuse_fd);
		holder->fuse_fd = fd;
		if (holder_send(holder->link, HOLDER_fine, -1) < 0)
			holder_hang_up(holder);
		return true;
	}
	auto_close_fd(&fd);
	if (word == HOLDER_next_) {
		holder_give_next(holder, key);
		return true;
	}
	if (word == HOLDER_get_) {
		if (holder_send(holder->link, holder->fuse_fd < 0 ? HOLDER_none : HOLDER_fine,
				holder->fuse_fd) < 0)
			holder_hang_up(holder);
		return true;
	}
	if (word == HOLDER_drop_)
		return false;
	holder_hang_up(holder);
	return true;
}

static void holder_accept(struct holder *holder)
{
	int link = accept4(HOLDER_LISTENER, NULL, NULL, SOCK_CLOEXEC);

	if (link < 0)
		return;
	/* The newest server is the one: an older one can't be alive, or it would hold the lock. */
	auto_close_fd(&holder->link);
	holder->link = link;
	holder->let_go_ns = 0;
}

int holder_run(struct daemon *daemon, struct error *err)
{
	static struct holder holder = { .link = -1, .fuse_fd = -1, .count = 2 };

	holder.patience_ns = daemon->settings.patience_ns;
	holder.let_go_ns = clock_mono_ns() + holder.patience_ns;
	for (;;) {
		uint64_t now = clock_mono_ns();
		int wait_ms = -1;

		holder.polls[0] = (struct pollfd){ HOLDER_LISTENER, POLLIN, 0 };
		holder.polls[1] = (struct pollfd){ holder.link, POLLIN, 0 };
		if (holder.let_go_ns && now >= holder.let_go_ns)
			break;
		if (holder.let_go_ns)
			wait_ms = (int)((holder.let_go_ns - now) / NS_PER_MS) + 1;
		if (poll(holder.polls, holder.count, wait_ms) < 0 && errno != EINTR)
			return error_errno(err, errno, "hold the file system");
		holder_forget_listeners(&holder);
		if (holder.polls[1].revents && !holder_serve(&holder))
			break;
		if (holder.polls[0].revents)
			holder_accept(&holder);
	}
	/* The last descriptors: with them go all that wait. */
	while (holder.count > 2)
		close(holder.polls[--holder.count].fd);
	auto_close_fd(&holder.fuse_fd);
	auto_close_fd(&holder.link);
	return 0;
}

/* --- the server's side --- */

int holder_address(const struct daemon *daemon, const char *name, struct sockaddr_un *address,
		   struct error *err)
{
	struct paths_buffer path;
	int r = daemon_path(daemon, name, &path, err);

	if (r < 0)
		return r;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path.path) >= sizeof(address->sun_path))
		return error_say(err, ENAMETOOLONG, "'%s' is too long for a socket", path.path);
	slice_copy(slice_of(path.path), address->sun_path, sizeof(address->sun_path));
	return 0;
}

int holder_keep(int link, uint64_t key, int fd)
{
	int r = holder_send_key(link, HOLDER_keep_, key, fd), none;

	if (r == 0)
		r = holder_receive(link, &none);
	return r == HOLDER_fine ? 0 : r < 0 ? r : -ENOSPC;
}

int holder_next(int link, uint64_t *key)
{
	int fd = -1, r = holder_send_key(link, HOLDER_next_, *key, -1);

	if (r == 0)
		r = holder_receive_key(link, key, &fd);
	return r < 0 ? r : r == HOLDER_fine && fd >= 0 ? fd : -ENOENT;
}

static int holder_connect(const struct sockaddr_un *address, struct error *err)
{
	const struct timeval limit = { .tv_sec = HOLDER_ANSWER_MS / 1000 };
	auto_fd int link = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (link < 0)
		return error_errno(err, errno, "make a socket");
	if (setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(link, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return error_errno(err, errno, "connect to '%s'", address->sun_path);
	return take_fd(&link);
}

int holder_get(const struct daemon *daemon, int *ret_link, struct error *err)
{
	struct sockaddr_un address;
	auto_fd int link = -1;
	int fd = -1, r = holder_address(daemon, PATHS_FS_HOLDER, &address, err);

	if (r < 0)
		return r;
	link = holder_connect(&address, err);
	if (link < 0)
		return -ENOENT;
	r = holder_send(link, HOLDER_get_, -1);
	if (r == 0)
		r = holder_receive(link, &fd);
	if (r == HOLDER_fine && fd >= 0) {
		*ret_link = take_fd(&link);
		return fd;
	}
	/* One that was never given anything: the next one takes its place. */
	holder_drop(link);
	return error_say(err, ENOENT, "the holder at '%s' holds nothing", address.sun_path);
}

void holder_drop(int link)
{
	int fd;

	/* It is gone when it hangs up. */
	if (holder_send(link, HOLDER_drop_, -1) == 0 && holder_receive(link, &fd) > 0)
		auto_close_fd(&fd);
}

int holder_listen(const struct sockaddr_un *address, struct error *err)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	mode_t before;
	int r;

	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	unlink(address->sun_path);
	before = umask(0177);
	r = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	umask(before);
	if (r < 0 || listen(fd, 8) < 0)
		return error_errno(err, errno, "listen at '%s'", address->sun_path);
	return take_fd(&fd);
}

/* In the child of the child: nothing but the socket goes with it. */
static void holder_exec(const struct daemon *daemon, int listener)
{
	char patience[32];
	const char *root = daemon->settings.root ? daemon->settings.root : "/";
	char *const argv[] = { (char *)(uintptr_t)daemon->program->name,
			       (char *)(uintptr_t)daemon->program->aside,
			       (char *)"--root",
			       (char *)(uintptr_t)root,
			       (char *)"--patience",
			       patience,
			       NULL };
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	snprintf(patience, sizeof(patience), "%llums",
		 (unsigned long long)(daemon->settings.patience_ns / NS_PER_MS));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(1);
	if (listener != HOLDER_LISTENER) {
		if (dup2(listener, HOLDER_LISTENER) < 0)
			_exit(1);
	} else if (fcntl(listener, F_SETFD, 0) < 0) {
		_exit(1);
	}
	syscall(SYS_close_range, HOLDER_LISTENER + 1, ~0u, 0);
	if (chdir("/") == 0)
		execv("/proc/self/exe", argv);
	_exit(1);
}

/* Two forks and a session of its own: neither a signal to our group nor our end reaches it. */
static int holder_spawn(const struct daemon *daemon, int listener, struct error *err)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return error_errno(err, errno, "start the holder");
	if (child == 0) {
		if (setsid() < 0 || fork() != 0)
			_exit(0);
		holder_exec(daemon, listener);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "start the holder");
	return 0;
}

int holder_start(const struct daemon *daemon, int fuse_fd, struct error *err)
{
	struct sockaddr_un address;
	auto_fd int listener = -1, link = -1;
	int fd, r = holder_address(daemon, PATHS_FS_HOLDER, &address, err);

	if (r < 0)
		return r;
	listener = holder_listen(&address, err);
	if (listener < 0)
		return listener;
	r = holder_spawn(daemon, listener, err);
	if (r < 0)
		return r;
	link = holder_connect(&address, err);
	if (link < 0)
		return link;
	r = holder_send(link, HOLDER_put, fuse_fd);
	if (r == 0)
		r = holder_receive(link, &fd);
	if (r != HOLDER_fine)
		return error_say(err, EIO, "the holder at '%s' doesn't answer", address.sun_path);
	return take_fd(&link);
}
