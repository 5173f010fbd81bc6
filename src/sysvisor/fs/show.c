/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/show.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "sysvisor/fs/load.h"
#include "sysvisor/fs/server.h"

#define SHOW_LOAD_FRESH_NS (3 * VIEW_LOAD_S * NS_PER_S)
#define SHOW_HOST_NS	   (100 * NS_PER_MS)

/* --- the host's files --- */

static const char *const show_paths[SHOW_FILE_COUNT] = {
	[SHOW_meminfo] = "/proc/meminfo",
	[SHOW_cpuinfo] = "/proc/cpuinfo",
	[SHOW_diskstats] = "/proc/diskstats",
};

int show_host_open(struct show_host *host, struct error *err)
{
	pthread_rwlock_init(&host->lock, NULL);
	for (size_t n = 0; n < SHOW_FILE_COUNT; n++)
		host->fds[n] = -1;
	for (size_t n = 0; n < SHOW_FILE_COUNT; n++) {
		host->fds[n] = open(show_paths[n], O_RDONLY | O_CLOEXEC);
		if (host->fds[n] < 0)
			return error_errno(err, errno, "open '%s'", show_paths[n]);
	}
	return 0;
}

void show_host_close(struct show_host *host)
{
	for (size_t n = 0; n < SHOW_FILE_COUNT; n++)
		auto_close_fd(&host->fds[n]);
	text_done(&host->memory.text);
}

static int show_read_host(const struct show *show, enum show_file file, struct text *text)
{
	int fd = show->server->host.fds[file];

	text_clear(text);
	for (;;) {
		char *room = text_reserve(text, 16384);
		ssize_t n;

		if (!room)
			return -ENOMEM;
		n = pread(fd, room, 16384, (off_t)text->bytes);
		if (n < 0)
			return -errno;
		text->bytes += (size_t)n;
		/* The kernel makes meminfo in one piece, the others piece by piece. */
		if (n == 0 || file == SHOW_meminfo)
			return 0;
	}
}

/* --- memory --- */

static bool show_memory_is_fresh(const struct show_host *host)
{
	return host->memory_read_ns && clock_mono_ns() - host->memory_read_ns < SHOW_HOST_NS;
}

/* What is the host's in it changes slowly or not at all, and is the same for all containers; what
 * is the container's own is read anew each time. Returns with the lock held for reading. */
static int show_lock_memory(const struct show *show)
{
	struct show_host *host = &show->server->host;
	int r = 0;

	pthread_rwlock_rdlock(&host->lock);
	if (show_memory_is_fresh(host))
		return 0;
	pthread_rwlock_unlock(&host->lock);
	pthread_rwlock_wrlock(&host->lock);
	if (!show_memory_is_fresh(host)) {
		r = show_read_host(show, SHOW_meminfo, &host->memory.text);
		view_read_host(&host->memory);
		host->memory_read_ns = r == 0 ? clock_mono_ns() : 0;
	}
	pthread_rwlock_unlock(&host->lock);
	if (r == 0)
		pthread_rwlock_rdlock(&host->lock);
	return r;
}

/* Made by `put` from both; without a controller, by `put` from the host's alone. */
static int show_memory(struct show *show,
		       void (*put)(const struct view_host *host, const struct view_memory *memory,
				   struct text *out))
{
	struct show_host *host = &show->server->host;
	struct view_memory memory;
	int r = limits_memory(&show->container->limits, &memory, &show->room->group);

	if (r < 0 && r != -ENOENT)
		return r;
	if (show_lock_memory(show) < 0)
		return -EIO;
	put(&host->memory, r == 0 ? &memory : NULL, show->out);
	pthread_rwlock_unlock(&host->lock);
	return 0;
}

static void show_put_meminfo(const struct view_host *host, const struct view_memory *memory,
			     struct text *out)
{
	if (memory)
		view_meminfo(host, memory, out);
	else
		text_put(out, text_slice(&host->text));
}

static void show_put_swaps(const struct view_host *host, const struct view_memory *memory,
			   struct text *out)
{
	const struct view_memory none = { 0 };

	view_swaps(host, memory ? memory : &none, out);
}

int show_meminfo(struct show *show)
{
	return show_memory(show, show_put_meminfo);
}

int show_swaps(struct show *show)
{
	return show_memory(show, show_put_swaps);
}

/* --- processors --- */

static uint64_t show_up_ns(const struct container *container)
{
	uint64_t now = clock_boot_ns();

	return now > container->start_ns ? now - container->start_ns : 0;
}

