/* SPDX-License-Identifier: Apache-2.0 */
/* docker - has Docker know our runtime, or forget it: its daemon.json, and word to it that there is
 * something new. It is never restarted: what its containers do is not our business. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "base/file.h"
#include "sysvisor/front/docker_settings.h"
#include "sysvisor/front/front.h"

#define DOCKER_LIMIT_BYTES (1u << 20)

static const struct docker_change {
	const char *word, *done, *same;
	int (*change)(struct slice before, const char *program, struct text *after,
		      struct error *err);
} docker_changes[] = {
	{ "enable", "is a runtime of Docker's now", "is a runtime of Docker's already",
	  docker_settings_add },
	{ "disable", "is no runtime of Docker's any more", "is no runtime of Docker's",
	  docker_settings_remove },
};

/* --- dockerd --- */

/* Whose number is in a file may have ended, and the number be another's by now: what is told is
 * the process that was looked at. -ESRCH: it isn't there. */
static int docker_reload(struct front *front, uint64_t *ret_pid)
{
	auto_text struct text number = { 0 }, comm = { 0 };
	struct paths_buffer path;
	auto_fd int fd = -1;
	char name[64];

	if (paths_join(&path, front->root, PATHS_DOCKER_PID, NULL) < 0 ||
	    file_read_at(AT_FDCWD, path.path, 32, &number) < 0 ||
	    !slice_u64(slice_trim(text_slice(&number)), ret_pid) || *ret_pid > INT_MAX)
		return -ESRCH;
	fd = pidfd_open((pid_t)*ret_pid, 0);
	snprintf(name, sizeof(name), "/proc/%llu/comm", (unsigned long long)*ret_pid);
	if (fd < 0 || file_read_at(AT_FDCWD, name, 64, &comm) < 0 ||
	    !slice_is(slice_trim(text_slice(&comm)), "dockerd"))
		return -ESRCH;
	return pidfd_send_signal(fd, SIGHUP, NULL, 0) < 0 ? -errno : 0;
}

static void docker_tell(struct front *front)
{
	uint64_t pid;
	int r = docker_reload(front, &pid);

	if (r == 0)
		text_printf(&front->out,
			    "dockerd (pid %llu) reads its settings again; containers go on\n",
			    (unsigned long long)pid);
	else if (r == -ESRCH)
		text_put(&front->out, SLICE("Docker isn't running: it will know from its start\n"));
	else
		text_printf(&front->out, "dockerd (pid %llu) can't be told: %s; reload it\n",
			    (unsigned long long)pid, strerror(-r));
}

/* --- its file --- */

/* As it was, but for what it says. "": away with it, and with a directory that has nothing else. */
static int docker_write(char *path, const struct stat *was, struct slice text, struct error *err)
{
	int r;

	if (text.bytes) {
		r = paths_make_parent(path, 0755, err);
		if (r == 0)
			r = file_replace(path, text, was->st_mode & 0777, err);
		if (r == 0 && (was->st_uid || was->st_gid) &&
		    chown(path, was->st_uid, was->st_gid) < 0)
			r = error_errno(err, errno, "give '%s' back to its owner", path);
		return r;
	}
	if (unlink(path) < 0)
		return error_errno(err, errno, "remove '%s'", path);
	*strrchr(path, '/') = '\0';
	if (rmdir(path) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		return error_errno(err, errno, "remove '%s'", path);
	return 0;
}

/* Where a link leads, so that it stays one; the path itself when nothing is there yet. */
static int docker_find(const struct front *front, char path[PATH_MAX], struct stat *ret_was,
		       struct error *err)
{
	struct paths_buffer own;
	int r = paths_join(&own, front->config_file ? NULL : front->root,
			   front->config_file ? front->config_file : PATHS_DOCKER_SETTINGS, err);

	if (r < 0)
		return r;
	*ret_was = (struct stat){ .st_mode = 0644 };
	if (!realpath(own.path, path)) {
		if (errno != ENOENT)
			return error_errno(err, errno, "find '%s'", own.path);
		slice_copy(slice_of(own.path), path, PATH_MAX);
		return 0;
	}
	if (stat(path, ret_was) < 0)
		return error_errno(err, errno, "look at '%s'", path);
	return 0;
}

static int docker_change(struct front *front, const struct docker_change *change, struct error *err)
{
	auto_text struct text before = { 0 }, after = { 0 };
	char path[PATH_MAX], program[PATH_MAX];
	struct stat was = { 0 };
	int r;

	umask(0); /* modes are said */
	r = front_find_program(DOCKER_RUNTIME, program, err);
	if (r == 0)
		r = docker_find(front, path, &was, err);
	if (r == 0 && was.st_nlink)
		r = file_read(path, DOCKER_LIMIT_BYTES, &before, err);
	if (r < 0)
		return r;
	r = change->change(text_slice(&before), program, &after, err);
	if (r < 0)
		return error_wrap(err, r, "'%s' is left as it is", path);
	text_printf(&front->out, "'%s' %s, says '%s'\n", DOCKER_RUNTIME,
		    r ? change->done : change->same, path);
	if (r > 0) {
		r = docker_write(path, &was, text_slice(&after), err);
		if (r == 0)
			docker_tell(front);
	}
	return r;
}

int front_docker(struct front *front, struct error *err)
{
	for (size_t n = 0; n < array_count(docker_changes); n++) {
		if (strcmp(front->word, docker_changes[n].word) != 0)
			continue;
		if (docker_change(front, &docker_changes[n], err) == 0)
			return FRONT_OK;
		text_clear(&front->out);
		return FRONT_FAILED;
	}
	error_say(err, EINVAL, "docker: '%s' is not known; use enable or disable", front->word);
	return FRONT_USAGE;
}
