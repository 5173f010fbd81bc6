/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trapped - makes calls in a system container that sysvisor-fs makes for it, and says what came of
 * them. Static, so that it runs in any image.
 *
 *	trapped race TURNS     another thread changes what the call points to while it is looked at
 *	trapped loop SECONDS   mounts, looks, unmounts
 *	trapped api            the mount calls of Linux 5.2, and their ways to a procfs
 *	trapped flags          of mount(2), by which the filter knows what isn't to be trapped
 *	trapped openat2        with RESOLVE_NO_XDEV
 *	trapped i386           by the entry of 32-bit programs
 *	trapped sysinfo        as sysinfo(2) tells it: MiB in all, seconds
 *	trapped wedge [kill]   a mount that never comes back, one meanwhile, and who makes it, who
 *is killed by root of the container trapped thread         by a thread that has a mount namespace
 *of its own trapped many COUNT     COUNT threads that mount at a time trapped cost CALL N    what
 *one of N calls takes: umount, openat2, openat2/cwd, getppid
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FUSE_MAGIC 0x65735546
#define PROC_MAGIC 0x9fa0

static long magic(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) < 0 ? -1 : (long)fs.f_type;
}

static double now(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* What is mounted there: a procfs has our files on it, or something is wrong. */
static bool shows_kernels(const char *place)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/meminfo", place);
	return magic(place) == PROC_MAGIC && magic(path) != FUSE_MAGIC;
}

/* --- race --- */

static char shared_type[16], shared_path[64];
static atomic_bool over;

static void *flip(void *unused)
{
	while (!atomic_load(&over)) {
		memcpy(shared_type, "proc\0", 6);
		memcpy(shared_path, "/proc/meminfo", 14);
		atomic_signal_fence(memory_order_seq_cst); /* both are meant */
		memcpy(shared_type, "tmpfs", 6);
		memcpy(shared_path, "/race", 6);
		atomic_signal_fence(memory_order_seq_cst);
	}
	return unused;
}

