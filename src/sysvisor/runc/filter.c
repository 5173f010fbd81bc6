/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "sysvisor/common/trapped.h"

#define FILTER_WAIT_KILLABLE (1u << 5) /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19 */

struct filter_name {
	const char *name;
	uint32_t value;
};

/* SECCOMP_RET_* by OCI's names; those with a number take errnoRet. */
static const struct filter_name filter_actions[] = {
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
};

static const struct filter_name filter_operators[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
};

static const struct filter_name filter_flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", FILTER_WAIT_KILLABLE },
};

/* What root of a user namespace may do there, and programs such as Docker and systemd need. */
static const char *const filter_inner[] = {
	"mount",
	"umount",
	"umount2",
	"pivot_root",
	"setns",
	"unshare",
	"clone",
	"clone3",
	"keyctl",
	"add_key",
	"request_key",
	"sethostname",
	"setdomainname",
	"gethostname",
	"close_range",
	"openat2",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"open_tree",
	"move_mount",
	"mount_setattr",
	"chroot",
	"quotactl",
	"name_to_handle_at",
	"open_by_handle_at",
	"bpf",
	"perf_event_open",
	"syslog",
	"process_vm_readv",
	"process_vm_writev",
	"kcmp",
	"ptrace",
	"fanotify_init",
	"pidfd_getfd",
	"statmount",
	"listmount",
	"lookup_dcookie",
};

static bool filter_find(const struct filter_name *names, size_t count, const char *name,
			uint32_t *ret)
{
	for (size_t n = 0; n < count; n++)
		if (strcmp(names[n].name, name) == 0) {
			*ret = names[n].value;
			return true;
		}
	return false;
}

static int filter_action(const char *name, const struct spec_number *errno_ret, uint32_t *ret,
			 struct error *err)
{
	uint32_t number = errno_ret->set ? (uint32_t)errno_ret->value & 0xffff : EPERM;

	if (!filter_find(filter_actions, array_count(filter_actions), name, ret))
		return error_say(err, EINVAL,
				 "config.json: linux.seccomp: action '%.40s' is not known", name);
	if (*ret == SCMP_ACT_ERRNO(0) || *ret == SCMP_ACT_TRACE(0))
		*ret |= number;
	return 0;
}

/* --- architectures --- */

static int filter_add_architectures(scmp_filter_ctx ctx, const struct spec_words *names,
				    struct error *err)
{
	for (size_t n = 0; n < names->count; n++) {
		const char *name = names->at[n];
		char lower[32];
		uint32_t token;
		size_t bytes;
		int r;

		if (strncmp(name, "SCMP_ARCH_", 10) == 0)
			name += 10;
		bytes = slice_copy(slice_of(name), lower, sizeof(lower));
		for (size_t m = 0; m < bytes; m++)
			lower[m] = (char)(lower[m] >= 'A' && lower[m] <= 'Z' ? lower[m] + 32
									     : lower[m]);
		token = seccomp_arch_resolve_name(lower);
		if (token == 0)
			return error_say(
				err, EINVAL,
				"config.json: linux.seccomp.architectures[%zu]: '%.40s' is "
				"not known",
				n, names->at[n]);
		r = seccomp_arch_add(ctx, token);
		if (r < 0 && r != -EEXIST)
			return error_errno(err, -r, "filter architecture '%s'", lower);
	}
	return 0;
}

/* --- rules --- */

static int filter_read_args(const struct spec_seccomp_call *call, struct scmp_arg_cmp *ret,
			    struct error *err)
{
	const struct spec_seccomp_arg *arg;
	size_t n = 0;

	if (call->args.count > 6)
		return error_say(err, EINVAL, "config.json: linux.seccomp: more than 6 arguments");
	spec_each(&call->args, arg) {
		uint32_t op = 0;

		if (!filter_find(filter_operators, array_count(filter_operators), arg->op, &op) ||
		    arg->index.value < 0 || arg->index.value > 5)
			return error_say(
				err, EINVAL,
				"config.json: linux.seccomp: argument %lld with '%.40s' is "
				"not known",
				(long long)arg->index.value, arg->op);
		/* A masked comparison is told mask and value, the others value alone. */
		ret[n++] = (struct scmp_arg_cmp){ (unsigned int)arg->index.value,
						  (enum scmp_compare)op, (uint64_t)arg->value.value,
						  (uint64_t)arg->value_two.value };
	}
	return 0;
}

