/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/file.h"
#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/create.h"
#include "sysvisor/runc/exec.h"
#include "sysvisor/runc/foreground.h"
#include "sysvisor/runc/start.h"

struct exec_options {
	char *process, *console_socket, *pid_file, *cwd, *env, *user, *groups, *caps, *cgroup,
		*label, *apparmor;
	uint64_t preserve_fds;
	bool detach, tty, no_new_privs, ignore_paused;
};

#define AT(member) .at = offsetof(struct exec_options, member), .programs = COMMAND_PROGRAM
static const struct setting exec_rows[] = {
	{ .option = "process",
	  .letter = 'p',
	  .type = SETTING_text,
	  AT(process),
	  .argument = "FILE",
	  .help = "The process as JSON, as config.json has it" },
	{ .option = "console-socket",
	  .type = SETTING_text,
	  AT(console_socket),
	  .argument = "SOCKET",
	  .help = "Where the terminal's master is sent" },
	{ .option = "pid-file",
	  .type = SETTING_text,
	  AT(pid_file),
	  .argument = "FILE",
	  .help = "Where the pid of the process is written" },
	{ .option = "detach",
	  .letter = 'd',
	  .type = SETTING_flag,
	  AT(detach),
	  .help = "Leave the process behind" },
	{ .option = "tty",
	  .letter = 't',
	  .type = SETTING_flag,
	  AT(tty),
	  .help = "Give it a terminal" },
	{ .option = "cwd",
	  .type = SETTING_text,
	  AT(cwd),
	  .argument = "DIR",
	  .help = "Its working directory" },
	{ .option = "env",
	  .letter = 'e',
	  .type = SETTING_list,
	  AT(env),
	  .argument = "NAME=VALUE",
	  .help = "A variable more; may be given again" },
	{ .option = "user",
	  .letter = 'u',
	  .type = SETTING_text,
	  AT(user),
	  .argument = "UID[:GID]",
	  .help = "Who it is" },
	{ .option = "additional-gids",
	  .letter = 'g',
	  .type = SETTING_list,
	  AT(groups),
	  .argument = "GID",
	  .help = "A group more; may be given again" },
	{ .option = "cap",
	  .letter = 'c',
	  .type = SETTING_list,
	  AT(caps),
	  .argument = "CAP_NAME",
	  .help = "A capability more, where these are honoured; may be given again" },
	{ .option = "preserve-fds",
	  .type = SETTING_count,
	  AT(preserve_fds),
	  .max = 65536,
	  .argument = "COUNT",
	  .help = "How many fds from 3 on are passed to it" },
	{ .option = "no-new-privs",
	  .type = SETTING_flag,
	  AT(no_new_privs),
	  .help = "It gets no privileges from programs it runs" },
	{ .option = "ignore-paused",
	  .type = SETTING_flag,
	  AT(ignore_paused),
	  .help = "Also in a paused container: it starts when that goes on" },
	{ .option = "cgroup",
	  .type = SETTING_text,
	  AT(cgroup),
	  .argument = "PATH",
	  .help = "A control group below the container's" },
	{ .option = "process-label",
	  .type = SETTING_text,
	  AT(label),
	  .argument = "LABEL",
	  .help = "Its SELinux label" },
	{ .option = "apparmor",
	  .type = SETTING_text,
	  AT(apparmor),
	  .argument = "PROFILE",
	  .help = "Its AppArmor profile" },
};
#undef AT

/* --- the process that is wanted --- */

static int exec_number(struct slice word, const char *option, uint32_t *ret, struct error *err)
{
	uint64_t number;

	if (!slice_u64(word, &number) || number > UINT32_MAX)
		return error_say(err, EINVAL, "option '--%s': '%.*s' is no id", option,
				 SLICE_ARG(word));
	*ret = (uint32_t)number;
	return 0;
}

static int exec_read_user(struct spec_user *user, const struct exec_options *options,
			  struct arena *arena, struct error *err)
{
	struct slice rest = slice_of(options->user), uid = rest, line;
	bool has_gid = options->user && slice_cut(&rest, ':', &uid);
	int r = options->user ? exec_number(uid, "user", &user->uid, err) : 0;
	uint32_t *ids;

	if (r == 0 && has_gid)
		r = exec_number(rest, "user", &user->gid, err);
	if (r < 0 || !options->groups)
		return r;
	rest = slice_of(options->groups);
	ids = arena_take(arena, rest.bytes * sizeof(*ids)); /* more than enough */
	if (!ids)
		return error_errno(err, ENOMEM, "read the groups");
	user->groups = (struct spec_list){ ids, 0 };
	while (r == 0 && slice_next(&rest, '\n', &line))
		r = exec_number(line, "additional-gids", &ids[user->groups.count++], err);
	return r;
}

static int exec_add_lines(struct spec_words *words, char *lines, struct arena *arena,
			  struct error *err)
{
	struct slice rest = slice_of(lines ? lines : ""), line;
	const char **more = arena_take(arena, (words->count + rest.bytes + 2) * sizeof(*more));

	if (!more)
		return error_errno(err, ENOMEM, "read the options");
	if (words->count)
		memcpy(more, words->at, words->count * sizeof(*more));
	words->at = more;
	while (slice_next(&rest, '\n', &line)) {
		more[words->count] = arena_text(arena, line);
		if (!more[words->count++])
			return error_errno(err, ENOMEM, "read the options");
	}
	return 0;
}

static void exec_args(struct spec_process *process, char **args)
{
	process->args.at = (const char **)args;
	process->args.count = 0;
	while (args[process->args.count])
		process->args.count++;
}