static int race(int turns)
{
	int mounted = 0, procs = 0, kernels = 0, bared = 0;
	pthread_t thread;

	mkdir("/race", 0755);
	if (pthread_create(&thread, NULL, flip, NULL))
		return 1;
	for (int n = 0; n < turns; n++) {
		if (mount("none", "/race", shared_type, 0, NULL) == 0) {
			mounted++;
			procs += magic("/race") == PROC_MAGIC;
			kernels += shows_kernels("/race");
		}
		umount2(shared_path, 0);
		bared += magic("/proc/meminfo") != FUSE_MAGIC;
		umount2("/race", MNT_DETACH);
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	printf("%s the kernel's procfs %d, bared files %d\n",
	       mounted && procs ? "raced:" : "NO RACE:", kernels, bared);
	return 0;
}

/* --- loop, many --- */

static int turn(const char *place)
{
	int bad = 0;

	if (mount("proc", place, "proc", 0, NULL) < 0) {
		printf("mount: %s\n", strerror(errno));
		return 1;
	}
	if (shows_kernels(place)) {
		printf("the kernel's procfs\n");
		bad++;
	}
	if (umount2(place, 0) < 0) {
		printf("umount: %s\n", strerror(errno));
		bad++;
	}
	return bad;
}

static int loop(int seconds)
{
	double until = now(CLOCK_MONOTONIC) + seconds;
	int turns = 0, bad = 0;

	mkdir("/loop", 0755);
	while (now(CLOCK_MONOTONIC) < until) {
		bad += turn("/loop");
		turns++;
	}
	printf("%s, %d errors\n", turns > 5 ? "many" : "FEW", bad);
	return bad;
}

static void *one_of_many(void *number)
{
	char place[32];
	long bad = 0;

	snprintf(place, sizeof(place), "/many%ld", (long)number);
	mkdir(place, 0755);
	for (int n = 0; n < 5; n++)
		bad += turn(place);
	return (void *)bad;
}

static int many(int count)
{
	pthread_t threads[64];
	long bad = 0;

	count = count > 64 ? 64 : count;
	for (long n = 0; n < count; n++)
		if (pthread_create(&threads[n], NULL, one_of_many, (void *)n))
			return 1;
	for (int n = 0; n < count; n++) {
		void *its;

		pthread_join(threads[n], &its);
		bad += (long)its;
	}
	printf("%ld errors\n", bad);
	return 0;
}

/* --- api --- */

static void attach(const char *title, int fd)
{
	if (fd < 0 || move_mount(fd, "", AT_FDCWD, "/api", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		printf("%s: %s\n", title, strerror(errno));
	else
		printf("%s: %s\n", title, shows_kernels("/api") ? "the kernel's" : "ours");
	umount2("/api", MNT_DETACH);
}

static int api(void)
{
	int fs = fsopen("proc", 0);

	mkdir("/api", 0755);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		printf("fsopen: %s\n", strerror(errno));
	attach("fsmount", fsmount(fs, 0, 0));
	attach("open_tree", open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE));
	attach("open_tree, all of it",
	       open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | AT_RECURSIVE));
	if (move_mount(AT_FDCWD, "/proc/meminfo", AT_FDCWD, "/api", 0) < 0)
		printf("a file of ours: %s\n", strerror(errno));
	return 0;
}

/* --- flags --- */

static void try_flags(const char *title, const char *source, const char *type, unsigned long flags)
{
	if (mount(source, "/flags", type, flags, NULL) < 0)
		printf("%s: %s\n", title, strerror(errno));
	else
		printf("%s: %s\n", title,
		       magic("/flags") != PROC_MAGIC ? "no procfs"
		       : shows_kernels("/flags")     ? "the kernel's"
						     : "ours");
	umount2("/flags", MNT_DETACH);
}

static int try_all_flags(void)
{
	const unsigned long old = 0xc0ed0000; /* MS_MGC_VAL has MS_PRIVATE and MS_SLAVE in it */

	mkdir("/flags", 0755);
	try_flags("fresh", "proc", "proc", 0);
	try_flags("fresh, old", "proc", "proc", old);
	try_flags("fresh, all of it", "proc", "proc", MS_REC);
	try_flags("fresh, upper half", "proc", "proc", 1UL << 40);
	try_flags("copy", "/proc", NULL, MS_BIND);
	try_flags("copy, old", "/proc", NULL, MS_BIND | old);
	try_flags("copy, private", "/proc", NULL, MS_BIND | MS_PRIVATE);
	try_flags("copy of all of it", "/proc", NULL, MS_BIND | MS_REC);
	try_flags("copy of all of it, old", "/proc", NULL, MS_BIND | MS_REC | old);
	return 0;
}

/* --- openat2 --- */

static void open_across(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	char text[32] = "";

	if (fd < 0) {
		printf("%s: %s\n", path, strerror(errno));
		return;
	}
	if (!(flags & O_PATH) && read(fd, text, sizeof(text) - 1) > 0)
		text[strcspn(text, "\n")] = '\0';
	printf("%s: %s%s%s\n", path, text, flags & O_PATH ? "a path" : "",
	       fcntl(fd, F_GETFD) & FD_CLOEXEC ? ", close on exec" : "");
	close(fd);
}

static int try_openat2(void)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY);

	open_across(proc, "sys/kernel/panic", O_RDONLY | O_CLOEXEC, RESOLVE_NO_XDEV);
	open_across(proc, "sys/kernel/panic", O_PATH, RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
	open_across(proc, "sys/kernel/panic", O_RDONLY, RESOLVE_BENEATH);
	open_across(AT_FDCWD, "/proc/sys/kernel/panic", O_RDONLY, RESOLVE_NO_XDEV);
	open_across(proc, "sys/kernel/nosuch", O_RDONLY, RESOLVE_NO_XDEV);
	return 0;
}

/* --- i386 --- */

#ifdef __x86_64__
static long call32(long number, const void *a, const void *b, const void *c, long d)
{
	long result = number;

	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(a), "c"(b), "d"(c), "S"(d), "D"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

/* mount and umount2, mount, oldumount of arch/x86/entry/syscalls/syscall_32.tbl */
static int i386(void)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long r;

	if (low == MAP_FAILED)
		return 1;
	mkdir("/i386", 0755);
	memcpy(low, "proc", 5);
	memcpy(low + 16, "/i386", 6);
	memcpy(low + 32, "/proc/meminfo", 14);
	r = call32(21, low, low + 16, low, 0);
	printf("mount %ld: %s\n", r, shows_kernels("/i386") ? "the kernel's" : "ours");
	printf("umount of ours %ld %ld\n", call32(22, low + 32, NULL, NULL, 0),
	       call32(52, low + 32, NULL, NULL, 0));
	printf("umount %ld\n", call32(22, low + 16, NULL, NULL, 0));
	return 0;
}
#else
static int i386(void)
{
	printf("skip\n");
	return 0;
}
#endif

