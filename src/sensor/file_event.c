/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_event.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "kernel/bpf.h"
#include "kernel/record.h"

/* --- system calls --- */

static const struct {
	unsigned short number;
	uint8_t call;
} file_event_call_rows[] = {
#ifdef SYS_open /* calls that newer architectures lack */
	{ SYS_open, RING_FILE_CALL_open },
	{ SYS_creat, RING_FILE_open },
	{ SYS_rename, RING_FILE_rename },
	{ SYS_unlink, RING_FILE_delete },
	{ SYS_rmdir, RING_FILE_delete },
	{ SYS_link, RING_FILE_link },
	{ SYS_symlink, RING_FILE_symlink },
	{ SYS_mkdir, RING_FILE_mkdir },
	{ SYS_chmod, RING_FILE_chmod },
	{ SYS_chown, RING_FILE_chown },
	{ SYS_lchown, RING_FILE_chown },
	{ SYS_dup2, RING_FILE_CALL_dup },
#endif
#ifdef SYS_renameat
	{ SYS_renameat, RING_FILE_rename },
#endif
	{ SYS_openat, RING_FILE_CALL_openat },
	{ SYS_openat2, RING_FILE_open },
	{ SYS_open_by_handle_at, RING_FILE_CALL_openat },
	{ SYS_mmap, RING_FILE_mmap },
	{ SYS_renameat2, RING_FILE_rename },
	{ SYS_unlinkat, RING_FILE_delete },
	{ SYS_linkat, RING_FILE_link },
	{ SYS_symlinkat, RING_FILE_symlink },
	{ SYS_mkdirat, RING_FILE_mkdir },
	{ SYS_fchmod, RING_FILE_chmod },
	{ SYS_fchmodat, RING_FILE_chmod },
	{ RING_FILE_SYS_fchmodat2, RING_FILE_chmod },
	{ SYS_fchown, RING_FILE_chown },
	{ SYS_fchownat, RING_FILE_chown },
	{ SYS_truncate, RING_FILE_truncate },
	{ SYS_ftruncate, RING_FILE_truncate },
	{ SYS_mount, RING_FILE_CALL_mount },
	{ SYS_umount2, RING_FILE_CALL_mount },
	{ SYS_move_mount, RING_FILE_CALL_mount },
	{ SYS_pivot_root, RING_FILE_CALL_mount },
	{ SYS_unshare, RING_FILE_CALL_mount },
	{ SYS_io_uring_enter, RING_FILE_CALL_uring },
	{ SYS_read, RING_FILE_CALL_read },
	{ SYS_pread64, RING_FILE_CALL_read },
	{ SYS_readv, RING_FILE_CALL_read },
	{ SYS_preadv, RING_FILE_CALL_read },
	{ SYS_preadv2, RING_FILE_CALL_read },
	{ SYS_write, RING_FILE_CALL_write },
	{ SYS_pwrite64, RING_FILE_CALL_write },
	{ SYS_writev, RING_FILE_CALL_write },
	{ SYS_pwritev, RING_FILE_CALL_write },
	{ SYS_pwritev2, RING_FILE_CALL_write },
	{ SYS_splice, RING_FILE_CALL_copy },
	{ SYS_copy_file_range, RING_FILE_CALL_copy },
	{ SYS_sendfile, RING_FILE_CALL_sendfile },
	{ SYS_close, RING_FILE_CALL_close },
	{ SYS_dup3, RING_FILE_CALL_dup },
	{ SYS_close_range, RING_FILE_CALL_close_range },
};

void file_event_calls(uint8_t *calls)
{
	for (size_t n = 0; n < array_count(file_event_call_rows); n++)
		calls[file_event_call_rows[n].number] = file_event_call_rows[n].call;
}

/* --- words --- */

struct file_event_word {
	uint32_t mask, bits;
	const char *word;
};