/* Without a file: the container's own process, with another command line. */
static int exec_read_options(struct exec *exec, const struct exec_options *options, char **args,
			     struct error *err)
{
	struct spec_process *process = &exec->spec.process;
	struct spec_words *caps[] = { &process->caps.bounding, &process->caps.effective,
				      &process->caps.permitted };
	int r = spec_load(exec->state.bundle, &exec->spec, err);

	if (r < 0)
		return r;
	exec_args(process, args);
	process->terminal = options->tty;
	process->cwd = options->cwd ? options->cwd : process->cwd;
	process->no_new_privileges |= options->no_new_privs;
	process->selinux = options->label ? options->label : process->selinux;
	process->apparmor = options->apparmor ? options->apparmor : process->apparmor;
	process->oom_score_adj = (struct spec_number){ 0, false };
	r = exec_read_user(&process->user, options, &exec->spec.arena, err);
	if (r == 0)
		r = exec_add_lines(&process->env, options->env, &exec->spec.arena, err);
	for (size_t n = 0; n < array_count(caps) && r == 0; n++)
		r = exec_add_lines(caps[n], options->caps, &exec->spec.arena, err);
	return r < 0 ? r : spec_check_process(process, err);
}

static int exec_read_file(struct exec *exec, const struct exec_options *options, struct error *err)
{
	auto_text struct text text = { 0 };
	int r = file_read(options->process, 16u << 20, &text, err);

	if (r == 0)
		r = spec_parse_process(text_slice(&text), "process.json", &exec->spec, err);
	exec->spec.process.terminal |= options->tty;
	return r;
}

static int exec_read(struct exec *exec, const struct exec_options *options, char **args,
		     struct error *err)
{
	auto_text struct text dir = { 0 };
	auto_fd int dir_fd = -1;
	int r;

	if (options->process)
		r = exec_read_file(exec, options, err);
	else if (!args[0])
		r = error_say(err, EINVAL, "exec: name a program, or give --process");
	else
		r = exec_read_options(exec, options, args, err);
	if (r < 0)
		return r;
	text_printf(&dir, "%s/%s", exec->runtime->root, exec->state.id);
	dir_fd = open(text_str(&dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_errno(err, errno, "open '%s'", text_str(&dir));
	r = filter_restore(dir_fd, STATE_FILTER, &exec->filter, err);
	return r < 0 ? r : filter_restore(dir_fd, STATE_TRAPS, &exec->traps, err);
}

/* --- */

static int exec_check(struct exec *exec, const struct exec_options *options, struct error *err)
{
	enum state_status status = state_status(exec->runtime->root, &exec->state);

	if (status == STATE_paused && options->ignore_paused)
		return 0;
	if (status != STATE_running && status != STATE_created)
		return error_say(err, EINVAL,
				 "cannot exec in a %s container: container '%s' is not running",
				 state_status_name(status), exec->state.id);
	return 0;
}

static int exec_open_console(struct exec *exec, const struct exec_options *options,
			     struct foreground *foreground, struct error *err)
{
	if (!exec->spec.process.terminal)
		return 0;
	if (options->console_socket)
		exec->console_fd = channel_connect(options->console_socket, SOCK_STREAM, err);
	else if (foreground->console[1] >= 0)
		exec->console_fd = take_fd(&foreground->console[1]);
	else
		return error_say(err, EINVAL, "a terminal needs --console-socket with --detach");
	return exec->console_fd < 0 ? exec->console_fd : 0;
}

static int exec_go(struct exec *exec, const struct exec_options *options,
		   struct foreground *foreground, struct error *err)
{
	struct start start = { exec->runtime, &exec->state, STATE_running, 0 };
	int r = exec_make(exec, err);

	start.pid = exec->pid;
	if (r == 0)
		r = start_wait(&start, exec->channel[0], err);
	if (r == 0 && options->pid_file)
		r = create_pid_file(options->pid_file, exec->pid, err);
	if (r < 0 && exec->pid > 0) {
		kill(exec->pid, SIGKILL);
		while (waitpid(exec->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (r < 0 || options->detach)
		return r;
	return foreground_wait(foreground, exec->pid, err);
}

static int exec_command(const struct runtime *runtime, void *given, char **args, struct error *err)
{
	const struct exec_options *options = given;
	struct exec exec = { .runtime = runtime,
			     .keep_fds = (unsigned int)options->preserve_fds,
			     .group = options->cgroup,
			     .pidfd = -1,
			     .console_fd = -1,
			     .channel = { -1, -1 } };
	struct foreground foreground;
	int r = foreground_init(&foreground, !options->detach && !options->console_socket, err);

	if (r == 0)
		r = state_load(runtime->root, args[0], &exec.state, err);
	if (r == 0)
		r = exec_check(&exec, options, err);
	if (r == 0)
		r = exec_read(&exec, options, args + 1, err);
	if (r == 0 && !exec.spec.process.terminal && foreground.console[0] >= 0)
		close(take_fd(&foreground.console[0]));
	if (r == 0)
		r = exec_open_console(&exec, options, &foreground, err);
	if (r == 0)
		r = exec_go(&exec, options, &foreground, err);
	exec_done(&exec);
	foreground_done(&foreground);
	return r;
}

const struct command command_exec = {
	.name = "exec",
	.arguments = "ID [PROGRAM [ARGUMENT...]]",
	.purpose = "Run one more process in a container",
	.least = 1,
	.most = -1,
	.rows = exec_rows,
	.row_count = array_count(exec_rows),
	.options_bytes = sizeof(struct exec_options),
	.run = exec_command,
};