/* --- thread --- */

static void *thread_turn(void *unused)
{
	if (unshare(CLONE_FS | CLONE_NEWNS) < 0 || mount("t", "/thread", "tmpfs", 0, NULL) < 0) {
		printf("thread: %s\n", strerror(errno));
		return unused;
	}
	mkdir("/thread/proc", 0755);
	printf("thread: %s, %d errors\n", magic("/thread") == TMPFS_MAGIC ? "its own" : "NONE",
	       turn("/thread/proc"));
	return unused;
}

static int try_thread(void)
{
	pthread_t thread;
	long before;

	mkdir("/thread", 0755);
	before = magic("/thread");
	if (pthread_create(&thread, NULL, thread_turn, NULL) || pthread_join(thread, NULL))
		return 1;
	printf("process: %s\n", magic("/thread") == before ? "nothing" : "ITS MOUNT");
	return 0;
}

/* --- wedge --- */

/* Whether root of the container can look into a process, or take it over. */
static int look_into(pid_t pid)
{
	static const char *const files[] = { "mem", "environ", "maps", "root", "fd", "fdinfo" };
	char path[64], byte;
	struct iovec to = { &byte, 1 }, from = { &byte, 1 };
	int opened = 0, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	for (size_t n = 0; n < sizeof(files) / sizeof(*files); n++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[n]);
		fd = open(path, O_RDONLY);
		/* What opens may still refuse to be read. */
		if (fd >= 0 && (n > 2 || read(fd, &byte, 1) > 0 || errno == EIO)) {
			printf("OPEN: %s\n", path);
			opened++;
		}
		close(fd);
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 || errno != EPERM) {
		printf("OPEN: ptrace: %s\n", strerror(errno));
		opened++;
	}
	if (process_vm_readv(pid, &to, 1, &from, 1, 0) >= 0 || errno != EPERM) {
		printf("OPEN: process_vm_readv: %s\n", strerror(errno));
		opened++;
	}
	if (syscall(SYS_pidfd_getfd, pidfd, 0, 0) >= 0 || errno != EPERM) {
		printf("OPEN: pidfd_getfd: %s\n", strerror(errno));
		opened++;
	}
	close(pidfd);
	return opened;
}

/* What makes calls of ours; the sum of what `with` returns of each. */
static int each_of_ours(int (*with)(pid_t pid), int *ret_count)
{
	DIR *all = opendir("/proc");
	const struct dirent *one;
	int sum = 0;

	*ret_count = 0;
	while (all && (one = readdir(all))) {
		char path[300], comm[32] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/comm", one->d_name);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, comm, sizeof(comm) - 1) > 0 &&
		    strcmp(comm, "sysvisor-fs\n") == 0) {
			(*ret_count)++;
			sum += with((pid_t)strtol(one->d_name, NULL, 10));
		}
		close(fd);
	}
	if (all)
		closedir(all);
	return sum;
}

static void look_into_ours(const char *title)
{
	int seen, opened = each_of_ours(look_into, &seen);

	printf("%s: %d, %d open\n", title, seen, opened);
}

static int end_it(pid_t pid)
{
	return kill(pid, SIGKILL) == 0;
}

static void *stuck(void *unused)
{
	double before = now(CLOCK_MONOTONIC);
	int code = mount("t", "/wedge/inner", "tmpfs", 0, NULL) < 0 ? errno : 0;

	printf("stuck: %s, %s\n", strerror(code),
	       now(CLOCK_MONOTONIC) - before < 8 ? "soon" : "LATE");
	return unused;
}

