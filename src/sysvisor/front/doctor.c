/* SPDX-License-Identifier: Apache-2.0 */
/* doctor - what system containers need of a host, a row each: look, and say how to get it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "sysvisor/front/front.h"

enum doctor_verdict { DOCTOR_fine, DOCTOR_lesser, DOCTOR_missing };

struct doctor_row {
	const char *what;
	enum doctor_verdict (*look)(struct front *front, struct text *found);
	const char *remedy;
};

static bool doctor_kernel_is(unsigned int major, unsigned int minor)
{
	struct utsname name;
	struct slice rest;
	uint64_t numbers[2] = { 0 };

	if (uname(&name) < 0)
		return false;
	rest = slice_of(name.release);
	if (!slice_eat_u64(&rest, &numbers[0]) || !slice_eat(&rest, SLICE(".")) ||
							     !slice_eat_u64(&rest, &numbers[1]))
		return false;
	return numbers[0] > major || (numbers[0] == major && numbers[1] >= minor);
}

static bool doctor_number(const char *path, uint64_t *ret_value)
{
	auto_text struct text text = { 0 };

	return file_read_at(AT_FDCWD, path, 64, &text) == 0 &&
	       slice_u64(slice_trim(text_slice(&text)), ret_value);
}

static enum doctor_verdict doctor_root(struct front *front, struct text *found)
{
	(void)front;
	text_printf(found, "user %u", geteuid());
	return geteuid() == 0 ? DOCTOR_fine : DOCTOR_missing;
}

static enum doctor_verdict doctor_kernel(struct front *front, struct text *found)
{
	struct utsname name;

	(void)front;
	if (uname(&name) == 0)
		text_printf(found, "Linux %s", name.release);
	if (doctor_kernel_is(5, 19))
		return DOCTOR_fine;
	return doctor_kernel_is(5, 12) ? DOCTOR_lesser : DOCTOR_missing;
}

static enum doctor_verdict doctor_namespaces(struct front *front, struct text *found)
{
	uint64_t most = 0, clone = 1;

	(void)front;
	doctor_number("/proc/sys/user/max_user_namespaces", &most);
	doctor_number("/proc/sys/kernel/unprivileged_userns_clone", &clone);
	text_printf(found, "user.max_user_namespaces %llu, kernel.unprivileged_userns_clone %llu",
		    (unsigned long long)most, (unsigned long long)clone);
	return most && clone ? DOCTOR_fine : DOCTOR_missing;
}

static enum doctor_verdict doctor_fuse(struct front *front, struct text *found)
{
	auto_fd int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	(void)front;
	text_put(found, fd < 0 ? slice_of(strerror(errno)) : SLICE("opens"));
	return fd < 0 ? DOCTOR_missing : DOCTOR_fine;
}

static enum doctor_verdict doctor_cgroups(struct front *front, struct text *found)
{
	struct stat info;

	(void)front;
	if (stat("/sys/fs/cgroup/cgroup.controllers", &info) == 0) {
		text_put(found, SLICE("version 2"));
		return DOCTOR_fine;
	}
	if (stat("/sys/fs/cgroup/memory/cgroup.procs", &info) == 0) {
		text_put(found, SLICE("version 1: no pressure files"));
		return DOCTOR_lesser;
	}
	text_put(found, SLICE("none at /sys/fs/cgroup"));
	return DOCTOR_missing;
}

/* The filter's flag that a signal doesn't interrupt a call that is seen to. */
static enum doctor_verdict doctor_traps(struct front *front, struct text *found)
{
	auto_text struct text actions = { 0 };

	(void)front;
	if (file_read_at(AT_FDCWD, "/proc/sys/kernel/seccomp/actions_avail", 4096, &actions) < 0 ||
	    slice_find(text_slice(&actions), SLICE("user_notif")) < 0) {
		text_put(found,
			 SLICE("the kernel can't tell of system calls (seccomp user_notif)"));
		return DOCTOR_missing;
	}
	if (doctor_kernel_is(5, 19)) {
		text_put(found, SLICE("told, and not interrupted"));
		return DOCTOR_fine;
	}
	text_put(found, SLICE("told; a signal may have a mount made twice"));
	return DOCTOR_lesser;
}

static enum doctor_verdict doctor_inotify(struct front *front, struct text *found)
{
	uint64_t watches = 0;

	(void)front;
	doctor_number("/proc/sys/fs/inotify/max_user_watches", &watches);
	text_printf(found, "fs.inotify.max_user_watches %llu", (unsigned long long)watches);
	return watches >= 8192 ? DOCTOR_fine : DOCTOR_lesser;
}

