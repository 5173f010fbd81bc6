/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sysvisor/runc/process.h"

struct birth {
	pid_t pid;
	int result;
	struct error err;
};

static void birth_help(birth_give give, void *owner, int answer_fd) __attribute__((noreturn));
static void birth_help(birth_give give, void *owner, int answer_fd)
{
	struct birth birth;

	memset(&birth, 0, sizeof(birth));
	birth.result = give(owner, &birth.pid, &birth.err);
	(void)!write(answer_fd, &birth, sizeof(birth));
	_exit(0);
}

int birth_by_helper(birth_give give, void *owner, int cgroup_fd, pid_t *ret_pid, struct error *err)
{
	struct birth birth;
	int fds[2], code;
	pid_t helper;
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	helper = process_clone(0, cgroup_fd);
	if (helper == 0)
		birth_help(give, owner, fds[1]);
	code = errno;
	close(fds[1]);
	do {
		n = helper < 0 ? -1 : read(fds[0], &birth, sizeof(birth));
	} while (n < 0 && helper > 0 && errno == EINTR);
	close(fds[0]);
	if (helper < 0)
		return error_errno(err, code,
				   cgroup_fd < 0 ? "fork" : "clone into the control group");
	while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != sizeof(birth))
		return error_say(err, EPIPE, "the helper that joins namespaces has died");
	if (birth.result < 0) {
		if (err)
			*err = birth.err;
		return birth.result;
	}
	*ret_pid = birth.pid;
	return 0;
}
