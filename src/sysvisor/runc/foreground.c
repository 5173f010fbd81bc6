/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/foreground.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/file.h"
#include "sysvisor/runc/channel.h"

int foreground_init(struct foreground *foreground, bool terminal, struct error *err)
{
	sigset_t all;

	*foreground = (struct foreground){ .signal_fd = -1, .console = { -1, -1 } };
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &foreground->mask_before);
	foreground->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (foreground->signal_fd < 0)
		return error_errno(err, errno, "listen for signals");
	if (terminal && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, foreground->console) < 0)
		return error_errno(err, errno, "make a socket pair");
	return 0;
}

void foreground_done(struct foreground *foreground)
{
	const int fds[] = { foreground->signal_fd, foreground->console[0], foreground->console[1] };

	for (size_t n = 0; n < array_count(fds); n++)
		if (fds[n] >= 0)
			close(fds[n]);
	sigprocmask(SIG_SETMASK, &foreground->mask_before, NULL);
}

/* The terminal in between does nothing of its own; restored when we leave. */
static bool foreground_raw(struct termios *before)
{
	struct termios raw;

	if (tcgetattr(0, before) < 0)
		return false;
	raw = *before;
	cfmakeraw(&raw);
	return tcsetattr(0, TCSANOW, &raw) == 0;
}

static void foreground_resize(int master_fd)
{
	struct winsize size;

	if (master_fd >= 0 && ioctl(0, TIOCGWINSZ, &size) == 0)
		(void)ioctl(master_fd, TIOCSWINSZ, &size);
}

/* Copies what is there; false at the end. */
static bool foreground_copy(int from_fd, int to_fd)
{
	char bytes[4096];
	ssize_t n = read(from_fd, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	return n > 0 && file_write_all(to_fd, (struct slice){ bytes, (size_t)n }) == 0;
}

/* Reads signals; true when the child has ended. */
static bool foreground_signals(struct foreground *foreground, pid_t pid, int master_fd,
			       int *ret_status)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (read(foreground->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			ended |= waitpid(pid, ret_status, WNOHANG) == pid;
		else if (info.ssi_signo == SIGWINCH)
			foreground_resize(master_fd);
		else if (info.ssi_signo != SIGPIPE && info.ssi_signo != SIGURG)
			kill(pid, (int)info.ssi_signo);
	}
	return ended;
}

static int foreground_loop(struct foreground *foreground, pid_t pid, int master_fd)
{
	struct pollfd fds[] = { { foreground->signal_fd, POLLIN, 0 },
				{ master_fd, POLLIN, 0 },
				{ master_fd >= 0 ? 0 : -1, POLLIN, 0 } };
	int status = 0;

	while (!foreground_signals(foreground, pid, master_fd, &status)) {
		if (poll(fds, array_count(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents && !foreground_copy(master_fd, 1))
			fds[1].fd = -1;
		if (fds[2].revents && !foreground_copy(0, master_fd))
			fds[2].fd = -1;
		fds[1].revents = fds[2].revents = 0;
	}
	/* The last words. */
	while (fds[1].fd >= 0 && poll(&fds[1], 1, 0) > 0 && foreground_copy(master_fd, 1))
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int foreground_wait(struct foreground *foreground, pid_t pid, struct error *err)
{
	auto_fd int master = -1;
	struct termios before;
	bool raw = false;
	int status;

	if (foreground->console[0] >= 0) {
		int r = channel_get_fd(foreground->console[0], &master, err);

		if (r < 0)
			return r;
		foreground_resize(master);
		raw = foreground_raw(&before);
	}
	status = foreground_loop(foreground, pid, master);
	if (raw)
		tcsetattr(0, TCSANOW, &before);
	return status;
}
