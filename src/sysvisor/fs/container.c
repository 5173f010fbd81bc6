/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/container.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/procfs.h"

#define CONTAINER_FILE_BYTES 65536
#define CONTAINER_VALUES     1024
#define TICK_NS		     (NS_PER_S / 100)

static const char *const container_namespaces[NAMESPACE_COUNT] = { "net", "ipc", "uts" };

/* --- its process --- */

/* Who is root inside, by the text of uid_map or gid_map; the whole host where there is none. */
static bool container_parse_map(struct slice text, uint32_t *ret_host, uint32_t *ret_count)
{
	struct slice line;

	while (slice_next(&text, '\n', &line)) {
		uint64_t numbers[3];
		bool good = true;

		for (size_t n = 0; n < 3 && good; n++) {
			line = slice_trim(line);
			good = slice_eat_u64(&line, &numbers[n]) && numbers[n] <= UINT32_MAX;
		}
		if (!good || numbers[0] != 0)
			continue;
		*ret_host = (uint32_t)numbers[1];
		*ret_count = (uint32_t)numbers[2];
		return true;
	}
	return false;
}

static int container_read_map(int process_fd, const char *file, uint32_t *ret_host,
			      uint32_t *ret_count, struct error *err)
{
	auto_text struct text text = { 0 };
	int r = file_read_at(process_fd, file, CONTAINER_FILE_BYTES, &text);

	if (r < 0)
		return error_errno(err, -r, "read its %s", file);
	if (!container_parse_map(text_slice(&text), ret_host, ret_count))
		return error_say(err, EBUSY,
				 "its %s maps no id 0 yet: register it after the mapping is "
				 "written",
				 file);
	return 0;
}

static int container_open_process(uint32_t pid, uint64_t *ret_ticks, struct error *err)
{
	auto_text struct text text = { 0 };
	struct procfs_stat stat_;
	char path[32];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_say(err, ESRCH, "there is no process %u", pid);
	r = file_read_at(fd, "stat", CONTAINER_FILE_BYTES, &text);
	if (r < 0 || !procfs_parse_stat(text_slice(&text), &stat_)) {
		close(fd);
		return error_say(err, ESRCH, "process %u can't be looked at", pid);
	}
	*ret_ticks = stat_.start_ticks;
	return fd;
}

static int container_open_namespace(const struct container *container, int process_fd,
				    const char *name, int *ret_fd, struct error *err)
{
	char path[16];

	snprintf(path, sizeof(path), "ns/%s", name);
	*ret_fd = openat(process_fd, path, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0)
		return error_say(err, ESRCH, "process %u is gone: %s: %s",
				 container->origin.init_pid, path, strerror(errno));
	return 0;
}

/* The process may end at any time: then its files are gone, and so is the container. */
static int container_open_files(struct container *container, int process_fd, struct error *err)
{
	container->pidfd = (int)syscall(SYS_pidfd_open, container->origin.init_pid, 0);
	if (container->pidfd < 0)
		return error_say(err, ESRCH, "process %u is gone", container->origin.init_pid);
	for (size_t n = 0; n < NAMESPACE_COUNT; n++) {
		int r = container_open_namespace(container, process_fd, container_namespaces[n],
						 &container->namespaces[n], err);

		if (r < 0)
			return r;
	}
	return container_open_namespace(container, process_fd, "user", &container->user_namespace,
					err);
}

/* --- start and end --- */

static int container_alloc(struct container **ret_container, const struct container_origin *origin,
			   const struct limits_mounts *mounts, struct slice proc_cgroup,
			   struct error *err)
{
	struct container *container = calloc(1, sizeof(*container));
	int r;

	if (!container)
		return error_errno(err, ENOMEM, "remember it");
	r = limits_init(&container->limits, mounts, proc_cgroup, err);
	if (r < 0) {
		free(container);
		return r;
	}
	container->references = 1;
	container->origin = *origin;
	pthread_mutex_init(&container->lock, NULL);
	list_init(&container->values);
	for (size_t n = 0; n < NAMESPACE_COUNT; n++)
		container->namespaces[n] = -1;
	container->pidfd = container->user_namespace = -1;
	container->origin.id = strdup(origin->id);
	if (!container->origin.id) {
		container_unref(container);
		return error_errno(err, ENOMEM, "remember it");
	}
	*ret_container = container;
	return 0;
}

int container_new(struct container **ret_container, uint32_t slot, const char *id,
		  uint32_t init_pid, const struct limits_mounts *mounts, struct slice proc_cgroup,
		  struct error *err)
{
	struct container_origin origin = { .slot = slot,
					   .id = (char *)(uintptr_t)id,
					   .init_pid = init_pid };
	auto_text struct text own = { 0 };
	auto_fd int process = container_open_process(init_pid, &origin.start_ticks, err);
	uint32_t uid_count;
	int r;

	if (process < 0)
		return process;
	r = container_read_map(process, "uid_map", &origin.uid, &uid_count, err);
	if (r == 0)
		r = container_read_map(process, "gid_map", &origin.gid, &origin.gid_count, err);
	if (r == 0 && proc_cgroup.bytes == 0) {
		r = file_read_at(process, "cgroup", CONTAINER_FILE_BYTES, &own);
		if (r < 0)
			error_errno(err, -r, "read its control groups");
		proc_cgroup = text_slice(&own);
	}
	if (r == 0)
		r = container_alloc(ret_container, &origin, mounts, proc_cgroup, err);
	if (r < 0)
		return r;
	(*ret_container)->start_ns = origin.start_ticks * TICK_NS;
	r = container_open_files(*ret_container, process, err);
	if (r < 0)
		container_unref(*ret_container);
	return r;
}