static int filter_add_rule(scmp_filter_ctx ctx, uint32_t action, const char *name,
			   const struct scmp_arg_cmp *args, unsigned int count, struct error *err)
{
	int number = seccomp_syscall_resolve_name(name), r;

	/* Engines list calls of newer kernels than libseccomp knows: nobody can make those calls by
	 * a name, and the default action meets them. */
	if (number == __NR_SCMP_ERROR)
		return 0;
	r = seccomp_rule_add_array(ctx, action, number, count, args);
	/* -EACCES: the same as the default action; -EDOM: not on this architecture. */
	if (r == 0 || r == -EACCES || r == -EDOM || r == -EEXIST)
		return 0;
	return error_errno(err, -r, "filter system call '%s'", name);
}

/* Two conditions on one argument of a call are alternatives, and rules of their own. */
static bool filter_args_repeat(const struct scmp_arg_cmp *args, size_t count)
{
	for (size_t n = 0; n < count; n++)
		for (size_t m = 0; m < n; m++)
			if (args[n].arg == args[m].arg)
				return true;
	return false;
}

static int filter_add_name(scmp_filter_ctx ctx, uint32_t action, const char *name,
			   const struct scmp_arg_cmp *args, size_t count, struct error *err)
{
	int r = 0;

	if (!filter_args_repeat(args, count))
		return filter_add_rule(ctx, action, name, args, (unsigned int)count, err);
	for (size_t n = 0; n < count && r == 0; n++)
		r = filter_add_rule(ctx, action, name, &args[n], 1, err);
	return r;
}

static bool filter_is_inner(const char *name)
{
	for (size_t n = 0; n < array_count(filter_inner); n++)
		if (strcmp(filter_inner[n], name) == 0)
			return true;
	return false;
}

/* Whether a filter is a list of what is allowed, to which we may add. */
static bool filter_is_allow_list(uint32_t action)
{
	return action != SCMP_ACT_ALLOW && action != SCMP_ACT_LOG;
}

/* The listener is sent with the filter in force. */
static int filter_check_notify(const struct spec_seccomp *spec,
			       const struct spec_seccomp_call *call, struct error *err)
{
	if (!spec->listener_path || !*spec->listener_path)
		return error_say(err, EINVAL,
				 "config.json: linux.seccomp.listenerPath: is missing; "
				 "SCMP_ACT_NOTIFY needs somebody who listens");
	for (size_t n = 0; n < call->names.count; n++)
		if (strcmp(call->names.at[n], "sendmsg") == 0)
			return error_say(err, EINVAL,
					 "config.json: linux.seccomp: SCMP_ACT_NOTIFY can't be for "
					 "'sendmsg', which the listener itself is sent with");
	return 0;
}

static int filter_add_call(scmp_filter_ctx ctx, const struct spec_seccomp_call *call, bool relax,
			   struct error *err)
{
	struct scmp_arg_cmp args[6] = { 0 };
	uint32_t action = 0;
	int r = filter_action(call->action, &call->errno_ret, &action, err);

	if (r == 0)
		r = filter_read_args(call, args, err);
	for (size_t n = 0; n < call->names.count && r == 0; n++)
		if (!relax || !filter_is_inner(call->names.at[n]))
			r = filter_add_name(ctx, action, call->names.at[n], args, call->args.count,
					    err);
	return r;
}

static int filter_build(scmp_filter_ctx ctx, const struct spec_seccomp *spec, bool relax,
			struct filter *filter, struct error *err)
{
	const struct spec_seccomp_call *call;
	int r = filter_add_architectures(ctx, &spec->architectures, err);