/* As the kernel has them on this architecture; O_LARGEFILE, which it sets for all, is left out. */
static const struct file_event_word file_event_flags[] = {
	{ O_ACCMODE, O_RDONLY, "O_RDONLY" },
	{ O_ACCMODE, O_WRONLY, "O_WRONLY" },
	{ O_ACCMODE, O_RDWR, "O_RDWR" },
	{ O_CREAT, O_CREAT, "O_CREAT" },
	{ O_EXCL, O_EXCL, "O_EXCL" },
	{ O_TRUNC, O_TRUNC, "O_TRUNC" },
	{ O_APPEND, O_APPEND, "O_APPEND" },
	{ O_NONBLOCK, O_NONBLOCK, "O_NONBLOCK" },
	{ O_SYNC, O_SYNC, "O_SYNC" },
	{ O_SYNC, O_DSYNC, "O_DSYNC" },
	{ O_DIRECT, O_DIRECT, "O_DIRECT" },
	{ O_DIRECTORY, O_DIRECTORY, "O_DIRECTORY" },
	{ O_NOFOLLOW, O_NOFOLLOW, "O_NOFOLLOW" },
	{ O_NOATIME, O_NOATIME, "O_NOATIME" },
	{ O_CLOEXEC, O_CLOEXEC, "O_CLOEXEC" },
	{ O_PATH, O_PATH, "O_PATH" },
};

static const struct file_event_word file_event_protections[] = {
	{ PROT_READ, PROT_READ, "PROT_READ" },
	{ PROT_WRITE, PROT_WRITE, "PROT_WRITE" },
	{ PROT_EXEC, PROT_EXEC, "PROT_EXEC" },
};

static const struct file_event_word file_event_types[] = {
	{ S_IFMT, S_IFREG, "regular" },	     { S_IFMT, S_IFDIR, "directory" },
	{ S_IFMT, S_IFLNK, "symlink" },	     { S_IFMT, S_IFCHR, "character_device" },
	{ S_IFMT, S_IFBLK, "block_device" }, { S_IFMT, S_IFIFO, "fifo" },
	{ S_IFMT, S_IFSOCK, "socket" },
};

static const struct file_event_word file_event_masks[] = {
	{ FAN_CREATE, FAN_CREATE, "FAN_CREATE" },
	{ FAN_OPEN, FAN_OPEN, "FAN_OPEN" },
	{ FAN_MODIFY, FAN_MODIFY, "FAN_MODIFY" },
	{ FAN_ATTRIB, FAN_ATTRIB, "FAN_ATTRIB" },
	{ FAN_CLOSE_WRITE, FAN_CLOSE_WRITE, "FAN_CLOSE_WRITE" },
	{ FAN_DELETE, FAN_DELETE, "FAN_DELETE" },
	{ FAN_RENAME, FAN_RENAME, "FAN_RENAME" },
	{ FAN_MOVED_FROM, FAN_MOVED_FROM, "FAN_MOVED_FROM" },
	{ FAN_MOVED_TO, FAN_MOVED_TO, "FAN_MOVED_TO" },
	{ FAN_ONDIR, FAN_ONDIR, "FAN_ONDIR" },
};

static void file_event_put_words(struct event *event, enum event_field field, uint32_t bits,
				 const struct file_event_word *words, size_t count)
{
	char text[192] = "";
	size_t bytes = 0;

	for (size_t n = 0; n < count; n++)
		if ((bits & words[n].mask) == words[n].bits)
			bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%s%s",
						  bytes ? "|" : "", words[n].word);
	if (bytes)
		event_copy(event, field, slice_of(text));
}

static void file_event_put_path(struct event *event, enum event_field field, struct slice names,
				bool cut)
{
	char *room = event_room(event, RECORD_NAMES_ROOM(names.bytes));

	if (room)
		event_text(event, field, record_names(names, cut, room));
}

/* --- events --- */

/* What an event says beside the file's path and numbers, as bits. */
enum {
	SAYS_flags = 1,
	SAYS_protection = 2,
	SAYS_size = 4,
	SAYS_owner = 8,
	SAYS_mode = 16,
	SAYS_sums = 32
};

static const struct {
	enum event_kind kind;
	unsigned int says;
} file_event_rows[RING_FILE_COUNT] = {
	[RING_FILE_open] = { EVENT_file_open, SAYS_flags | SAYS_mode | SAYS_owner | SAYS_size },
	[RING_FILE_close] = { EVENT_file_close, SAYS_sums | SAYS_size },
	[RING_FILE_mmap] = { EVENT_file_mmap, SAYS_protection | SAYS_mode | SAYS_owner },
	[RING_FILE_rename] = { EVENT_file_rename, 0 },
	[RING_FILE_delete] = { EVENT_file_delete, 0 },
	[RING_FILE_link] = { EVENT_file_link, SAYS_mode | SAYS_owner },
	[RING_FILE_symlink] = { EVENT_file_symlink, 0 },
	[RING_FILE_mkdir] = { EVENT_file_mkdir, 0 },
	[RING_FILE_chmod] = { EVENT_file_chmod, SAYS_mode | SAYS_owner },
	[RING_FILE_chown] = { EVENT_file_chown, SAYS_mode | SAYS_owner },
	[RING_FILE_truncate] = { EVENT_file_truncate, SAYS_size },
	[RING_FILE_change] = { EVENT_file_change, SAYS_mode | SAYS_owner | SAYS_size },
};