int container_again(struct container **ret_container, const struct container_origin *origin,
		    const struct limits_mounts *mounts, struct slice proc_cgroup, uint64_t start_ns,
		    struct error *err)
{
	uint64_t ticks = 0;
	auto_fd int process = container_open_process(origin->init_pid, &ticks, err);
	int r;

	if (process < 0)
		return process;
	if (ticks != origin->start_ticks)
		return error_say(err, ESRCH, "process %u is another one", origin->init_pid);
	r = container_alloc(ret_container, origin, mounts, proc_cgroup, err);
	if (r < 0)
		return r;
	(*ret_container)->start_ns = start_ns;
	r = container_open_files(*ret_container, process, err);
	if (r < 0) {
		container_unref(*ret_container);
		*ret_container = NULL;
	}
	return r;
}

void container_unref(struct container *container)
{
	struct container_value *value;

	if (!container || __atomic_sub_fetch(&container->references, 1, __ATOMIC_ACQ_REL))
		return;
	list_drain(&container->values, value, node)
	{
		free(value->path);
		free(value->value);
		free(value);
	}
	for (size_t n = 0; n < NAMESPACE_COUNT; n++)
		auto_close_fd(&container->namespaces[n]);
	auto_close_fd(&container->user_namespace);
	auto_close_fd(&container->pidfd);
	limits_done(&container->limits);
	free(container->origin.id);
	free(container);
}

void container_unref_at(struct container **container)
{
	container_unref(*container);
}

/* --- values --- */

static struct container_value *container_find_value(const struct container *container,
						    struct slice path)
{
	struct container_value *value;

	list_each(&container->values, value, node)
		if (slice_is(path, value->path))
			return value;
	return NULL;
}

bool container_get_value(struct container *container, struct slice path, struct text *out)
{
	const struct container_value *value;

	pthread_mutex_lock(&container->lock);
	value = container_find_value(container, path);
	if (value)
		text_put(out, slice_of(value->value));
	pthread_mutex_unlock(&container->lock);
	return value != NULL;
}

static struct container_value *container_make_value(struct container *container, struct slice path)
{
	struct container_value *value;

	if (container->value_count >= CONTAINER_VALUES)
		return NULL;
	value = calloc(1, sizeof(*value));
	if (!value)
		return NULL;
	value->path = strndup(path.at, path.bytes);
	if (!value->path) {
		free(value);
		return NULL;
	}
	list_append(&container->values, &value->node);
	container->value_count++;
	return value;
}

int container_set_value(struct container *container, struct slice path, struct slice words)
{
	char *copy = strndup(words.at, words.bytes);
	struct container_value *value;

	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&container->lock);
	value = container_find_value(container, path);
	if (!value)
		value = container_make_value(container, path);
	if (value) {
		free(value->value);
		value->value = copy;
	}
	pthread_mutex_unlock(&container->lock);
	if (value)
		return 0;
	free(copy);
	return -ENOMEM;
}

/* --- all of them --- */

static struct slice containers_id(const void *item)
{
	return slice_of(((const struct container *)item)->origin.id);
}

static struct slice containers_slot(const void *item)
{
	const struct container *container = item;

	return (struct slice){ (const char *)&container->origin.slot,
			       sizeof(container->origin.slot) };
}

void containers_init(struct containers *containers)
{
	*containers = (struct containers){ .next_slot = 1 };
	pthread_rwlock_init(&containers->lock, NULL);
	map_init(&containers->by_id, containers_id);
	map_init(&containers->by_slot, containers_slot);
}

void containers_done(struct containers *containers)
{
	struct container *container;

	map_each(&containers->by_id, container)
		container_unref(container);
	map_done(&containers->by_id);
	map_done(&containers->by_slot);
}

struct container *containers_find(struct containers *containers, struct slice id)
{
	struct container *container;

	pthread_rwlock_rdlock(&containers->lock);
	container = map_get(&containers->by_id, id);
	if (container)
		container_ref(container);
	pthread_rwlock_unlock(&containers->lock);
	return container;
}

struct container *containers_at(struct containers *containers, uint32_t slot)
{
	struct container *container;

	pthread_rwlock_rdlock(&containers->lock);
	container =
		map_get(&containers->by_slot, (struct slice){ (const char *)&slot, sizeof(slot) });
	if (container)
		container_ref(container);
	pthread_rwlock_unlock(&containers->lock);
	return container;
}

int containers_add(struct containers *containers, struct container *container, struct error *err)
{
	int r;

	pthread_rwlock_wrlock(&containers->lock);
	r = map_put(&containers->by_id, container, err);
	if (r == 0) {
		r = map_put(&containers->by_slot, container, err);
		if (r < 0)
			map_take(&containers->by_id, slice_of(container->origin.id));
	}
	if (r == 0 && container->origin.slot >= containers->next_slot)
		containers->next_slot = container->origin.slot + 1;
	pthread_rwlock_unlock(&containers->lock);
	if (r < 0)
		container_unref(container);
	return r;
}

struct container *containers_take(struct containers *containers, struct slice id)
{
	struct container *container;

	pthread_rwlock_wrlock(&containers->lock);
	container = map_take(&containers->by_id, id);
	if (container)
		map_take(&containers->by_slot, containers_slot(container));
	pthread_rwlock_unlock(&containers->lock);
	return container;
}

struct container **containers_all(struct containers *containers)
{
	struct container **all, *container;
	size_t n = 0;

	pthread_rwlock_rdlock(&containers->lock);
	all = calloc(containers->by_id.count + 1, sizeof(struct container *));
	if (all)
		map_each(&containers->by_id, container)
			all[n++] = container_ref(container);
	pthread_rwlock_unlock(&containers->lock);
	return all;
}
