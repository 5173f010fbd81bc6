/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"

#define HELPER_OUTPUT_LIMIT 4096
#define HELPER_LONGEST_S    2000000 /* whose milliseconds fit poll(2) */

static void helper_become(const struct helper *helper, int in_fd, int out_fd)
{
	static const char *const empty[] = { NULL };
	const char *bare[] = { helper->path, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(out_fd, 2) < 0)
		_exit(126);
	close_range(3, ~0u, 0);
	execve(helper->path, (char *const *)(helper->args ? helper->args : bare),
	       (char *const *)(helper->env ? helper->env : empty));
	dprintf(2, "%s", strerror(errno));
	_exit(127);
}

/* In a file, so that a program that doesn't read it stops nobody. */
static int helper_input(struct slice input, struct error *err)
{
	auto_fd int fd = memfd_create("input", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, errno, "make its input");
	r = file_write_all(fd, input);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, EIO, "make its input");
	return take_fd(&fd);
}

/* Waits for its end; kills one that takes too long. */
static int helper_wait(pid_t pid, const struct helper *helper, int *ret_status, struct error *err)
{
	auto_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool limited = helper->timeout_s > 0 && helper->timeout_s < HELPER_LONGEST_S;
	struct pollfd wait_for = { .fd = pidfd, .events = POLLIN };
	int r = 1;

	if (limited)
		while ((r = poll(&wait_for, 1, (int)helper->timeout_s * 1000)) < 0 &&
		       errno == EINTR)
			;
	if (r == 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "wait for %s", helper->what);
	if (r == 0)
		return error_say(err, ETIMEDOUT, "%s has not ended in %lld s", helper->what,
				 (long long)helper->timeout_s);
	return 0;
}

static int helper_verdict(const struct helper *helper, int status, struct slice said,
			  struct error *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return error_say(err, EIO, "%s was ended by signal %d", helper->what,
				 WTERMSIG(status));
	return error_say(err, EIO, "%s ended with exit status %d%s%.*s", helper->what,
			 WEXITSTATUS(status), said.bytes ? ": " : "",
			 SLICE_ARG(slice_first(said, 160)));
}

int helper_run(const struct helper *helper, struct slice input, struct text *output,
	       struct error *err)
{
	auto_fd int in = helper_input(input, err), out = memfd_create("output", MFD_CLOEXEC);
	char words[HELPER_OUTPUT_LIMIT];
	int status = 0, r;
	ssize_t n;
	pid_t pid;

	if (in < 0)
		return in;
	if (out < 0)
		return error_errno(err, errno, "run %s", helper->what);
	pid = fork();
	if (pid < 0)
		return error_errno(err, errno, "run %s", helper->what);
	if (pid == 0)
		helper_become(helper, in, out);
	r = helper_wait(pid, helper, &status, err);
	if (r < 0)
		return r;
	n = pread(out, words, sizeof(words), 0);
	text_put(output, (struct slice){ words, n > 0 ? (size_t)n : 0 });
	return helper_verdict(helper, status, slice_trim(text_slice(output)), err);
}
