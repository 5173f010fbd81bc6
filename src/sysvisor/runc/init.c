/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/file.h"
#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/console.h"
#include "sysvisor/runc/hooks.h"
#include "sysvisor/runc/lock.h"

#define INIT_FAILED 1

/* --- the steps, in the order of the table below --- */

static int init_wait_mapped(struct init *init, struct error *err)
{
	int r = lock_receive(init->plan, init->channel_fd, &init->places_fd, err);

	return r < 0 ? r : channel_wait(init->channel_fd, CHANNEL_mapped, &init->root_fd, err);
}

static int init_become_root(struct init *init, struct error *err)
{
	(void)init;
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_errno(err, errno, "become root inside");
	/* Who is in the container already (a shared pid namespace) may not look into us: we still
	 * hold what is the host's. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, errno, "hide from the container");
	setsid(); /* fails where we lead a session already */
	return 0;
}

static int init_name_host(struct init *init, struct error *err)
{
	const struct spec *spec = init->plan->spec;

	if (init->plan->join_fd[NAMESPACE_uts] >= 0)
		return 0;
	if (spec->hostname && *spec->hostname &&
	    sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return error_errno(err, errno, "set hostname '%s'", spec->hostname);
	if (spec->domainname && *spec->domainname &&
	    setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
		return error_errno(err, errno, "set domainname '%s'", spec->domainname);
	return 0;
}

static void init_offset(struct text *lines, const char *clock,
			const struct spec_time_offset *offset)
{
	if (offset->secs.set || offset->nanosecs.set)
		text_printf(lines, "%s %lld %lld\n", clock, (long long)offset->secs.value,
			    (long long)offset->nanosecs.value);
}

/* The offsets can be set only while nobody is in the namespace; we enter it after. */
static int init_time(struct init *init, struct error *err)
{
	const struct spec_linux *linux_ = &init->plan->spec->linux_;
	auto_text struct text lines = { 0 };
	unsigned int flag = namespace_rows[NAMESPACE_time].clone_flag;
	auto_fd int fd = -1;
	int r;

	if (!(init->plan->clone_flags & flag))
		return 0;
	init_offset(&lines, "monotonic", &linux_->monotonic);
	init_offset(&lines, "boottime", &linux_->boottime);
	if (unshare((int)flag) < 0)
		return error_errno(err, errno, "make a time namespace");
	if (lines.bytes) {
		r = file_write("/proc/self/timens_offsets", text_slice(&lines), err);
		if (r < 0)
			return error_wrap(err, r, "linux.timeOffsets");
	}
	fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, (int)flag) < 0)
		return error_errno(err, errno, "enter the time namespace");
	return 0;
}

static int init_wait_grouped(struct init *init, struct error *err)
{
	int r = init_binds(init, err);

	if (r == 0)
		r = channel_wait(init->channel_fd, CHANNEL_grouped, NULL, err);

	if (r < 0)
		return r;
	/* Only now: the namespace's root is the group that we are in. */
	if (init->plan->clone_flags & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
		return error_errno(err, errno, "make a cgroup namespace");
	return 0;
}

static int init_hooks_create(struct init *init, struct error *err)
{
	return hooks_run("hook createContainer", &init->plan->spec->hooks.create_container,
			 init->state, STATE_creating, err);
}

static int init_console(struct init *init, struct error *err)
{
	const struct spec_process *process = &init->plan->spec->process;

	if (!process->terminal)
		return 0;
	return console_make(init->root_fd, init->console_fd, process, true, err);
}

static int init_find_program(struct init *init, struct error *err)
{
	struct plan *plan = init->plan;
	int r;

	init->process = (struct process){
		.spec = &plan->spec->process,
		.caps = plan->caps,
		.filter = init->filter,
		.traps = init->traps,
		.personality = plan->spec->linux_.personality,
		.label = plan->process_label,
		.keep_fds = init->keep_fds,
		.new_keyring = init->new_keyring,
		.id = init->state->id,
		.terminal_fd = plan->spec->process.terminal ? 0 : -1,
	};
	r = process_find(&init->process, plan->arena, err);
	return r < 0 ? r : process_prepare(&init->process, err);
}

static int init_report(struct init *init, struct error *err)
{
	/* The runtime goes now, and we stay. */
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "let the runtime go");
	return channel_send(init->channel_fd, CHANNEL_ready, -1, err);
}

struct init_step {
	const char *name; /* for the error; NULL where the step's own words say it */
	int (*take)(struct init *init, struct error *err);
};

static const struct init_step init_steps[] = {
	{ NULL, init_wait_mapped },
	{ NULL, init_time }, /* while /proc/self is ours: for root inside it no longer is */
	{ NULL, init_become_root },
	{ NULL, init_name_host },
	{ "root file system", init_attach_root },
	{ "mount", init_mount_first },
	{ "sysctl", init_sysctl }, /* before sysvisor-fs lies over them */
	{ NULL, init_wait_grouped },
	{ "mount", init_mount_rest },
	{ NULL, init_hooks_create },
	{ "terminal", init_console },
	{ "hide path", init_mask_paths },
	{ "enter the root file system", init_pivot },
	{ NULL, init_find_program },
	{ NULL, init_report },
};

static int init_make(struct init *init, struct error *err)
{
	for (size_t n = 0; n < array_count(init_steps); n++) {
		int r = init_steps[n].take(init, err);

		if (r < 0)
			return init_steps[n].name ? error_wrap(err, r, "%s", init_steps[n].name)
						  : r;
	}
	return 0;
}

/* Waits for `start` to connect. */
static int init_wait_start(struct init *init)
{
	int fd;

	if (init->start_fd < 0)
		return take_fd(&init->channel_fd); /* `run`: the runtime listens on */
	close(take_fd(&init->channel_fd));
	do {
		fd = accept4(init->start_fd, NULL, NULL, SOCK_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd;
}

void init_run(struct init *init)
{
	struct error err = { 0 };
	int reply_fd, r = init_make(init, &err);

	if (r < 0) {
		channel_fail(init->channel_fd, &err);
		_exit(INIT_FAILED);
	}
	init->process.reply_fd = reply_fd = init_wait_start(init);
	r = hooks_run("hook startContainer", &init->plan->spec->hooks.start_container, init->state,
		      STATE_created, &err);
	if (r == 0)
		(void)process_become(&init->process, &err);
	channel_fail(reply_fd, &err);
	_exit(INIT_FAILED);
}
