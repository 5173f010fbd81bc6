/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/limits.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/cgroup.h"

#define LIMITS_FILE_BYTES (64u << 10)
#define LIMITS_SLOW_NS	  NS_PER_S
#define LIMITS_IDLE_NS	  (30 * NS_PER_S)

static const char *const limits_v1_names[LIMITS_CONTROLLER_COUNT] = {
	[LIMITS_memory] = "memory", [LIMITS_cpu] = "cpu",  [LIMITS_cpuacct] = "cpuacct",
	[LIMITS_cpuset] = "cpuset", [LIMITS_io] = "blkio",
};

static const struct {
	enum limits_controller controller;
	const char *v1, *v2;
} limits_files[LIMITS_FILE_COUNT] = {
	[LIMITS_memory_stat] = { LIMITS_memory, "memory.stat", "memory.stat" },
	[LIMITS_memory_usage] = { LIMITS_memory, "memory.usage_in_bytes", "memory.current" },
	[LIMITS_swap_usage] = { LIMITS_memory, NULL, "memory.swap.current" },
	[LIMITS_cpu_usage] = { LIMITS_cpuacct, "cpuacct.stat", "cpu.stat" },
	[LIMITS_cpu_each] = { LIMITS_cpuacct, "cpuacct.usage_all", NULL },
	[LIMITS_io_bytes] = { LIMITS_io, "blkio.throttle.io_service_bytes_recursive", "io.stat" },
	[LIMITS_io_operations] = { LIMITS_io, "blkio.throttle.io_serviced_recursive", NULL },
	[LIMITS_pressure_cpu] = { LIMITS_cpu, NULL, "cpu.pressure" },
	[LIMITS_pressure_io] = { LIMITS_io, NULL, "io.pressure" },
	[LIMITS_pressure_irq] = { LIMITS_cpu, NULL, "irq.pressure" },
	[LIMITS_pressure_memory] = { LIMITS_memory, NULL, "memory.pressure" },
};

/* --- where hierarchies are --- */

/* The n-th word of a line. */
static struct slice limits_word(struct slice line, unsigned int n)
{
	struct slice word = { "", 0 };

	for (unsigned int at = 0; at <= n; at++)
		if (!slice_next(&line, ' ', &word))
			return (struct slice){ "", 0 };
	return word;
}

static bool limits_list_has(struct slice list, const char *name)
{
	struct slice one;

	while (slice_next(&list, ',', &one))
		if (slice_is(one, name))
			return true;
	return false;
}

void limits_parse_mounts(struct slice mountinfo, struct limits_mounts *ret_mounts)
{
	struct slice line;

	*ret_mounts = (struct limits_mounts){ 0 };
	while (slice_next(&mountinfo, '\n', &line)) {
		ssize_t dash = slice_find(line, SLICE(" - "));
		struct slice tail, root, point;

		if (dash < 0)
			continue;
		tail = slice_skip(line, (size_t)dash + 3);
		root = limits_word(line, 3);
		point = limits_word(line, 4);
		if (!slice_is(root, "/"))
			continue;
		if (slice_is(limits_word(tail, 0), "cgroup2") && !ret_mounts->v2[0])
			slice_copy(point, ret_mounts->v2, sizeof(ret_mounts->v2));
		for (size_t n = 0; n < LIMITS_CONTROLLER_COUNT; n++)
			if (slice_is(limits_word(tail, 0), "cgroup") &&
			    limits_list_has(limits_word(tail, 2), limits_v1_names[n]) &&
			    !ret_mounts->v1[n][0])
				slice_copy(point, ret_mounts->v1[n], sizeof(ret_mounts->v1[n]));
	}
}

/* --- a container's directories --- */

/* The path of a controller ("" for v2) in the text of /proc/PID/cgroup. */
static bool limits_find_path(struct slice proc_cgroup, const char *controller, struct slice *path)
{
	struct slice line, id, list;

	while (slice_next(&proc_cgroup, '\n', &line)) {
		if (!slice_cut(&line, ':', &id) || !slice_cut(&line, ':', &list))
			continue;
		if (controller[0] ? limits_list_has(list, controller)
				  : slice_is(id, "0") && list.bytes == 0) {
			*path = line;
			return true;
		}
	}
	return false;
}

