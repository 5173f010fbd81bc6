/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boxed - the least of a system container: a process in user, pid, mount, network, ipc and uts
 * namespaces and control groups of its own, registered with sysvisor-fs, whose files are bound over
 * its own /proc and /sys. What sysvisor-runc does, without all the rest.
 *
 *	boxed SOCKET ID UID CGROUP-DIR[,CGROUP-DIR...] COMMAND [ARG...]
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/sched.h>

#include "base/file.h"
#include "sysvisor/common/client.h"

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "boxed: %s: %s\n", what, strerror(errno));
	_exit(125);
}

/* "SOURCE TARGET" lines come through the pipe; its end starts the command. */
static _Noreturn void boxed_child(int pipe_fd, char **command)
{
	FILE *binds = fdopen(pipe_fd, "r");
	char line[2048], go;

	if (!binds || fread(&go, 1, 1, binds) != 1 || setresgid(0, 0, 0) || setresuid(0, 0, 0))
		die("become root inside");
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of ids takes it back */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ||
	    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		die("mount proc and sys");
	while (fgets(line, sizeof(line), binds)) {
		char *target = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (!target)
			die("read the binds");
		*target++ = '\0';
		if (mount(line, target, NULL, MS_BIND, NULL))
			die(target);
	}
	fclose(binds);
	execvp(command[0], command);
	die(command[0]);
}

static void write_map(pid_t pid, const char *file, const char *uid)
{
	char path[64], line[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	snprintf(line, sizeof(line), "0 %s 65536", uid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		die(path);
	close(fd);
}

static void join_cgroups(pid_t pid, const char *list)
{
	struct slice rest = slice_of(list), one;
	struct error err;

	while (slice_next(&rest, ',', &one)) {
		char path[512], number[16];

		snprintf(path, sizeof(path), "%.*s/cgroup.procs", SLICE_ARG(one));
		snprintf(number, sizeof(number), "%d", pid);
		if (file_write(path, slice_of(number), &err) < 0) {
			fprintf(stderr, "boxed: %s\n", err.text);
			_exit(125);
		}
	}
}

static void register_and_tell(const char *socket, const char *id, pid_t pid, int pipe_fd)
{
	struct client client = { .socket = socket, .patience_ms = 10000 };
	Sysvisor__V1__FilesystemRegisterRequest request =
		SYSVISOR__V1__FILESYSTEM_REGISTER_REQUEST__INIT;
	Sysvisor__V1__FilesystemRegisterAnswer *answer;
	struct error err;

	request.id = (char *)(uintptr_t)id;
	request.init_pid = (uint32_t)pid;
	if (filesystem_register(&client, &request, &answer, &err) < 0) {
		fprintf(stderr, "boxed: %s\n", err.text);
		_exit(125);
	}
	dprintf(pipe_fd, "g");
	for (size_t n = 0; n < answer->n_binds; n++)
		dprintf(pipe_fd, "%s %s\n", answer->binds[n]->source, answer->binds[n]->target);
	close(pipe_fd);
	sysvisor__v1__filesystem_register_answer__free_unpacked(answer, NULL);
	client_done(&client);
}

int main(int argc, char **argv)
{
	struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS |
					    CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
				   .exit_signal = SIGCHLD };
	int pipes[2], status;
	struct client client;
	struct error err;
	pid_t pid;

	if (argc < 6) {
		fprintf(stderr, "usage: boxed SOCKET ID UID CGROUP-DIR,... COMMAND [ARG...]\n");
		return 2;
	}
	if (pipe2(pipes, O_CLOEXEC))
		die("pipe");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		die("clone");
	if (pid == 0) {
		close(pipes[1]);
		boxed_child(pipes[0], argv + 5);
	}
	close(pipes[0]);
	write_map(pid, "uid_map", argv[3]);
	write_map(pid, "gid_map", argv[3]);
	join_cgroups(pid, argv[4]);
	register_and_tell(argv[1], argv[2], pid, pipes[1]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait");
	client = (struct client){ .socket = argv[1], .patience_ms = 10000 };
	if (filesystem_unregister(&client, argv[2], &err) < 0)
		fprintf(stderr, "boxed: %s\n", err.text);
	client_done(&client);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
