/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"

#define HOOKS_OUTPUT_LIMIT 4096

static void hooks_become(const struct spec_hook *hook, int in_fd, int out_fd)
{
	static const char *const empty[] = { NULL };
	const char *bare[] = { hook->path, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(out_fd, 2) < 0)
		_exit(126);
	close_range(3, ~0u, 0);
	execve(hook->path, (char *const *)(hook->args.count ? hook->args.at : bare),
	       (char *const *)(hook->env.count ? hook->env.at : empty));
	dprintf(2, "%s", strerror(errno));
	_exit(127);
}

/* The state goes in a file, so that a hook that doesn't read it stops nobody. */
static int hooks_input(struct slice state, struct error *err)
{
	auto_fd int fd = memfd_create("state", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, errno, "make a hook's input");
	r = file_write_all(fd, state);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, EIO, "make a hook's input");
	return take_fd(&fd);
}

/* Waits for a hook; kills one that takes too long. */
static int hooks_wait(pid_t pid, const struct spec_hook *hook, int *ret_status, struct error *err)
{
	auto_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int timeout_ms = hook->timeout.value > 0 && hook->timeout.value < 2000000
				 ? (int)hook->timeout.value * 1000
				 : -1;
	struct pollfd wait_for = { .fd = pidfd, .events = POLLIN };
	int r = 0;

	if (timeout_ms > 0)
		while ((r = poll(&wait_for, 1, timeout_ms)) < 0 && errno == EINTR)
			;
	if (timeout_ms > 0 && r == 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "wait for hook '%s'", hook->path);
	if (timeout_ms > 0 && r == 0)
		return error_say(err, ETIMEDOUT, "hook '%s' has not ended in %lld s", hook->path,
				 (long long)hook->timeout.value);
	return 0;
}

static int hooks_verdict(const struct spec_hook *hook, int status, int out_fd, struct error *err)
{
	char words[HOOKS_OUTPUT_LIMIT];
	ssize_t n;
	struct slice said;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	n = pread(out_fd, words, sizeof(words), 0);
	said = slice_trim((struct slice){ words, n > 0 ? (size_t)n : 0 });
	if (WIFSIGNALED(status))
		return error_say(err, EIO, "hook '%.100s' was ended by signal %d", hook->path,
				 WTERMSIG(status));
	return error_say(err, EIO, "hook '%.80s' ended with exit status %d%s%.*s", hook->path,
			 WEXITSTATUS(status), said.bytes ? ": " : "",
			 SLICE_ARG(slice_first(said, 120)));
}

static int hooks_run_one(const struct spec_hook *hook, struct slice state, struct error *err)
{
	auto_fd int in = hooks_input(state, err), out = memfd_create("output", MFD_CLOEXEC);
	int status = 0, r;
	pid_t pid;

	if (in < 0)
		return in;
	if (out < 0)
		return error_errno(err, errno, "run hook '%s'", hook->path);
	pid = fork();
	if (pid < 0)
		return error_errno(err, errno, "run hook '%s'", hook->path);
	if (pid == 0)
		hooks_become(hook, in, out);
	r = hooks_wait(pid, hook, &status, err);
	return r < 0 ? r : hooks_verdict(hook, status, out, err);
}

int hooks_run(const char *kind, const struct spec_list *hooks, const struct state *state,
	      enum state_status status, struct error *err)
{
	auto_text struct text words = { 0 };
	const struct spec_hook *hook;

	if (hooks->count == 0)
		return 0;
	state_print(state, status, &words);
	spec_each(hooks, hook) {
		int r = hooks_run_one(hook, text_slice(&words), err);

		if (r < 0)
			return error_wrap(err, r, "%s", kind);
	}
	return 0;
}
