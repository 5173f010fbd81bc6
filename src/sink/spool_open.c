/* SPDX-License-Identifier: Apache-2.0 */
/* Finding what an earlier run, or its death, has left. */
#include "sink/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"

#define SPOOL_FILE_MIN (64u << 10)

static int spool_open_directory(struct spool *spool, struct error *err)
{
	struct stat status;
	int r = file_make_dirs(spool->path, 0700, err);

	if (r < 0)
		return r;
	spool->dir_fd = open(spool->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (spool->dir_fd < 0 || fstat(spool->dir_fd, &status) < 0)
		return error_errno(err, errno, "open '%s'", spool->path);
	/* Who can put files there can make us send what he likes. */
	if (status.st_uid != geteuid() || (status.st_mode & 022))
		return error_say(err, EPERM,
				 "open '%s': others may write there; it must belong to uid %u "
				 "and have mode 0700",
				 spool->path, geteuid());
	return 0;
}

static int spool_lock(struct spool *spool, struct error *err)
{
	spool->lock_fd =
		openat(spool->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (spool->lock_fd < 0)
		return error_errno(err, errno, "open '%s/lock'", spool->path);
	if (flock(spool->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return error_say(err, EBUSY,
				 "lock '%s': another process uses it; end that one, or set "
				 "'spool.directory' to a place of its own",
				 spool->path);
	return error_errno(err, errno, "lock '%s'", spool->path);
}

static int spool_read_cursor(struct spool *spool, struct spool_cursor *cursor, struct error *err)
{
	spool->cursor_fd =
		openat(spool->dir_fd, "cursor", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (spool->cursor_fd < 0)
		return error_errno(err, errno, "open '%s/cursor'", spool->path);
	if (pread(spool->cursor_fd, cursor, sizeof(*cursor), 0) == (ssize_t)sizeof(*cursor) &&
	    cursor->magic == SPOOL_CURSOR_MAGIC && cursor->crc == spool_cursor_crc(cursor))
		return 0;
	*cursor = (struct spool_cursor){ 0 }; /* all that is there goes out again */
	return 0;
}

/* --- the files --- */

static bool spool_parse_name(const char *name, uint64_t *number)
{
	char expected[SPOOL_NAME_BYTES];

	if (!slice_hex(slice_first(slice_of(name), 16), number))
		return false;
	spool_file_name(*number, expected);
	return slice_is(slice_of(name), expected);
}

/* Keeps the list in the order of the numbers. */
static int spool_insert(struct spool *spool, uint64_t number)
{
	struct spool_file *file = calloc(1, sizeof(*file)), *later;

	if (!file)
		return -ENOMEM;
	file->number = number;
	list_each(&spool->files, later, node) {
		if (later->number > number)
			break;
	}
	list_append(&later->node, &file->node); /* before it */
	spool->file_count++;
	return 0;
}

static int spool_list(struct spool *spool, const struct spool_cursor *cursor, struct error *err)
{
	int fd = fcntl(spool->dir_fd, F_DUPFD_CLOEXEC, 3);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t number;
	int r = 0;

	if (!directory)
		return error_errno(err, errno, "read directory '%s'", spool->path);
	while (r == 0 && (entry = readdir(directory))) {
		if (!spool_parse_name(entry->d_name, &number))
			continue;
		if (number >= spool->next_number)
			spool->next_number = number + 1;
		if (number < cursor->number)
			unlinkat(spool->dir_fd, entry->d_name, 0); /* done with, but for this */
		else
			r = spool_insert(spool, number);
	}
	closedir(directory);
	return r < 0 ? error_errno(err, -r, "read directory '%s'", spool->path) : 0;
}

/* Counts the events behind `offset`, and returns where the last one ends. */
static uint64_t spool_count(struct spool_file *file, struct slice bytes, uint64_t offset)
{
	struct slice rest = slice_skip(bytes, offset), payload;
	bool damaged;

	while (spool_record_next(&rest, true, &payload, &damaged) == SPOOL_FOUND_record)
		file->count++;
	return (uint64_t)(rest.at - bytes.at);
}

/* Cuts off what stands behind the last event: a record that was being written when its writer
 * died. */
static int spool_scan(struct spool *spool, struct spool_file *file, uint64_t offset,
		      struct text *text)
{
	char name[SPOOL_NAME_BYTES];
	auto_fd int fd = -1;
	uint64_t end;
	int r;

	spool_file_name(file->number, name);
	text_clear(text);
	r = file_read_at(spool->dir_fd, name, SPOOL_FILE_MAX, text);
	if (r < 0)
		return r;
	end = spool_count(file, text_slice(text), offset);
	file->bytes = text->bytes;
	if (end == text->bytes)
		return 0;
	spool->damaged++;
	file->bytes = end;
	fd = openat(spool->dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 || ftruncate(fd, (off_t)end) < 0 ? -errno : 0;
}

static int spool_scan_all(struct spool *spool, const struct spool_cursor *cursor, struct error *err)
{
	auto_text struct text text = { 0 };
	struct spool_file *file;
	char name[SPOOL_NAME_BYTES];

	list_each(&spool->files, file, node) {
		bool begun = file->number == cursor->number;
		int r = spool_scan(spool, file, begun ? cursor->offset : 0, &text);

		spool_file_name(file->number, name);
		if (r < 0)
			return error_errno(err, -r, "read '%s/%s'", spool->path, name);
		/* A file may be shorter than the cursor thinks when the machine has died. */
		if (begun)
			spool->offset = cursor->offset < file->bytes ? cursor->offset : file->bytes;
		spool->bytes += file->bytes;
		spool->count += file->count;
	}
	spool->recovered = spool->count;
	return 0;
}

/* --- all of it --- */

static void spool_on_sync_failed(struct spool_sync *sync, int error)
{
	struct spool *spool = container_of(sync, struct spool, sync);
	struct error err;

	error_errno(&err, error, "fsync in '%s'", spool->path);
	if (spool->failed)
		spool->failed(spool, &err);
}

static struct spool *spool_new(const struct spool_settings *settings)
{
	struct spool *spool = calloc(1, sizeof(*spool));
	auto_text struct text path = { 0 };

	if (!spool)
		return NULL;
	spool->dir_fd = spool->lock_fd = spool->cursor_fd = spool->write_fd = spool->read_fd = -1;
	list_init(&spool->files);
	spool->next_number = 1;
	spool->limit_bytes =
		settings->limit_bytes < SPOOL_LIMIT_MIN ? SPOOL_LIMIT_MIN : settings->limit_bytes;
	spool->file_bytes = spool->limit_bytes / 16;
	if (spool->file_bytes < SPOOL_FILE_MIN)
		spool->file_bytes = SPOOL_FILE_MIN;
	if (spool->file_bytes > SPOOL_FILE_MAX)
		spool->file_bytes = SPOOL_FILE_MAX;
	text_printf(&path, "%s/%s", settings->directory, settings->name);
	text_str(&path);
	spool->path = path.failed ? NULL : take_ptr(path.at);
	if (!spool->path) {
		free(spool);
		return NULL;
	}
	return spool;
}

int spool_open(struct spool **ret_spool, struct loop *loop, const struct spool_settings *settings,
	       struct error *err)
{
	struct spool *spool = spool_new(settings);
	struct spool_cursor cursor = { 0 };
	int r;

	if (!spool)
		return error_errno(err, ENOMEM, "open a spool");
	r = spool_open_directory(spool, err);
	if (r == 0)
		r = spool_lock(spool, err);
	if (r == 0)
		r = spool_read_cursor(spool, &cursor, err);
	if (r == 0) {
		spool->next_number = cursor.number + 1;
		r = spool_list(spool, &cursor, err);
	}
	if (r == 0)
		r = spool_scan_all(spool, &cursor, err);
	if (r == 0) {
		spool->sync.failed = spool_on_sync_failed;
		r = spool_sync_init(&spool->sync, loop, settings->sync_ns, err);
	}
	if (r < 0) {
		spool_close(spool);
		return r;
	}
	*ret_spool = spool;
	return 0;
}
