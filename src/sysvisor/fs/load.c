/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/load.h"

#include <dirent.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/procfs.h"

#define LOAD_WANTED_NS (300 * NS_PER_S) /* this long after the last look it is kept up */
#define LOAD_THREADS   4096		/* more are not counted */
#define LOAD_GROUPS    1024
#define LOAD_DEPTH     16

struct load_count {
	uint64_t running, blocked, threads, groups;
};

static void load_count_thread(struct load_count *count, const char *path)
{
	auto_text struct text text = { 0 };
	struct procfs_stat stat_;

	if (file_read_at(AT_FDCWD, path, 4096, &text) < 0 ||
	    !procfs_parse_stat(text_slice(&text), &stat_))
		return;
	count->threads++;
	count->running += stat_.state == 'R';
	count->blocked += stat_.state == 'D';
}

static void load_count_process(struct load_count *count, uint64_t pid)
{
	char path[64];
	DIR *threads;
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%llu/task", (unsigned long long)pid);
	threads = opendir(path);
	while (threads && (entry = readdir(threads)) && count->threads < LOAD_THREADS) {
		char stat_path[128];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(stat_path, sizeof(stat_path), "%s/%.16s/stat", path, entry->d_name);
		load_count_thread(count, stat_path);
	}
	if (threads)
		closedir(threads);
}

/* A group and those below it: engines inside make their own. */
static void load_count_group(struct load_count *count, int fd_take, unsigned int depth)
{
	auto_text struct text procs = { 0 };
	struct slice rest, line;
	struct dirent *entry;
	DIR *group;
	uint64_t pid;

	if (fd_take < 0)
		return;
	if (file_read_at(fd_take, "cgroup.procs", 1u << 20, &procs) == 0) {
		rest = text_slice(&procs);
		while (slice_next(&rest, '\n', &line) && count->threads < LOAD_THREADS)
			if (slice_u64(line, &pid) && pid)
				load_count_process(count, pid);
	}
	group = fdopendir(fd_take);
	if (!group) {
		close(fd_take);
		return;
	}
	while ((entry = readdir(group)) && count->groups < LOAD_GROUPS) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || depth >= LOAD_DEPTH)
			continue;
		count->groups++;
		load_count_group(count,
				 openat(fd_take, entry->d_name,
					O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC),
				 depth + 1);
	}
	closedir(group);
}

static struct load_count load_count_container(const struct container *container)
{
	const char *directory = limits_directory(&container->limits);
	struct load_count count = { 0 };

	if (directory)
		load_count_group(&count, open(directory, O_DIRECTORY | O_RDONLY | O_CLOEXEC), 0);
	return count;
}

/* Under the container's lock. */
static void load_set(struct container *container, const struct load_count *count)
{
	container->load.running = count->running;
	container->load.blocked = count->blocked;
	container->load.total = count->threads;
	/* The kernel tells the newest pid of a namespace to its members alone; how many threads
	 * there are is as good a number. */
	container->load.last_pid = count->threads;
	container->load_sampled_ns = clock_mono_ns();
}

struct view_load load_of(struct container *container)
{
	uint64_t now = clock_mono_ns();
	struct view_load load;
	bool fresh;

	pthread_mutex_lock(&container->lock);
	fresh = container->load_wanted_ns && now - container->load_wanted_ns < LOAD_WANTED_NS;
	container->load_wanted_ns = now;
	load = container->load;
	pthread_mutex_unlock(&container->lock);
	if (fresh)
		return load;

	struct load_count count = load_count_container(container);

	pthread_mutex_lock(&container->lock);
	load_set(container, &count);
	for (size_t n = 0; n < array_count(load.average); n++)
		container->load.average[n] = (count.running + count.blocked) << VIEW_LOAD_SHIFT;
	load = container->load;
	pthread_mutex_unlock(&container->lock);
	return load;
}

static void load_tick_one(struct container *container)
{
	uint64_t now = clock_mono_ns();
	struct load_count count;
	bool wanted;

	pthread_mutex_lock(&container->lock);
	wanted = container->load_wanted_ns && now - container->load_wanted_ns < LOAD_WANTED_NS;
	pthread_mutex_unlock(&container->lock);
	if (!wanted)
		return;
	count = load_count_container(container);
	pthread_mutex_lock(&container->lock);
	load_set(container, &count);
	view_load_step(&container->load, count.running + count.blocked);
	pthread_mutex_unlock(&container->lock);
}

void load_tick(struct containers *containers)
{
	struct container **all = containers_all(containers);

	for (size_t n = 0; all && all[n]; n++) {
		load_tick_one(all[n]);
		limits_rest(&all[n]->limits);
		container_unref(all[n]);
	}
	free(all);
}