static int limits_set_directory(struct limits *limits, size_t n, const char *mount,
				struct slice path)
{
	if (asprintf(&limits->directory[n], "%s%.*s", mount,
		     slice_is(path, "/") ? 0 : (int)path.bytes, path.at) < 0) {
		limits->directory[n] = NULL;
		return -ENOMEM;
	}
	if (asprintf(&limits->path[n], limits->v1[n] ? "1:%s:%.*s" : "0:%s:%.*s",
		     limits->v1[n] ? limits_v1_names[n] : "", SLICE_ARG(path)) < 0) {
		limits->path[n] = NULL;
		return -ENOMEM;
	}
	return 0;
}

int limits_init(struct limits *limits, const struct limits_mounts *mounts, struct slice proc_cgroup,
		struct error *err)
{
	struct slice path;
	int r = 0;

	*limits = (struct limits){ 0 };
	pthread_rwlock_init(&limits->files_lock, NULL);
	pthread_mutex_init(&limits->slow_lock, NULL);
	for (size_t n = 0; n < LIMITS_FILE_COUNT; n++)
		limits->fds[n] = -1;
	for (size_t n = 0; n < LIMITS_CONTROLLER_COUNT && r == 0; n++) {
		limits->v1[n] = mounts->v1[n][0] &&
				limits_find_path(proc_cgroup, limits_v1_names[n], &path);
		if (limits->v1[n])
			r = limits_set_directory(limits, n, mounts->v1[n], path);
		else if (mounts->v2[0] && limits_find_path(proc_cgroup, "", &path))
			r = limits_set_directory(limits, n, mounts->v2, path);
	}
	if (r < 0) {
		limits_done(limits);
		return error_errno(err, -r, "find the container's control groups");
	}
	return 0;
}

void limits_done(struct limits *limits)
{
	for (size_t n = 0; n < LIMITS_FILE_COUNT; n++)
		auto_close_fd(&limits->fds[n]);
	for (size_t n = 0; n < LIMITS_CONTROLLER_COUNT; n++) {
		free(limits->directory[n]);
		free(limits->path[n]);
		limits->directory[n] = limits->path[n] = NULL;
	}
}

void limits_rest(struct limits *limits)
{
	if (clock_mono_ns() - __atomic_load_n(&limits->used_ns, __ATOMIC_RELAXED) < LIMITS_IDLE_NS)
		return;
	pthread_rwlock_wrlock(&limits->files_lock);
	for (size_t n = 0; n < LIMITS_FILE_COUNT; n++) {
		auto_close_fd(&limits->fds[n]);
		limits->fds[n] = -1;
	}
	pthread_rwlock_unlock(&limits->files_lock);
}

const char *limits_directory(const struct limits *limits)
{
	for (size_t n = 0; n < LIMITS_CONTROLLER_COUNT; n++)
		if (limits->directory[n])
			return limits->directory[n];
	return NULL;
}

/* --- files --- */