	/* The process sets no_new_privs itself, where it is asked for. */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (r == 0 && relax)
		for (size_t n = 0; n < array_count(filter_inner) && r == 0; n++)
			r = filter_add_rule(ctx, SCMP_ACT_ALLOW, filter_inner[n], NULL, 0, err);
	if (r < 0)
		return r;
	spec_each(&spec->calls, call) {
		r = filter_add_call(ctx, call, relax, err);
		if (r == 0 && strcmp(call->action, "SCMP_ACT_NOTIFY") == 0) {
			filter->listens = true;
			r = filter_check_notify(spec, call, err);
		}
		if (r < 0)
			return r;
	}
	/* A tree instead of a chain of comparisons. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return 0;
}

/* libseccomp 2.5 writes its program to an fd only. */
static int filter_export(scmp_filter_ctx ctx, struct filter *filter, struct error *err)
{
	auto_fd int fd = memfd_create("filter", MFD_CLOEXEC);
	off_t bytes;
	int r;

	if (fd < 0)
		return error_errno(err, errno, "compile the system call filter");
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return error_errno(err, -r, "compile the system call filter");
	bytes = lseek(fd, 0, SEEK_END);
	filter->program.filter = malloc((size_t)bytes);
	if (bytes < 0 || !filter->program.filter ||
	    pread(fd, filter->program.filter, (size_t)bytes, 0) != bytes)
		return error_errno(err, EIO, "compile the system call filter");
	filter->program.len = (unsigned short)((size_t)bytes / sizeof(struct sock_filter));
	return 0;
}

int filter_compile(const struct spec_seccomp *spec, bool is_plain, struct filter *ret_filter,
		   struct error *err)
{
	uint32_t action = 0, flag;
	scmp_filter_ctx ctx;
	int r;

	*ret_filter = (struct filter){ 0 };
	if (!spec->given)
		return 0;
	if (spec->listener_metadata && !spec->listener_path)
		return error_say(
			err, EINVAL,
			"config.json: linux.seccomp.listenerMetadata: is for nobody; there "
			"is no listenerPath");
	r = filter_action(spec->default_action, &spec->default_errno, &action, err);
	if (r < 0)
		return r;
	for (size_t n = 0; n < spec->flags.count; n++) {
		if (!filter_find(filter_flags, array_count(filter_flags), spec->flags.at[n], &flag))
			return error_say(
				err, EINVAL,
				"config.json: linux.seccomp.flags[%zu]: '%.60s' is not known", n,
				spec->flags.at[n]);
		/* One thread: nothing to keep in step. */
		ret_filter->flags |= flag & ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC;
	}
	if (action == SCMP_ACT_NOTIFY)
		return error_say(
			err, EINVAL,
			"config.json: linux.seccomp.defaultAction: can't be "
			"SCMP_ACT_NOTIFY: the process would wait for an answer to the call "
			"that sends its listener");
	ctx = seccomp_init(action);
	if (!ctx)
		return error_errno(err, ENOMEM, "compile the system call filter");
	r = filter_build(ctx, spec, !is_plain && filter_is_allow_list(action), ret_filter, err);
	if (r == 0)
		r = filter_export(ctx, ret_filter, err);
	seccomp_release(ctx);
	return r;
}

/* --- the calls that sysvisor-fs makes --- */

#define FILTER_NEGATIVE	   0x80000000u /* AT_FDCWD is, descriptors are not */
#define FILTER_PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)
#define FILTER_OLD_MASK	   0xffff0000u /* MS_MGC_MSK */
#define FILTER_OLD_VALUE   0xc0ed0000u /* MS_MGC_VAL */

/* Programs of another width make their calls by other numbers. */
static const uint32_t filter_other_widths[] = {
#if defined(__x86_64__)
	SCMP_ARCH_X86,
	SCMP_ARCH_X32,
#elif defined(__aarch64__)
	SCMP_ARCH_ARM,
#endif
};

/* What can be seen in registers isn't trapped where it concerns nobody: mount(2) that copies a
 * whole tree, with all that we show in it, or changes propagation alone; openat2(2) from the
 * working directory, since who makes sure of procfs holds it by a descriptor. Those of a call are
 * alternatives. The kernel forgets the upper flags of mount(2) where they say what they had to say
 * before Linux 2.4 (fs/namespace.c, path_mount()): there is no propagation in them. */
static const struct filter_case {
	const char *name;
	struct scmp_arg_cmp arg;
} filter_cases[] = {
	{ "mount", { 3, SCMP_CMP_MASKED_EQ, MS_REMOUNT, MS_REMOUNT } },
	{ "mount", { 3, SCMP_CMP_MASKED_EQ, MS_BIND | MS_REC, MS_BIND } },
	{ "mount", { 3, SCMP_CMP_MASKED_EQ, MS_BIND | FILTER_PROPAGATION, 0 } },
	{ "mount", { 3, SCMP_CMP_MASKED_EQ, FILTER_OLD_MASK, FILTER_OLD_VALUE } },
	{ "openat2", { 0, SCMP_CMP_MASKED_EQ, FILTER_NEGATIVE, 0 } },
};

static int filter_trap(scmp_filter_ctx ctx, const char *name, struct error *err)
{
	bool any = false;
	int r = 0;

	for (size_t n = 0; n < array_count(filter_cases) && r == 0; n++) {
		if (strcmp(filter_cases[n].name, name) != 0)
			continue;
		any = true;
		r = filter_add_rule(ctx, SCMP_ACT_NOTIFY, name, &filter_cases[n].arg, 1, err);
	}
	return any ? r : filter_add_rule(ctx, SCMP_ACT_NOTIFY, name, NULL, 0, err);
}

static int filter_build_traps(scmp_filter_ctx ctx, unsigned int options, struct error *err)
{
	int r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);

	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	for (size_t n = 0; n < array_count(filter_other_widths) && r == 0; n++)
		r = seccomp_arch_add(ctx, filter_other_widths[n]);
	if (r < 0)
		return error_errno(err, -r, "compile the filter of trapped calls");
	for (size_t n = 0; n < trapped_count && r == 0; n++) {
		const struct trapped_row *row = &trapped_rows[n];

		if (row->when == TRAPPED_always || row->when & options)
			r = filter_trap(ctx, row->name, err);
	}
	return r;
}

