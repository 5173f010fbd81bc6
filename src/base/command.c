/* SPDX-License-Identifier: Apache-2.0 */
#include "base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define COMMAND_COMPLAINT_BYTES 200
#define COMMAND_READ_BYTES	65536
#define COMMAND_REAP_MS		1000

extern char **environ;

/* --- what it prints --- */

/* Reads what is there into `text`; of what is beyond `limit` nothing is kept, and says so. */
static bool command_read(const struct loop_fd *watch, struct text *text, size_t limit)
{
	char bytes[COMMAND_READ_BYTES];
	bool fits = true;
	ssize_t n;

	while ((n = read(watch->fd, bytes, sizeof(bytes))) > 0) {
		struct slice piece = { bytes, (size_t)n };

		fits = fits && piece.bytes <= limit - text->bytes;
		text_put(text, slice_first(piece, limit - text->bytes));
		if (piece.bytes < sizeof(bytes))
			break; /* level-triggered: others get their turn */
	}
	return fits && !text->failed;
}

static void command_kill(const struct command *command)
{
	kill(-command->child.pid, SIGKILL);
}

static void command_close(struct command *command, struct loop_fd *watch)
{
	int fd = watch->fd;

	if (fd < 0)
		return;
	loop_fd_remove(command->loop, watch);
	close(fd);
}

static void command_take_output(struct command *command)
{
	if (command->out.fd < 0 ||
	    command_read(&command->out, &command->output, command->limit_bytes))
		return;
	if (!command->why.code)
		error_say(&command->why, EFBIG, "printed more than %zu bytes",
			  command->limit_bytes);
	command_kill(command);
}

static void command_on_output(struct loop_fd *watch, uint32_t events)
{
	struct command *command = container_of(watch, struct command, out);

	command_take_output(command);
	if (events & EPOLLHUP && !(events & EPOLLIN))
		command_close(command, watch);
}

static void command_on_complaint(struct loop_fd *watch, uint32_t events)
{
	struct command *command = container_of(watch, struct command, said);

	(void)command_read(watch, &command->complaint, COMMAND_COMPLAINT_BYTES);
	if (events & EPOLLHUP && !(events & EPOLLIN))
		command_close(command, watch);
}

/* --- its end --- */

static void command_explain(struct command *command, int status, struct error *err)
{
	struct slice complaint = text_slice(&command->complaint), line;

	*err = command->why;
	if (err->code || status == 0)
		return;
	if (!slice_next(&complaint, '\n', &line))
		line = SLICE("without a word");
	if (WIFSIGNALED(status))
		error_say(err, EINTR, "ended by signal %d", WTERMSIG(status));
	else
		error_say(err, EIO, "ended with %d: %.*s", WEXITSTATUS(status), SLICE_ARG(line));
}

static void command_on_end(struct loop_child *child, int status)
{
	struct command *command = container_of(child, struct command, child);
	struct error err;

	command_take_output(command);
	if (command->said.fd >= 0)
		command_on_complaint(&command->said, 0);
	command_kill(command); /* what it has left behind */
	loop_timer_clear(&command->timer);
	command_close(command, &command->out);
	command_close(command, &command->said);
	command->child.pid = 0;
	command_explain(command, status, &err);
	command->ended(command, &err);
}

static void command_on_timeout(struct loop_timer *timer)
{
	struct command *command = container_of(timer, struct command, timer);

	error_say(&command->why, ETIMEDOUT, "took longer than %llu ms",
		  (unsigned long long)(command->timeout_ns / 1000000));
	command_kill(command);
}

/* --- its start --- */

/* Both ends are closed when the program starts; dup2(2) to where they go is what stays open. */
static int command_pipe(int ends[2], struct error *err)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static int command_spawn(struct command *command, int out_fd, int said_fd)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int code;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	if (out_fd >= 0)
		posix_spawn_file_actions_adddup2(&files, out_fd, 1);
	else
		posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, said_fd, 2);
	/* The array is const to us; posix_spawn(3) doesn't write to it either. */
	code = posix_spawnp(&command->child.pid, command->argv[0], &files, &attributes,
			    (char *const *)(uintptr_t)command->argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return code;
}

static int command_watch(struct command *command, int *out_fd, int *said_fd, struct error *err)
{
	int r = loop_fd_add(command->loop, &command->said, *said_fd, EPOLLIN, err);

	if (r < 0)
		return r;
	take_fd(said_fd);
	if (*out_fd >= 0) {
		r = loop_fd_add(command->loop, &command->out, *out_fd, EPOLLIN, err);
		if (r < 0)
			return r;
		take_fd(out_fd);
	}
	return loop_child_add(command->loop, &command->child, err);
}

static void command_prepare(struct command *command, struct loop *loop)
{
	command->loop = loop;
	command->why = (struct error){ 0 };
	text_clear(&command->output);
	text_clear(&command->complaint);
	command->child = (struct loop_child){ .pidfd.fd = -1, .ended = command_on_end };
	command->out = (struct loop_fd){ .fd = -1, .ready = command_on_output };
	command->said = (struct loop_fd){ .fd = -1, .ready = command_on_complaint };
	command->timer.fire = command_on_timeout;
}

int command_start(struct command *command, struct loop *loop, struct error *err)
{
	int out[2] = { -1, -1 }, said[2] = { -1, -1 }, r, code;

	command_prepare(command, loop);
	r = command->limit_bytes ? command_pipe(out, err) : 0;
	if (r == 0)
		r = command_pipe(said, err);
	if (r == 0) {
		code = command_spawn(command, out[1], said[1]);
		if (code) {
			command->child.pid = 0;
			r = error_errno(err, code, "start '%s'", command->argv[0]);
		}
	}
	if (r == 0)
		r = command_watch(command, &out[0], &said[0], err);
	for (size_t n = 0; n < 2; n++) {
		auto_close_fd(&out[n]);
		auto_close_fd(&said[n]);
	}
	if (r < 0)
		command_done(command);
	else
		loop_timer_set(loop, &command->timer, command->timeout_ns);
	return r;
}

bool command_runs(const struct command *command)
{
	return command->child.pid > 0;
}

/* A killed process ends at once, unless the kernel holds it: then the zombie is init's in the end.
 */
static void command_reap(pid_t pid, int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0 || poll(&end, 1, COMMAND_REAP_MS) > 0)
		waitpid(pid, NULL, pidfd < 0 ? 0 : WNOHANG);
}

void command_done(struct command *command)
{
	if (command_runs(command)) {
		command_kill(command);
		command_reap(command->child.pid, command->child.pidfd.fd);
		command->child.pid = 0;
	}
	if (command->loop) {
		loop_child_remove(&command->child);
		loop_timer_clear(&command->timer);
		command_close(command, &command->out);
		command_close(command, &command->said);
	}
	text_done(&command->output);
	text_done(&command->complaint);
}
