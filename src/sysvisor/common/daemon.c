/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/common/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

int daemon_path(const struct daemon *daemon, const char *path, struct paths_buffer *ret_path,
		struct error *err)
{
	return paths_join(ret_path, daemon->settings.root, path, err);
}

void daemon_fill_version(const struct daemon *daemon, Sysvisor__V1__VersionAnswer *answer)
{
	answer->program = (char *)(uintptr_t)daemon->program->name;
	answer->version = (char *)(uintptr_t)BULWARK_VERSION;
}

uint64_t daemon_uptime_ms(const struct daemon *daemon)
{
	return (clock_mono_ns() - daemon->started_ns) / NS_PER_MS;
}

void daemon_notify(const char *line)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd int fd = -1;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	slice_copy(slice_of(path), address.sun_path, sizeof(address.sun_path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* Nobody to tell when it fails: systemd's own timeout does. */
	if (fd >= 0 &&
	    sendto(fd, line, strlen(line), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
		return;
}

/* --- settings --- */

static struct settings_table daemon_table(const struct daemon_program *program)
{
	return (struct settings_table){
		.program = program->name,
		.program_bit = program->bit,
		.rows = daemon_setting_rows,
		.row_count = daemon_setting_count,
	};
}

static int daemon_load(struct daemon *daemon, struct settings *settings,
		       const struct settings_table *table, int argc, char **argv, struct error *err)
{
	int rest, r;

	r = settings_init(settings, table, &daemon->settings, err);
	if (r == 0)
		r = settings_read_options(settings, argc, argv, &rest, err);
	if (r == 0 && rest < argc)
		r = error_say(err, EINVAL, "'%s' is not an option; see --help", argv[rest]);
	if (r == 0 && daemon->settings.config_file)
		r = settings_read_file(settings, daemon->settings.config_file, err);
	if (r == 0)
		r = settings_read_environment(settings, err);
	if (r == 0)
		r = settings_check(settings, err);
	if (r == 0 && daemon->settings.root && daemon->settings.root[0] != '/')
		r = error_say(err, EINVAL, "option '--root': '%s' is no absolute path",
			      daemon->settings.root);
	return r;
}

/* --- the log file --- */

static int daemon_open_log(struct daemon *daemon, struct error *err)
{
	const struct daemon_settings *settings = &daemon->settings;
	struct paths_buffer path;
	auto_fd int fd = -1;
	int r;

	log_setup(settings->verbosity ? LOG_LEVEL_debug : LOG_LEVEL_info, settings->log_json);
	if (strcmp(settings->log_file, "-") == 0)
		return 0;
	r = daemon_path(daemon, settings->log_file, &path, err);
	if (r == 0)
		r = paths_make_parent(path.path, 0755, err);
	if (r < 0)
		return r;
	if (daemon->terminal_fd < 0)
		daemon->terminal_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	fd = open(path.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		return error_errno(err, errno, "open the log '%s'", path.path);
	log_times(true);
	return 0;
}

static void daemon_on_hup(struct loop_signal *watch)
{
	struct daemon *daemon = container_of(watch, struct daemon, on_hup);
	struct error err;

	if (daemon_open_log(daemon, &err) < 0)
		log_error("open the log again: %s", err.text);
	else
		log_info("log opened again");
}

/* --- one instance --- */

static int daemon_lock(struct daemon *daemon, struct error *err)
{
	struct paths_buffer run, path;
	char pid[24];
	ssize_t n;
	int r;

	r = daemon_path(daemon, PATHS_RUN, &run, err);
	if (r == 0)
		r = daemon_path(daemon, daemon->program->lock, &path, err);
	if (r == 0)
		r = paths_make_directory(run.path, 0700, err);
	if (r < 0)
		return r;
	daemon->lock_fd = open(path.path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (daemon->lock_fd < 0)
		return error_errno(err, errno, "open '%s'", path.path);
	if (flock(daemon->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		n = pread(daemon->lock_fd, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? n : 0] = '\0';
		return error_say(err, EEXIST, "%s is already running (pid %.*s), says '%s'",
				 daemon->program->name, (int)strcspn(pid, "\n"), pid, path.path);
	}
	n = snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(daemon->lock_fd, 0) < 0 || pwrite(daemon->lock_fd, pid, (size_t)n, 0) != n)
		return error_errno(err, errno, "write '%s'", path.path);
	return 0;
}

/* --- run --- */

static void daemon_on_term(struct loop_signal *watch)
{
	struct daemon *daemon = container_of(watch, struct daemon, on_term);

	loop_stop(daemon->loop);
}

static void daemon_on_int(struct loop_signal *watch)
{
	struct daemon *daemon = container_of(watch, struct daemon, on_int);

	loop_stop(daemon->loop);
}

static int daemon_watch_signals(struct daemon *daemon, struct error *err)
{
	int r;

	daemon->on_term = (struct loop_signal){ .signo = SIGTERM, .arrived = daemon_on_term };
	daemon->on_int = (struct loop_signal){ .signo = SIGINT, .arrived = daemon_on_int };
	daemon->on_hup = (struct loop_signal){ .signo = SIGHUP, .arrived = daemon_on_hup };
	r = loop_signal_add(daemon->loop, &daemon->on_term, err);
	if (r == 0)
		r = loop_signal_add(daemon->loop, &daemon->on_int, err);
	if (r == 0)
		r = loop_signal_add(daemon->loop, &daemon->on_hup, err);
	return r;
}

static int daemon_run(struct daemon *daemon, struct error *err)
{
	int r = daemon_lock(daemon, err);

	if (r == 0)
		r = daemon_open_log(daemon, err);
	if (r == 0)
		r = loop_new(&daemon->loop, err);
	if (r == 0)
		r = daemon_watch_signals(daemon, err);
	if (r < 0)
		return r;
	daemon->started_ns = clock_mono_ns();
	r = daemon->program->start(daemon, err);
	if (r == 0) {
		log_info("%s %s is ready", daemon->program->name, BULWARK_VERSION);
		daemon_notify("READY=1\n");
		r = loop_run(daemon->loop, err);
		if (r == 0 && daemon->failure.code) {
			*err = daemon->failure;
			r = -err->code;
		}
		daemon_notify("STOPPING=1\n");
	}
	daemon->program->stop(daemon);
	log_info("%s ends", daemon->program->name);
	return r;
}

/* To whoever started it, and to the log if that is somewhere else. */
static void daemon_complain(const struct daemon *daemon, const struct error *err)
{
	int fd = daemon->terminal_fd < 0 ? STDERR_FILENO : daemon->terminal_fd;

	dprintf(fd, "%s: %s\n", daemon->program->name, err->text);
	if (fd != STDERR_FILENO)
		log_error("%s", err->text);
}

static int daemon_print(const struct text *words)
{
	if (fwrite(words->at, 1, words->bytes, stdout) != words->bytes || fflush(stdout) != 0)
		return DAEMON_FAILED;
	return DAEMON_OK;
}

static int daemon_help(const struct daemon_program *program, const struct settings_table *table)
{
	auto_text struct text words = { 0 };

	text_printf(&words, "%s - %s\n\nusage:\n  %s [OPTION...]\n  %s man | config%s%s\n",
		    program->name, program->purpose, program->name, program->name,
		    program->table ? " | " : "", program->table ? program->table : "");
	text_put(&words, SLICE("\noptions:\n  -h, --help\n  -V, --version\n"));
	settings_print_help(table, &words);
	return daemon_print(&words);
}

static int daemon_man(const struct daemon_program *program, const struct settings_table *table)
{
	auto_text struct text words = { 0 };

	text_printf(&words, ".Dd $Mdocdate$\n.Dt %s 8\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n",
		    program->name, program->name, program->purpose);
	text_printf(&words, ".Sh SYNOPSIS\n.Nm %s\n.Op Ar options\n.Sh OPTIONS AND SETTINGS\n",
		    program->name);
	settings_print_man(table, &words);
	text_put(
		&words,
		SLICE(".Sh EXIT STATUS\n0 on success, 1 when it failed, 2 when the command line or "
		       "the settings are wrong.\n.Sh SIGNALS\nSIGTERM and SIGINT end it, SIGHUP "
		       "opens the log anew.\nIt may be killed at any time: what it knows is kept "
		       "in files, and containers go on when it is there again.\n.Sh SEE ALSO\n"
		       ".Xr sysvisor 8\n"));
	return daemon_print(&words);
}

static int daemon_config(const struct daemon_program *program, const struct settings_table *table)
{
	auto_text struct text words = { 0 };

	text_printf(&words, "# %s: every setting with its default.\n", program->name);
	settings_print_sample(table, &words);
	return daemon_print(&words);
}

/* What the tables say, without running; -1: nothing of that was asked. */
static int daemon_tell(const struct daemon_program *program, const struct settings_table *table,
		       int argc, char **argv)
{
	for (int n = 1; n < argc; n++) {
		if (strcmp(argv[n], "-h") == 0 || strcmp(argv[n], "--help") == 0)
			return daemon_help(program, table);
		if (strcmp(argv[n], "-V") == 0 || strcmp(argv[n], "--version") == 0)
			return printf("%s %s\n", program->name, BULWARK_VERSION) < 0;
	}
	if (argc == 2 && strcmp(argv[1], "man") == 0)
		return daemon_man(program, table);
	if (argc == 2 && strcmp(argv[1], "config") == 0)
		return daemon_config(program, table);
	if (argc == 2 && program->table && strcmp(argv[1], program->table) == 0) {
		auto_text struct text words = { 0 };

		program->print_table(&words);
		return daemon_print(&words);
	}
	return -1;
}

int daemon_main(const struct daemon_program *program, int argc, char **argv)
{
	static struct daemon daemon;
	struct settings_table table = daemon_table(program);
	struct settings settings;
	struct error err = { 0 };
	bool aside = program->aside && argc > 1 && strcmp(argv[1], program->aside) == 0;
	int code, r = daemon_tell(program, &table, argc, argv);

	if (r >= 0)
		return r;
	daemon = (struct daemon){ .program = program, .lock_fd = -1, .terminal_fd = -1 };
	r = daemon_load(&daemon, &settings, &table, argc - aside, argv + aside, &err);
	code = DAEMON_USAGE;
	if (r == 0) {
		code = DAEMON_FAILED;
		r = aside ? program->run_aside(&daemon, &err) : daemon_run(&daemon, &err);
	}
	if (r < 0)
		daemon_complain(&daemon, &err);
	loop_free(daemon.loop);
	auto_close_fd(&daemon.lock_fd);
	auto_close_fd(&daemon.terminal_fd);
	settings_done(&settings);
	return r < 0 ? code : DAEMON_OK;
}