static int limits_open(const struct limits *limits, enum limits_file file)
{
	enum limits_controller controller = limits_files[file].controller;
	const char *name = limits->v1[controller] ? limits_files[file].v1 : limits_files[file].v2;
	char path[4096];
	int fd;

	if (!limits->directory[controller] || !name)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/%s", limits->directory[controller], name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The whole of a file that the kernel writes anew for each reader. */
static int limits_read_fd(int fd, struct text *text)
{
	size_t before = text->bytes;

	for (;;) {
		char *room = text_reserve(text, 4096);
		ssize_t n;

		if (!room)
			return -ENOMEM;
		n = pread(fd, room, 4096, (off_t)(text->bytes - before));
		if (n < 0)
			return -errno;
		text->bytes += (size_t)n;
		/* Such a file is written at once: a short read is the end. */
		if (n < 4096)
			return 0;
		if (text->bytes - before > LIMITS_FILE_BYTES)
			return -EFBIG;
	}
}

int limits_read(struct limits *limits, enum limits_file file, struct text *text)
{
	int fd, r;

	__atomic_store_n(&limits->used_ns, clock_mono_ns(), __ATOMIC_RELAXED);
	pthread_rwlock_rdlock(&limits->files_lock);
	fd = __atomic_load_n(&limits->fds[file], __ATOMIC_ACQUIRE);
	if (fd < 0) {
		int none = -1;

		fd = limits_open(limits, file);
		/* Two may open it at once: one of them closes his. */
		if (fd >= 0 && !__atomic_compare_exchange_n(&limits->fds[file], &none, fd, false,
							    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			close(fd);
			fd = none;
		}
	}
	r = fd < 0 ? fd : limits_read_fd(fd, text);
	pthread_rwlock_unlock(&limits->files_lock);
	return r;
}

/* --- what changes rarely --- */

/* Calls with a file's text in the container's group and in each above it, below the mount. */
static void limits_climb(const char *directory, const char *file,
			 void (*found)(struct slice text, void *owner), void *owner)
{
	char path[4096];
	size_t bytes = slice_copy(slice_of(directory), path, sizeof(path));

	for (;;) {
		auto_text struct text text = { 0 };

		snprintf(path + bytes, sizeof(path) - bytes, "/%s", file);
		if (file_read_at(AT_FDCWD, path, 4096, &text) < 0)
			return; /* the root of the hierarchy has no limits */
		found(text_slice(&text), owner);
		path[bytes] = '\0';
		while (bytes > 1 && path[bytes - 1] != '/')
			bytes--;
		if (bytes <= 1)
			return;
		path[--bytes] = '\0';
	}
}

static void limits_on_limit(struct slice text, void *owner)
{
	uint64_t *least = owner, value;

	if (view_parse_limit(text, &value) && value < *least)
		*least = value;
}

static void limits_on_cpu_max(struct slice text, void *owner)
{
	uint64_t *least = owner, value;

	if (view_parse_cpu_max(text, &value) && value < *least)
		*least = value;
}

static uint64_t limits_v1_quota(const char *directory)
{
	char path[4096];
	uint64_t least = VIEW_UNLIMITED;
	size_t bytes = slice_copy(slice_of(directory), path, sizeof(path));

	for (;;) {
		auto_text struct text quota = { 0 }, period = { 0 };
		uint64_t quota_us, period_us;

		snprintf(path + bytes, sizeof(path) - bytes, "/cpu.cfs_quota_us");
		if (file_read_at(AT_FDCWD, path, 64, &quota) < 0)
			return least;
		snprintf(path + bytes, sizeof(path) - bytes, "/cpu.cfs_period_us");
		if (file_read_at(AT_FDCWD, path, 64, &period) < 0)
			return least;
		/* "-1" is no quota, and no number here. */
		if (slice_u64(slice_trim(text_slice(&quota)), &quota_us) &&
		    slice_u64(slice_trim(text_slice(&period)), &period_us) && period_us &&
		    quota_us < UINT64_MAX / 1000 && quota_us * 1000 / period_us < least)
			least = quota_us * 1000 / period_us;
		path[bytes] = '\0';
		while (bytes > 1 && path[bytes - 1] != '/')
			bytes--;
		if (bytes <= 1)
			return least;
		path[--bytes] = '\0';
	}
}

static void limits_read_allowed(const struct limits *limits, struct cpus *allowed)
{
	static const char *const names[] = { "cpuset.effective_cpus", "cpuset.cpus.effective",
					     "cpuset.cpus" };
	struct cpus online;
	auto_text struct text text = { 0 };
	char path[4096];

	if (file_read_at(AT_FDCWD, "/sys/devices/system/cpu/online", 4096, &text) < 0 ||
	    !cpus_parse(text_slice(&text), &online) || cpus_count(&online) == 0)
		online = (struct cpus){ .bits = { 1 } };
	*allowed = online;
	for (size_t n = 0; n < array_count(names) && limits->directory[LIMITS_cpuset]; n++) {
		text_clear(&text);
		snprintf(path, sizeof(path), "%s/%s", limits->directory[LIMITS_cpuset], names[n]);
		if (file_read_at(AT_FDCWD, path, 4096, &text) < 0 ||
		    !cpus_parse(text_slice(&text), allowed))
			continue;
		cpus_intersect(allowed, &online);
		if (cpus_count(allowed))
			return;
		*allowed = online;
	}
}

static void limits_slow(struct limits *limits, struct limits_slow *ret_slow)
{
	uint64_t now = clock_mono_ns();

	pthread_mutex_lock(&limits->slow_lock);
	*ret_slow = limits->slow;
	pthread_mutex_unlock(&limits->slow_lock);
	if (ret_slow->read_ns && now - ret_slow->read_ns < LIMITS_SLOW_NS)
		return;
	*ret_slow = (struct limits_slow){
		.read_ns = now,
		.quota_milli = VIEW_UNLIMITED,
		.memory_limit = VIEW_UNLIMITED,
		.swap_limit = VIEW_UNLIMITED,
	};
	limits_read_allowed(limits, &ret_slow->allowed);
	if (limits->directory[LIMITS_cpu] && limits->v1[LIMITS_cpu])
		ret_slow->quota_milli = limits_v1_quota(limits->directory[LIMITS_cpu]);
	else if (limits->directory[LIMITS_cpu])
		limits_climb(limits->directory[LIMITS_cpu], "cpu.max", limits_on_cpu_max,
			     &ret_slow->quota_milli);
	if (limits->directory[LIMITS_memory] && !limits->v1[LIMITS_memory]) {
		limits_climb(limits->directory[LIMITS_memory], "memory.max", limits_on_limit,
			     &ret_slow->memory_limit);
		limits_climb(limits->directory[LIMITS_memory], "memory.swap.max", limits_on_limit,
			     &ret_slow->swap_limit);
	}
	pthread_mutex_lock(&limits->slow_lock);
	limits->slow = *ret_slow;
	pthread_mutex_unlock(&limits->slow_lock);
}

/* --- together --- */

static uint64_t limits_number(struct limits *limits, enum limits_file file, uint64_t otherwise,
			      struct text *scratch)
{
	uint64_t value;

	text_clear(scratch);
	if (limits_read(limits, file, scratch) < 0 ||
	    !view_parse_limit(text_slice(scratch), &value))
		return otherwise;
	return value;
}

int limits_memory(struct limits *limits, struct view_memory *ret_memory, struct text *scratch)
{
	bool v1 = limits->v1[LIMITS_memory];
	struct limits_slow slow;
	int r;

	*ret_memory = (struct view_memory){ .limit = VIEW_UNLIMITED, .swap_limit = VIEW_UNLIMITED };
	text_clear(scratch);
	r = limits_read(limits, LIMITS_memory_stat, scratch);
	if (r < 0)
		return r;
	view_parse_memory_stat(text_slice(scratch), v1, ret_memory);
	if (!v1) {
		limits_slow(limits, &slow);
		ret_memory->limit = slow.memory_limit;
		ret_memory->swap_limit = slow.swap_limit;
		ret_memory->swap_usage = limits_number(limits, LIMITS_swap_usage, 0, scratch);
	}
	ret_memory->usage = limits_number(limits, LIMITS_memory_usage,
					  ret_memory->anon + ret_memory->file, scratch);
	return 0;
}

/* "user 12\nsystem 34\n" in ticks, of v1. */
static bool limits_parse_cpuacct(struct slice text, struct view_cpu *cpu)
{
	struct slice line;
	uint64_t value;

	while (slice_next(&text, '\n', &line)) {
		if (slice_eat(&line, SLICE("user ")) && slice_u64(line, &value))
			cpu->user_ns = value * (NS_PER_S / VIEW_HZ);
		else if (slice_eat(&line, SLICE("system ")) && slice_u64(line, &value))
			cpu->system_ns = value * (NS_PER_S / VIEW_HZ);
		else
			return false;
	}
	return true;
}

static int limits_cpu_sums(struct limits *limits, struct view_cpu *cpu, struct text *scratch)
{
	int r;

	text_clear(scratch);
	r = limits_read(limits, LIMITS_cpu_usage, scratch);
	if (r < 0)
		return r;
	if (limits->v1[LIMITS_cpuacct]
		    ? limits_parse_cpuacct(text_slice(scratch), cpu)
		    : view_parse_cpu_stat(text_slice(scratch), &cpu->user_ns, &cpu->system_ns))
		return 0;
	return -EBADMSG;
}

void limits_shown(struct limits *limits, struct view_cpu *cpu)
{
	struct limits_slow slow;

	limits_slow(limits, &slow);
	cpu->allowed = slow.allowed;
	view_show(cpu, slow.quota_milli);
}

int limits_cpu(struct limits *limits, struct view_cpu *cpu, uint64_t *user_each,
	       uint64_t *system_each, struct text *scratch)
{
	limits_shown(limits, cpu);
	cpu->user_ns = cpu->system_ns = 0;
	cpu->user_each_ns = cpu->system_each_ns = NULL;
	text_clear(scratch);
	if (!user_each || limits_read(limits, LIMITS_cpu_each, scratch) < 0 ||
	    !view_parse_usage_all(text_slice(scratch), user_each, system_each))
		return limits_cpu_sums(limits, cpu, scratch);
	for (size_t n = 0; n < CPUS_MAX; n++) {
		cpu->user_ns += user_each[n];
		cpu->system_ns += system_each[n];
	}
	cpu->user_each_ns = user_each;
	cpu->system_each_ns = system_each;
	return 0;
}
