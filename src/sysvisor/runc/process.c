/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/text.h"
#include "kernel/path.h"

#define PROCESS_PASSWD_LIMIT (1u << 20)

pid_t process_clone(unsigned int flags, int cgroup_fd)
{
	struct clone_args args = {
		.flags = flags | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* --- the working directory and the program --- */

static int process_enter_cwd(const struct process *process, struct error *err)
{
	const char *cwd = process->spec->cwd;
	char now[4096];

	if (chdir(cwd) < 0) {
		int r = errno == ENOENT ? file_make_dirs(cwd, 0755, err) : 0;

		if (r < 0)
			return error_wrap(err, r, "working directory");
		if (chdir(cwd) < 0)
			return error_errno(err, errno, "enter working directory '%s'", cwd);
	}
	/* A directory outside of the root, reached by an fd that was left open, has no path
	 * (CVE-2024-21626). */
	if (!getcwd(now, sizeof(now)) || now[0] != '/')
		return error_say(err, EPERM,
				 "working directory '%s' lies outside of the container's root",
				 cwd);
	return 0;
}

/* Engines read these words, in this case, to choose an exit code (Docker: 126, 127). */
static int process_exec_error(const char *name, int code, struct error *err)
{
	const char *reason = code == ENOENT    ? "no such file or directory"
			     : code == EACCES  ? "permission denied"
			     : code == ENOEXEC ? "exec format error"
			     : code == ENOTDIR ? "not a directory"
			     : code == EISDIR  ? "is a directory"
					       : strerror(code);

	return error_say(err, code, "exec: \"%.100s\": %s", name, reason);
}

static int process_try(const char *path)
{
	struct stat stat_;

	if (stat(path, &stat_) < 0)
		return -errno;
	if (S_ISDIR(stat_.st_mode))
		return -EISDIR;
	return stat_.st_mode & 0111 ? 0 : -EACCES;
}

static int process_search(struct process *process, const char *name, struct error *err)
{
	const char *list = spec_env(&process->spec->env, "PATH");
	struct slice rest = slice_of(list ? list : ""), dir;
	int denied = 0;

	while (slice_next(&rest, ':', &dir)) {
		int n, r;

		n = snprintf(process->path, sizeof(process->path), "%.*s/%s",
			     dir.bytes ? (int)dir.bytes : 1, dir.bytes ? dir.at : ".", name);
		if (n < 0 || (size_t)n >= sizeof(process->path))
			continue;
		r = process_try(process->path);
		if (r == 0)
			return 0;
		if (r == -EACCES)
			denied = EACCES;
	}
	if (denied)
		return process_exec_error(name, denied, err);
	return error_say(err, ENOENT, "exec: \"%.100s\": executable file not found in $PATH", name);
}

static int process_find_program(struct process *process, struct error *err)
{
	const char *name = process->spec->args.at[0];
	int r;

	if (*name && !strchr(name, '/'))
		return process_search(process, name, err);
	r = *name ? process_try(name) : -ENOENT;
	if (r < 0)
		return process_exec_error(name, -r, err);
	if (slice_copy(slice_of(name), process->path, sizeof(process->path)) != strlen(name))
		return process_exec_error(name, ENAMETOOLONG, err);
	return 0;
}

/* The home directory of a uid in the container's /etc/passwd. */
static char *process_home(uint32_t uid, struct arena *arena)
{
	auto_text struct text text = { 0 };
	struct slice rest, line;

	if (file_read_at(AT_FDCWD, "/etc/passwd", PROCESS_PASSWD_LIMIT, &text) == 0) {
		rest = text_slice(&text);
		while (slice_next(&rest, '\n', &line)) {
			struct slice field[6] = { { 0 } };
			uint64_t number;

			for (size_t n = 0; n < array_count(field); n++)
				slice_next(&line, ':', &field[n]);
			if (slice_u64(field[2], &number) && number == uid && field[5].bytes)
				return arena_text(arena, field[5]);
		}
	}
	return arena_text(arena, uid == 0 ? SLICE("/root") : SLICE("/"));
}

static int process_make_env(struct process *process, struct arena *arena, struct error *err)
{
	const struct spec_words *env = &process->spec->env;
	auto_text struct text home = { 0 };
	size_t count = 0;

	process->env = arena_take(arena, (env->count + 2) * sizeof(char *));
	if (!process->env)
		return error_errno(err, ENOMEM, "make the environment");
	for (size_t n = 0; n < env->count; n++)
		process->env[count++] = env->at[n];
	if (spec_env(env, "HOME"))
		return 0;
	text_printf(&home, "HOME=%s", process_home(process->spec->user.uid, arena));
	process->env[count] = arena_text(arena, text_slice(&home));
	return process->env[count] ? 0 : error_errno(err, ENOMEM, "make the environment");
}

int process_find(struct process *process, struct arena *arena, struct error *err)
{
	int r = process_enter_cwd(process, err);

	if (r == 0)
		r = process_find_program(process, err);
	return r < 0 ? r : process_make_env(process, arena, err);
}

/* --- limits, set from outside --- */

int process_limit(pid_t pid, const struct spec_list *rlimits, bool clamp, const char **ret_clamped,
		  struct error *err)
{
	const struct spec_rlimit *limit;

	*ret_clamped = NULL;
	spec_each(rlimits, limit) {
		struct rlimit64 wanted = { (rlim64_t)limit->soft.value,
					   (rlim64_t)limit->hard.value };
		struct rlimit64 has;

		if (prlimit64(pid, limit->resource, &wanted, NULL) == 0)
			continue;
		if (errno != EPERM || !clamp || prlimit64(pid, limit->resource, NULL, &has) < 0)
			return error_errno(err, errno, "set limit %d (RLIMIT_*) to %llu/%llu%s",
					   limit->resource, (unsigned long long)wanted.rlim_cur,
					   (unsigned long long)wanted.rlim_max,
					   errno == EPERM ? " (raising one needs CAP_SYS_RESOURCE; "
							    "--clamp-limits takes what there is)"
							  : "");
		wanted.rlim_max = wanted.rlim_max < has.rlim_max ? wanted.rlim_max : has.rlim_max;
		wanted.rlim_cur =
			wanted.rlim_cur < wanted.rlim_max ? wanted.rlim_cur : wanted.rlim_max;
		if (prlimit64(pid, limit->resource, &wanted, NULL) < 0)
			return error_errno(err, errno, "lower limit %d (RLIMIT_*)",
					   limit->resource);
		*ret_clamped = "a limit (process.rlimits) is above what this host lets us set";
	}
	return 0;
}

int process_oom(pid_t pid, int64_t score, struct error *err)
{
	auto_text struct text path = { 0 }, value = { 0 };
	int r;

	text_printf(&path, "/proc/%d/oom_score_adj", pid);
	text_printf(&value, "%lld", (long long)score);
	r = file_write(text_str(&path), text_slice(&value), err);
	if (r == -EACCES || r == -EPERM)
		return error_wrap(err, r, "lowering oomScoreAdj to %lld needs CAP_SYS_RESOURCE",
				  (long long)score);
	return r;
}

void process_give_stdio(const struct plan *plan, const struct spec_user *user)
{
	uint32_t uid;

	if (!id_map_host(&plan->uid_map, user->uid, &uid))
		return;
	for (int fd = 0; fd < 3; fd++) {
		struct stat stat_;

		/* Others may be shared with somebody; only a pipe is the container's alone. */
		if (fstat(fd, &stat_) == 0 && S_ISFIFO(stat_.st_mode) && stat_.st_uid != uid)
			(void)!fchown(fd, uid, (gid_t)-1);
	}
}

/* --- while all rights are there --- */

/* To procfs itself: an image or a volume may have a /proc of its own, or something on a part of it,
 * and a label written there would count for nothing (CVE-2019-16884). */
static int process_label(const char *attribute, const char *before, const char *label,
			 struct error *err)
{
	auto_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	auto_text struct text path = { 0 }, value = { 0 };
	struct statfs fs;
	int r;

	if (proc < 0 || fstatfs(proc, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return error_say(err, ENOTSUP,
				 "security label '%s': /proc inside is no procfs; mount one there",
				 label);
	text_printf(&path, "self/attr/%s", attribute);
	text_printf(&value, "%s%s", before, label);
	fd = path_open_unmounted(proc, text_str(&path), O_WRONLY);
	r = fd < 0 ? fd : file_write_all(fd, text_slice(&value));
	return r < 0 ? error_errno(err, -r, "security label '%s': write '/proc/%s'", label,
				   text_str(&path))
		     : 0;
}

/* What engines put on containers when nobody has chosen a profile; with versions behind some. These
 * are for a root who is the host's: they forbid mount(2) and all of /proc/sys, which a machine
 * lives on, and from which a root who is nobody outside is kept by the kernel itself. */
static const char *const process_engine_profiles[] = {
	"docker-default", "cri-containerd.apparmor.d", "containers-default-", "nerdctl-default",
	"crio-default",
};

static bool process_wants_profile(const char *name)
{
	if (!name || !*name || strcmp(name, "unconfined") == 0)
		return false;
	for (size_t n = 0; n < array_count(process_engine_profiles); n++)
		if (slice_starts(slice_of(name), slice_of(process_engine_profiles[n])))
			return false;
	return access("/proc/self/attr/apparmor/exec", F_OK) == 0;
}

/* Labels count only where their security module runs. */
static int process_labels(const struct process *process, struct error *err)
{
	const struct spec_process *spec = process->spec;
	int r = 0;

	if (process_wants_profile(spec->apparmor))
		r = process_label("apparmor/exec", "exec ", spec->apparmor, err);
	if (r == 0 && process->label)
		r = process_label("exec", "", process->label, err);
	/* of the session's keyring; the kernel forgets it at the exec */
	if (r == 0 && process->label && process->new_keyring)
		r = process_label("keycreate", "", process->label, err);
	return r;
}

static int process_personality(const char *name, struct error *err)
{
	unsigned long persona = PER_LINUX;

	if (!name || !*name)
		return 0;
	if (strcmp(name, "LINUX32") == 0)
		persona = PER_LINUX32;
	else if (strcmp(name, "LINUX") != 0)
		return error_say(err, EINVAL,
				 "config.json: linux.personality.domain: '%.40s' is not known; use "
				 "LINUX or LINUX32",
				 name);
	if (personality(persona) < 0)
		return error_errno(err, errno, "set personality '%s'", name);
	return 0;
}

static int process_keyring(const struct process *process, struct error *err)
{
	char name[280];

	if (!process->new_keyring)
		return 0;
	snprintf(name, sizeof(name), "_ses.%s", process->id);
	/* Where keys are switched off, or the quota is used up, there is none to inherit either
	 * way. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0) < 0 &&
	    errno != ENOSYS && errno != EDQUOT && errno != EPERM)
		return error_errno(err, errno, "make a session keyring");
	return 0;
}

int process_prepare(struct process *process, struct error *err)
{
	int r = process_labels(process, err);

	if (r == 0)
		r = process_keyring(process, err);
	return r < 0 ? r : process_personality(process->personality, err);
}

/* --- dropping rights --- */

static int process_groups(const struct spec_user *user, struct error *err)
{
	const struct spec_list *groups = &user->groups;

	if (setgroups(groups->count, groups->at) < 0)
		return error_errno(err, errno, "set process.user.additionalGids");
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return error_errno(err, errno,
				   "become group %u (process.user.gid; is it among the "
				   "container's ids?)",
				   user->gid);
	return 0;
}

static int process_user(const struct spec_user *user, struct error *err)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_errno(err, errno, "keep capabilities");
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return error_errno(err, errno,
				   "become user %u (process.user.uid; is it among the "
				   "container's ids?)",
				   user->uid);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "keep capabilities");
	return 0;
}

/* The one whose listener sysvisor-fs gets first: the other may forbid to load any more. */
static int process_filter(const struct process *process, struct error *err)
{
	int r = filter_load(process->traps, CHANNEL_traps, process->reply_fd, err);

	return r < 0 ? r : filter_load(process->filter, CHANNEL_listener, process->reply_fd, err);
}

/* Without no_new_privs a filter needs CAP_SYS_ADMIN: it has to come before that goes. */
static int process_rights(struct process *process, struct error *err)
{
	bool late = process->spec->no_new_privileges;
	int r = 0;

	if (!late)
		r = process_filter(process, err);
	if (r == 0)
		r = capability_bound(process->caps.bounding, err);
	if (r == 0)
		r = process_groups(&process->spec->user, err);
	if (r == 0)
		r = process_user(&process->spec->user, err);
	if (r == 0)
		r = capability_set(&process->caps, err);
	if (r == 0 && late && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = error_errno(err, errno, "set no_new_privs");
	if (r == 0 && late)
		r = process_filter(process, err);
	return r;
}

int process_become(struct process *process, struct error *err)
{
	const struct spec_process *spec = process->spec;
	int r;

	if (process->terminal_fd >= 0 &&
	    fchown(process->terminal_fd, spec->user.uid, (gid_t)-1) < 0 && errno != EROFS)
		return error_errno(err, errno, "give away the terminal");
	umask(spec->user.umask.set ? (mode_t)spec->user.umask.value & 0777 : 0022);
	/* Nothing of ours goes in, whatever was opened by whom. */
	if (close_range(3 + process->keep_fds, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return error_errno(err, errno, "close files");
	r = process_rights(process, err);
	if (r < 0)
		return r;
	execve(process->path, (char *const *)spec->args.at, (char *const *)process->env);
	return process_exec_error(spec->args.at[0], errno, err);
}