int filter_compile_traps(unsigned int options, struct filter *ret_filter, struct error *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	*ret_filter = (struct filter){ .flags = FILTER_WAIT_KILLABLE, .listens = true };
	if (!ctx)
		return error_errno(err, ENOMEM, "compile the filter of trapped calls");
	r = filter_build_traps(ctx, options, err);
	if (r == 0)
		r = filter_export(ctx, ret_filter, err);
	seccomp_release(ctx);
	return r;
}

void filter_done(struct filter *filter)
{
	free(filter->program.filter);
	filter->program.filter = NULL;
}

/* --- kept for `exec` --- */

struct filter_head {
	uint32_t flags, listens;
};

int filter_save(const struct filter *filter, int dir_fd, const char *name, struct error *err)
{
	const struct filter_head head = { filter->flags, filter->listens };
	auto_fd int fd = -1;
	int r;

	if (filter->program.len == 0)
		return 0;
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno
		   : file_write_all(fd, (struct slice){ (const char *)&head, sizeof(head) });
	if (r == 0)
		r = file_write_all(
			fd, (struct slice){ (const char *)filter->program.filter,
					    filter->program.len * sizeof(struct sock_filter) });
	return r < 0 ? error_errno(err, -r, "keep the system call filter") : 0;
}

int filter_restore(int dir_fd, const char *name, struct filter *ret_filter, struct error *err)
{
	auto_text struct text text = { 0 };
	struct filter_head head;
	size_t bytes;
	int r = file_read_at(dir_fd, name, 1u << 20, &text);

	*ret_filter = (struct filter){ 0 };
	if (r == -ENOENT)
		return 0;
	bytes = r < 0 || text.bytes < sizeof(head) ? 0 : text.bytes - sizeof(head);
	if (bytes == 0 || bytes % sizeof(struct sock_filter))
		return error_say(err, EIO, "the kept system call filter can't be read");
	memcpy(&head, text.at, sizeof(head));
	ret_filter->flags = head.flags;
	ret_filter->listens = head.listens;
	ret_filter->program.filter = malloc(bytes);
	if (!ret_filter->program.filter)
		return error_errno(err, ENOMEM, "read the system call filter");
	memcpy(ret_filter->program.filter, text.at + sizeof(head), bytes);
	ret_filter->program.len = (unsigned short)(bytes / sizeof(struct sock_filter));
	return 0;
}

static int filter_set(unsigned int flags, const struct filter *filter)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter->program);
}

int filter_load(const struct filter *filter, enum channel_word word, int channel_fd,
		struct error *err)
{
	unsigned int flags =
		filter->flags | (filter->listens ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
	int fd, r;

	if (filter->program.len == 0)
		return 0;
	fd = filter_set(flags, filter);
	if (fd < 0 && errno == EINVAL && flags & FILTER_WAIT_KILLABLE)
		fd = filter_set(flags & ~FILTER_WAIT_KILLABLE, filter);
	if (fd < 0)
		return error_errno(err, errno, "load the system call filter");
	if (!filter->listens)
		return 0; /* and fd a mere 0 */
	r = channel_send(channel_fd, word, fd, err);
	close(fd);
	return r;
}
