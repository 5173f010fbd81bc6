/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"

#define INSIDE_READ_BYTES (64u << 10)
#define INSIDE_ENTRIES	  65536
#define INSIDE_NET	  "net" /* the namespace, and what is its below /proc/sys */

static const struct {
	const char *name;
	int flag;
	const char *trees; /* below /proc/sys that are its, between blanks */
} inside_namespaces[NAMESPACE_COUNT] = {
	[NAMESPACE_net] = { INSIDE_NET, CLONE_NEWNET, INSIDE_NET },
	[NAMESPACE_ipc] = { "ipc", CLONE_NEWIPC, "kernel fs" },
	[NAMESPACE_uts] = { "uts", CLONE_NEWUTS, "kernel" },
};

int inside_open(struct inside *inside, struct error *err)
{
	*inside = (struct inside){ .sys_fd = -1, .namespaces = { -1, -1, -1 } };
	inside->sys_fd = open("/proc/sys", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (inside->sys_fd < 0)
		return error_errno(err, errno, "open '/proc/sys'");
	for (size_t n = 0; n < NAMESPACE_COUNT; n++) {
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", inside_namespaces[n].name);
		inside->namespaces[n] = open(path, O_RDONLY | O_CLOEXEC);
		if (inside->namespaces[n] < 0)
			return error_errno(err, errno, "open '%s'", path);
	}
	return 0;
}

void inside_close(struct inside *inside)
{
	auto_close_fd(&inside->sys_fd);
	for (size_t n = 0; n < NAMESPACE_COUNT; n++)
		auto_close_fd(&inside->namespaces[n]);
}

/* Groups of the daemon must not open what the container's root can't. Raw calls: glibc's would
 * change every thread. */
int inside_prepare_thread(struct error *err)
{
	if (syscall(SYS_setgroups, 0, NULL) < 0)
		return error_errno(err, errno, "drop supplementary groups");
	return 0;
}

static bool inside_concerns(size_t n, struct slice path)
{
	struct slice trees = slice_of(inside_namespaces[n].trees), tree, first = path, rest = path;

	slice_cut(&rest, '/', &first);
	while (slice_next(&trees, ' ', &tree))
		if (slice_eq(tree, first))
			return true;
	return false;
}

/* Back to where and who we are. A thread that can't is of no use to anybody: the next server takes
 * over. */
static void inside_leave(const struct inside *inside, struct slice path, size_t entered)
{
	if (syscall(SYS_setresuid, -1, 0, -1) < 0 || syscall(SYS_setresgid, -1, 0, -1) < 0)
		abort();
	for (size_t n = 0; n < entered; n++)
		if (inside_concerns(n, path) &&
		    setns(inside->namespaces[n], inside_namespaces[n].flag) < 0)
			abort();
}

/* Of what the thread may do, CAP_NET_ADMIN alone takes effect. */
static int inside_keep_net_admin(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	data[0].effective = 1u << CAP_NET_ADMIN;
	data[1].effective = 0;
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* The effective ids alone: capabilities go with them, and come back with them. */
static int inside_become(const struct container *container, bool of_network)
{
	if (syscall(SYS_setresgid, -1, container->origin.gid, -1) < 0 ||
	    syscall(SYS_setresuid, -1, container->origin.uid, -1) < 0)
		return -errno;
	return of_network ? inside_keep_net_admin() : 0;
}

static int inside_enter(const struct inside *inside, const struct container *container,
			struct slice path, bool as_root)
{
	int r;

	for (size_t n = 0; n < NAMESPACE_COUNT; n++) {
		int code;

		if (!inside_concerns(n, path))
			continue;
		if (container->namespaces[n] >= 0 &&
		    setns(container->namespaces[n], inside_namespaces[n].flag) == 0)
			continue;
		code = container->namespaces[n] < 0 ? ESTALE : errno;
		inside_leave(inside, path, n);
		return -code;
	}
	r = as_root ? 0 : inside_become(container, inside_concerns(NAMESPACE_net, path));
	if (r < 0)
		inside_leave(inside, path, NAMESPACE_COUNT);
	return r;
}

/* Never leaves /proc/sys: neither by links nor into what is mounted there. */
static int inside_open_at(const struct inside *inside, struct slice path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	char name[4096];
	int fd;

	if (path.bytes >= sizeof(name))
		return -ENAMETOOLONG;
	slice_copy(path.bytes ? path : SLICE("."), name, sizeof(name));
	fd = (int)syscall(SYS_openat2, inside->sys_fd, name, &how, sizeof(how));
	if (fd < 0)
		return errno == EXDEV ? -ENOENT : -errno;
	return fd;
}

/* What is done with an open key, in the namespaces. */
struct inside_work {
	int (*run)(struct inside_work *work, int fd);
	int flags;
	bool as_root;
	struct stat *info;
	struct text *text;
	struct slice value;
	void (*found)(struct slice name, unsigned char type, void *owner);
	void *owner;
};

static int inside_run(const struct inside *inside, struct slice path, struct inside_work *work)
{
	auto_fd int fd = inside_open_at(inside, path, work->flags);

	return fd < 0 ? fd : work->run ? work->run(work, fd) : 0;
}

/* What is the user namespace's: a thread can't step into one. */
static bool inside_is_user(struct slice path)
{
	return slice_starts(path, SLICE("user/"));
}

static int inside_read_child(int pipe_fd, struct text *text)
{
	char bytes[256];
	ssize_t n;

	while ((n = read(pipe_fd, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && text)
			text_put(text, (struct slice){ bytes, (size_t)n });
	return n < 0 ? -errno : 0;
}

/* In a child that lives for this alone: its status is the errno, what it read comes by a pipe. */
static int inside_do_in_child(const struct inside *inside, const struct container *container,
			      struct slice path, struct inside_work *work)
{
	size_t before = work->text ? work->text->bytes : 0;
	int fds[2], status, r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		r = setns(container->user_namespace, CLONE_NEWUSER) < 0
			    ? -errno
			    : inside_run(inside, path, work);
		if (r == 0 && work->text)
			r = file_write_all(fds[1], slice_skip(text_slice(work->text), before));
		_exit(-r);
	}
	close(fds[1]);
	r = pid < 0 ? -EAGAIN : inside_read_child(fds[0], work->text);
	close(fds[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0 || pid < 0)
		return r;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int inside_do(const struct inside *inside, const struct container *container,
		     struct slice path, struct inside_work *work)
{
	int r;

	if (inside_is_user(path) && !(work->flags & O_PATH))
		return inside_do_in_child(inside, container, path, work);
	r = inside_enter(inside, container, path, work->as_root);
	if (r < 0)
		return r;
	r = inside_run(inside, path, work);
	inside_leave(inside, path, NAMESPACE_COUNT);
	return r;
}

static int inside_run_stat(struct inside_work *work, int fd)
{
	return fstat(fd, work->info) < 0 ? -errno : 0;
}

static int inside_run_read(struct inside_work *work, int fd)
{
	size_t before = work->text->bytes;

	for (;;) {
		char *room = text_reserve(work->text, 4096);
		ssize_t n;

		if (!room)
			return -ENOMEM;
		n = read(fd, room, 4096);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		work->text->bytes += (size_t)n;
		if (work->text->bytes - before > INSIDE_READ_BYTES)
			return -EFBIG;
	}
}

static int inside_run_write(struct inside_work *work, int fd)
{
	ssize_t n = write(fd, work->value.at, work->value.bytes);

	return n < 0 ? -errno : 0;
}

static int inside_run_list(struct inside_work *work, int fd)
{
	int own = dup(fd);
	DIR *directory = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;

	if (!directory) {
		int code = errno;

		auto_close_fd(&own);
		return -code;
	}
	for (size_t n = 0; n < INSIDE_ENTRIES && (entry = readdir(directory)); n++)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			work->found(slice_of(entry->d_name), entry->d_type, work->owner);
	closedir(directory);
	return 0;
}

int inside_stat(const struct inside *inside, const struct container *container, struct slice path,
		struct stat *ret_info)
{
	struct inside_work work = { .run = inside_run_stat, .flags = O_PATH, .info = ret_info };

	return inside_do(inside, container, path, &work);
}

int inside_may_open(const struct inside *inside, const struct container *container,
		    struct slice path, int flags)
{
	struct inside_work work = { .flags = flags & O_ACCMODE };

	return inside_do(inside, container, path, &work);
}

int inside_read(const struct inside *inside, const struct container *container, struct slice path,
		struct text *text)
{
	struct inside_work work = { .run = inside_run_read, .flags = O_RDONLY, .text = text };

	return inside_do(inside, container, path, &work);
}

int inside_write(const struct inside *inside, const struct container *container, struct slice path,
		 struct slice value, bool as_root)
{
	struct inside_work work = {
		.run = inside_run_write, .flags = O_WRONLY, .as_root = as_root, .value = value
	};

	return inside_do(inside, container, path, &work);
}

int inside_list(const struct inside *inside, const struct container *container, struct slice path,
		void (*found)(struct slice name, unsigned char type, void *owner), void *owner)
{
	struct inside_work work = { .run = inside_run_list,
				    .flags = O_RDONLY | O_DIRECTORY,
				    .found = found,
				    .owner = owner };

	return inside_do(inside, container, path, &work);
}

/* --- group ranges --- */

static bool inside_parse_groups(struct slice text, uint64_t *low, uint64_t *high)
{
	text = slice_trim(text);
	if (!slice_eat_u64(&text, low))
		return false;
	text = slice_trim(text);
	return slice_eat_u64(&text, high) && slice_trim(text).bytes == 0 && *low <= UINT32_MAX &&
	       *high <= UINT32_MAX;
}

static void inside_put_groups(uint64_t low, uint64_t high, struct text *out)
{
	text_u64(out, low, 0);
	text_putc(out, '\t');
	text_u64(out, high, 0);
	text_putc(out, '\n');
}

bool inside_groups_inner(struct slice outer, uint32_t gid, uint32_t count, struct text *out)
{
	uint64_t low, high;

	if (!inside_parse_groups(outer, &low, &high))
		return false;
	if (low > high) {
		inside_put_groups(1, 0, out);
		return true;
	}
	/* What he can't have is not his to see. */
	if (low < gid)
		low = gid;
	if (high >= (uint64_t)gid + count)
		high = (uint64_t)gid + count - 1;
	if (low > high)
		inside_put_groups(1, 0, out);
	else
		inside_put_groups(low - gid, high - gid, out);
	return true;
}

bool inside_groups_outer(struct slice inner, uint32_t gid, uint32_t count, struct text *out)
{
	uint64_t low, high;

	if (count == 0 || !inside_parse_groups(inner, &low, &high))
		return false;
	if (low > high) {
		inside_put_groups(1, 0, out);
		return true;
	}
	if (low >= count)
		return false;
	if (high >= count)
		high = count - 1;
	inside_put_groups(gid + low, gid + high, out);
	return true;
}