static enum doctor_verdict doctor_ids(struct front *front, struct text *found)
{
	Sysvisor__V1__ManagerListAnswer *list;
	struct error err;
	bool full;

	if (manager_list(&front->mgr, &list, &err) < 0) {
		text_put(found, SLICE("not known: sysvisor-mgr is not running"));
		return DOCTOR_lesser;
	}
	full = list->slots_used == list->slot_count;
	text_printf(found, "%u of %u ranges in use", list->slots_used, list->slot_count);
	sysvisor__v1__manager_list_answer__free_unpacked(list, NULL);
	return full ? DOCTOR_missing : DOCTOR_fine;
}

static enum doctor_verdict
doctor_daemon(struct client *client, const ProtobufCServiceDescriptor *service, struct text *found)
{
	Sysvisor__V1__HealthAnswer *health;
	struct error err;
	bool well;

	if (client_health(client, service, &health, &err) < 0) {
		text_put(found, slice_of(err.text));
		return DOCTOR_missing;
	}
	well = health->healthy;
	text_put(found, well ? SLICE("well") : slice_of(health->reason));
	sysvisor__v1__health_answer__free_unpacked(health, NULL);
	return well ? DOCTOR_fine : DOCTOR_lesser;
}

static enum doctor_verdict doctor_mgr(struct front *front, struct text *found)
{
	return doctor_daemon(&front->mgr, &sysvisor__v1__manager__descriptor, found);
}

static enum doctor_verdict doctor_fs(struct front *front, struct text *found)
{
	return doctor_daemon(&front->fs, &sysvisor__v1__filesystem__descriptor, found);
}

static const struct doctor_row doctor_rows[] = {
	{ "root", doctor_root, "run it as root" },
	{ "kernel", doctor_kernel,
	  "root file systems are shared through id mappings from Linux 5.19, mounts from 5.12" },
	{ "user namespaces", doctor_namespaces,
	  "sysctl -w user.max_user_namespaces=65536 kernel.unprivileged_userns_clone=1" },
	{ "control groups", doctor_cgroups,
	  "boot with systemd.unified_cgroup_hierarchy=1, or mount the controllers" },
	{ "/dev/fuse", doctor_fuse, "modprobe fuse; in a container, --device /dev/fuse" },
	{ "trapped calls", doctor_traps,
	  "Linux 5.19; without seccomp user notification (CONFIG_SECCOMP_FILTER): "
	  "--no-sysvisor-fs" },
	{ "watches", doctor_inotify, "sysctl -w fs.inotify.max_user_watches=1048576" },
	{ "sysvisor-mgr", doctor_mgr, "systemctl start sysvisor, or: sysvisor up" },
	{ "sysvisor-fs", doctor_fs,
	  "systemctl start sysvisor, or: sysvisor up; when it hangs: sysvisor doctor --abort" },
	{ "ids", doctor_ids,
	  "remove containers, or give 'sysvisor' more in /etc/subuid and "
	  "/etc/subgid and restart sysvisor-mgr" },
};

/* By force: requests that wait fail, and the mount goes as soon as nobody is in it. */
static int doctor_abort(struct front *front, struct error *err)
{
	struct paths_buffer mount_point;

	if (paths_join(&mount_point, front->root, PATHS_FS_MOUNT, err) < 0)
		return FRONT_FAILED;
	if (umount2(mount_point.path, MNT_FORCE | MNT_DETACH) < 0) {
		error_errno(err, errno, "end the mount '%s'", mount_point.path);
		return FRONT_FAILED;
	}
	text_printf(&front->out,
		    "ended the mount '%s'; restart sysvisor-fs, and the containers that used it\n",
		    mount_point.path);
	return FRONT_OK;
}

int front_doctor(struct front *front, struct error *err)
{
	static const char *const words[] = { "ok", "less", "MISSING" };
	bool missing = false;

	if (front->abort)
		return doctor_abort(front, err);
	for (size_t n = 0; n < array_count(doctor_rows); n++) {
		auto_text struct text found = { 0 };
		enum doctor_verdict verdict = doctor_rows[n].look(front, &found);

		text_printf(&front->out, "%-8s %-20s %s\n", words[verdict], doctor_rows[n].what,
			    text_str(&found));
		if (verdict != DOCTOR_fine)
			text_printf(&front->out, "%-8s %-20s %s\n", "", "", doctor_rows[n].remedy);
		missing |= verdict == DOCTOR_missing;
	}
	return missing ? FRONT_FAILED : FRONT_OK;
}