static void file_event_put_particular(struct event *event, const struct ring_file *record,
				      unsigned int says)
{
	if (says & SAYS_flags)
		file_event_put_words(event, FIELD_file_flags, record->flags, file_event_flags,
				     array_count(file_event_flags));
	if (says & SAYS_protection)
		file_event_put_words(event, FIELD_file_protection, record->flags,
				     file_event_protections, array_count(file_event_protections));
	if (says & SAYS_mode && record->mode)
		event_printf(event, FIELD_file_mode, "%04o", record->mode & 07777);
	if (says & SAYS_owner) {
		event_number(event, FIELD_file_owner, record->owner);
		event_number(event, FIELD_file_group, record->group);
	}
	if (says & SAYS_size)
		event_number(event, FIELD_file_size, record->size_bytes);
	if (says & SAYS_sums) {
		event_number(event, FIELD_file_read, record->read_bytes);
		event_number(event, FIELD_file_written, record->written_bytes);
	}
	if (record->facts & RING_FILE_created)
		event_number(event, FIELD_file_created, 1);
}

static void file_event_put_paths(struct event *event, const struct ring_file *record)
{
	struct slice names = { record->names, record->path_bytes };

	if (names.bytes || !(record->other_bytes || record->what == RING_FILE_close))
		file_event_put_path(event, FIELD_file_path, names, record->facts & RING_FILE_cut);
	if (record->other_bytes || record->facts & RING_FILE_other_cut)
		file_event_put_path(
			event, FIELD_file_target,
			(struct slice){ record->names + record->path_bytes, record->other_bytes },
			record->facts & RING_FILE_other_cut);
}

static void file_event_put_numbers(struct event *event, const struct ring_file *record)
{
	if (record->inode)
		event_printf(event, FIELD_file_inode, "%llu", (unsigned long long)record->inode);
	if (record->device)
		event_printf(event, FIELD_file_device, "%u:%u", record->device >> 20,
			     record->device & 0xfffff);
	if (record->mode)
		file_event_put_words(event, FIELD_file_type, record->mode, file_event_types,
				     array_count(file_event_types));
	if (record->links > 1)
		event_number(event, FIELD_file_links, record->links);
}

void file_event_put_mask(struct event *event, uint64_t mask)
{
	file_event_put_words(event, FIELD_file_mask, (uint32_t)mask, file_event_masks,
			     array_count(file_event_masks));
}

/* What there is to say of it. */
static unsigned int file_event_says(const struct ring_file *record)
{
	unsigned int says = file_event_rows[record->what].says;

	if (record->facts & RING_FILE_gone)
		return 0;
	if (record->facts & RING_FILE_marked)
		says &= ~(unsigned int)(SAYS_flags | SAYS_protection | SAYS_sums);
	return says;
}

bool file_event_fill(struct event *event, const struct ring_file *record)
{
	if (record->what == RING_FILE_none || record->what >= RING_FILE_COUNT ||
	    (uint64_t)record->path_bytes + record->other_bytes > RING_FILE_NAMES)
		return false;
	event_init(event, file_event_rows[record->what].kind,
		   clock_wall_of_boot(record->head.boot_ns), record->head.boot_ns);
	if (record->head.pid) /* otherwise nobody saw who it was */
		event_number(event, FIELD_pid, record->head.pid);
	if (record->head.tid != record->head.pid)
		event_number(event, FIELD_tid, record->head.tid);
	file_event_put_paths(event, record);
	file_event_put_numbers(event, record);
	file_event_put_particular(event, record, file_event_says(record));
	if (record->result < 0)
		event_copy(event, FIELD_error_type, slice_of(bpf_errno_name(-record->result)));
	if (record->held)
		event_number(event, FIELD_file_held, record->held);
	return true;
}