static int wedge(bool ends)
{
	int fd = open("/dev/fuse", O_RDWR);
	pthread_t thread;
	char options[64];
	double before;
	int bad, seen;

	mkdir("/wedge", 0755);
	mkdir("/other", 0755);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || mount("f", "/wedge", "fuse", 0, options) < 0) {
		printf("fuse: %s\n", strerror(errno));
		return 1;
	}
	/* Nobody answers the kernel's first request: whoever goes in waits. */
	if (pthread_create(&thread, NULL, stuck, NULL))
		return 1;
	usleep(100000);
	look_into_ours("who makes it");
	before = now(CLOCK_MONOTONIC);
	bad = turn("/other");
	printf("another: %d errors, %s\n", bad,
	       now(CLOCK_MONOTONIC) - before < 1 ? "soon" : "LATE");
	if (ends)
		printf("killed from inside: %d\n", each_of_ours(end_it, &seen));
	pthread_join(thread, NULL);
	usleep(100000);
	look_into_ours("left");
	umount2("/wedge", MNT_DETACH);
	return 0;
}

/* --- cost --- */

static void cost_umount(void)
{
	umount2("/nosuch", 0);
}

static void cost_remount(void)
{
	mount(NULL, "/cost", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL);
}

static void cost_bind(void)
{
	mount("/cost", "/cost", NULL, MS_BIND, NULL);
	umount2("/cost", MNT_DETACH);
}

static void cost_rbind(void)
{
	mount("/cost", "/cost", NULL, MS_BIND | MS_REC, NULL);
	umount2("/cost", MNT_DETACH);
}

static void cost_proc(void)
{
	mount("proc", "/cost", "proc", 0, NULL);
	umount2("/cost", MNT_DETACH);
}

static void cost_openat2(void)
{
	static int proc = -1;
	struct open_how how = { .flags = O_RDONLY };

	if (proc < 0)
		proc = open("/proc", O_PATH | O_DIRECTORY);
	syscall(SYS_openat2, proc, "nosuch", &how, sizeof(how));
}

static void cost_openat2_cwd(void)
{
	struct open_how how = { .flags = O_RDONLY };

	syscall(SYS_openat2, AT_FDCWD, "nosuch", &how, sizeof(how));
}

static void cost_getppid(void)
{
	syscall(SYS_getppid);
}

static const struct {
	const char *name;
	void (*call)(void);
} costs[] = {
	{ "umount", cost_umount },
	{ "remount", cost_remount },
	{ "bind", cost_bind },
	{ "rbind", cost_rbind },
	{ "proc", cost_proc },
	{ "openat2", cost_openat2 },
	{ "openat2/cwd", cost_openat2_cwd },
	{ "getppid", cost_getppid },
};

static int cost(const char *name, int turns)
{
	size_t row = 0;
	double real;

	while (row < sizeof(costs) / sizeof(*costs) && strcmp(costs[row].name, name) != 0)
		row++;
	if (row == sizeof(costs) / sizeof(*costs))
		return 2;
	mkdir("/cost", 0755);
	mount("t", "/cost", "tmpfs", 0, NULL);
	real = now(CLOCK_MONOTONIC);
	for (int n = 0; n < turns; n++)
		costs[row].call();
	printf("%.2f us\n", (now(CLOCK_MONOTONIC) - real) / turns * 1e6);
	umount2("/cost", MNT_DETACH);
	return 0;
}

static int tell_sysinfo(void)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return 1;
	printf("%llu MiB, %s\n", (unsigned long long)info.totalram * info.mem_unit >> 20,
	       info.uptime < 600 ? "just started" : "long up");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned long number = 0;

	for (const char *digit = argc > 2 ? argv[argc - 1] : ""; *digit; digit++)
		number = number * 10 + (unsigned long)(*digit - '0');
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(what, "race") == 0)
		return race((int)number);
	if (strcmp(what, "loop") == 0)
		return loop((int)number);
	if (strcmp(what, "many") == 0)
		return many((int)number);
	if (strcmp(what, "api") == 0)
		return api();
	if (strcmp(what, "flags") == 0)
		return try_all_flags();
	if (strcmp(what, "openat2") == 0)
		return try_openat2();
	if (strcmp(what, "i386") == 0)
		return i386();
	if (strcmp(what, "sysinfo") == 0)
		return tell_sysinfo();
	if (strcmp(what, "thread") == 0)
		return try_thread();
	if (strcmp(what, "wedge") == 0)
		return wedge(argc > 2 && strcmp(argv[2], "kill") == 0);
	if (strcmp(what, "cost") == 0 && argc > 3)
		return cost(argv[2], (int)number);
	return 2;
}