static int show_cpu(const struct show *show, struct view_cpu *cpu, bool each)
{
	struct show_room *room = show->room;
	int r;

	*cpu = (struct view_cpu){ .up_ns = show_up_ns(show->container) };
	r = limits_cpu(&show->container->limits, cpu, each ? room->user_each : NULL,
		       each ? room->system_each : NULL, &room->group);
	return r == -ENOENT ? 0 : r; /* without a controller: nothing was used */
}

int show_stat(struct show *show)
{
	struct container *container = show->container;
	uint64_t running = 1, blocked = 0;
	struct view_cpu cpu;
	int r = show_cpu(show, &cpu, true);

	if (r < 0)
		return r;
	pthread_mutex_lock(&container->lock);
	if (container->load_sampled_ns &&
	    clock_mono_ns() - container->load_sampled_ns < SHOW_LOAD_FRESH_NS) {
		running = container->load.running;
		blocked = container->load.blocked;
	}
	pthread_mutex_unlock(&container->lock);
	view_stat(&cpu, (clock_wall_ns() - cpu.up_ns) / NS_PER_S, running ? running : 1, blocked,
		  show->out);
	return 0;
}

int show_uptime(struct show *show)
{
	struct view_cpu cpu;
	int r = show_cpu(show, &cpu, false);

	if (r == 0)
		view_uptime(&cpu, show->out);
	return r;
}

int show_cpuinfo(struct show *show)
{
	struct view_cpu cpu;
	int r = show_cpu(show, &cpu, false);

	if (r == 0)
		r = show_read_host(show, SHOW_cpuinfo, &show->room->host);
	if (r == 0)
		view_cpuinfo(text_slice(&show->room->host), &cpu.shown, show->out);
	return r;
}

int show_cpus(struct show *show)
{
	struct view_cpu cpu;
	int r = show_cpu(show, &cpu, false);

	if (r == 0) {
		cpus_put(&cpu.shown, show->out);
		text_putc(show->out, '\n');
	}
	return r;
}

/* --- load --- */

int show_loadavg(struct show *show)
{
	struct view_load load = load_of(show->container);

	view_loadavg(&load, show->out);
	return 0;
}

/* --- disks --- */

int show_diskstats(struct show *show)
{
	struct limits *limits = &show->container->limits;
	struct show_room *room = show->room;
	int r = show_read_host(show, SHOW_diskstats, &room->host);

	text_clear(&room->group);
	text_clear(&room->more);
	if (r == 0)
		r = limits_read(limits, LIMITS_io_bytes, &room->group);
	if (r == 0 && limits->v1[LIMITS_io])
		r = limits_read(limits, LIMITS_io_operations, &room->more);
	if (r == 0 || r == -ENOENT)
		view_diskstats(text_slice(&room->host), text_slice(&room->group),
			       text_slice(&room->more), show->out);
	return r == -ENOENT ? 0 : r;
}

/* --- pressure --- */

static int show_pressure(struct show *show, enum limits_file file)
{
	return limits_read(&show->container->limits, file, show->out);
}

int show_pressure_cpu(struct show *show)
{
	return show_pressure(show, LIMITS_pressure_cpu);
}

int show_pressure_io(struct show *show)
{
	return show_pressure(show, LIMITS_pressure_io);
}

int show_pressure_irq(struct show *show)
{
	return show_pressure(show, LIMITS_pressure_irq);
}

int show_pressure_memory(struct show *show)
{
	return show_pressure(show, LIMITS_pressure_memory);
}

/* --- identity --- */

#define UUID_BYTES 36
#define UUID_HEAD  24 /* with the dash before the last part */
#define UUID_TAIL  12

void show_put_uuid(struct slice host, struct slice id, struct text *out)
{
	host = slice_trim(host);
	if (host.bytes != UUID_BYTES || host.at[UUID_HEAD - 1] != '-')
		host = SLICE("00000000-0000-0000-0000-000000000000");
	text_put(out, slice_first(host, UUID_HEAD));
	for (size_t n = 0, digits = 0; digits < UUID_TAIL; n++) {
		char c = n < id.bytes ? id.at[n] : '0';

		/* Ids of engines are hexadecimal; of others, what is. */
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
			text_putc(out, c);
			digits++;
		}
	}
	text_putc(out, '\n');
}

int show_product_uuid(struct show *show)
{
	struct text *host = &show->room->host;

	text_clear(host);
	if (file_read_at(AT_FDCWD, "/sys/devices/virtual/dmi/id/product_uuid", 256, host) < 0)
		text_clear(host);
	show_put_uuid(text_slice(host), slice_of(show->container->origin.id), show->out);
	return 0;
}
