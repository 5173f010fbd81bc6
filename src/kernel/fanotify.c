/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/fanotify.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#define FANOTIFY_FSID_BYTES   8
#define FANOTIFY_HANDLE_BYTES 8 /* length and type, before the handle itself */

#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID 0x200 /* a handle to compare, not to open; kernel 6.5 */
#endif

/* --- records --- */

/* An info record's key, and the name behind it, which ends in NUL. */
static bool fanotify_split(struct slice info, struct slice *ret_key, struct slice *ret_name)
{
	uint32_t handle_bytes;
	const char *end;

	if (info.bytes < FANOTIFY_FSID_BYTES + FANOTIFY_HANDLE_BYTES)
		return false;
	memcpy(&handle_bytes, info.at + FANOTIFY_FSID_BYTES, sizeof(handle_bytes));
	if (handle_bytes > info.bytes - FANOTIFY_FSID_BYTES - FANOTIFY_HANDLE_BYTES)
		return false;
	*ret_key = slice_first(info,
			       FANOTIFY_FSID_BYTES + FANOTIFY_HANDLE_BYTES + (size_t)handle_bytes);
	if (!ret_name)
		return true;
	*ret_name = slice_skip(info, ret_key->bytes);
	end = ret_name->bytes ? memchr(ret_name->at, '\0', ret_name->bytes) : NULL;
	if (end)
		*ret_name = slice_first(*ret_name, (size_t)(end - ret_name->at));
	return end;
}

static bool fanotify_take_info(struct fanotify_record *record, unsigned int type, struct slice info)
{
	switch (type) {
	case FAN_EVENT_INFO_TYPE_FID:
		return fanotify_split(info, &record->file, NULL);
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
		return fanotify_split(info, &record->directory, &record->name);
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		return fanotify_split(info, &record->to_directory, &record->to_name);
	default:
		return true; /* a newer kernel's */
	}
}

static bool fanotify_take_infos(struct fanotify_record *record, struct slice infos)
{
	while (infos.bytes) {
		struct fanotify_event_info_header header;

		if (infos.bytes < sizeof(header))
			return false;
		memcpy(&header, infos.at, sizeof(header));
		if (header.len < sizeof(header) || header.len > infos.bytes ||
		    !fanotify_take_info(record, header.info_type,
					slice_skip(slice_first(infos, header.len), sizeof(header))))
			return false;
		infos = slice_skip(infos, header.len);
	}
	return true;
}

int fanotify_next(struct slice *bytes, struct fanotify_record *ret_record)
{
	struct fanotify_event_metadata head;

	if (bytes->bytes == 0)
		return 0;
	if (bytes->bytes < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes->at, sizeof(head));
	if (head.vers != FANOTIFY_METADATA_VERSION || head.metadata_len < sizeof(head) ||
	    head.event_len < head.metadata_len || head.event_len > bytes->bytes)
		return -EBADMSG;
	*ret_record = (struct fanotify_record){ .mask = head.mask, .pid = (uint32_t)head.pid };
	if (!fanotify_take_infos(
		    ret_record, slice_skip(slice_first(*bytes, head.event_len), head.metadata_len)))
		return -EBADMSG;
	*bytes = slice_skip(*bytes, head.event_len);
	return 1;
}

/* --- groups and handles --- */

int fanotify_new(enum fanotify_grade grade, struct error *err)
{
	unsigned int flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS |
			     FAN_REPORT_DFID_NAME | FAN_REPORT_FID;
	int fd;

	if (grade == FANOTIFY_whole)
		flags |= FAN_REPORT_TARGET_FID;
	fd = fanotify_init(flags, O_RDONLY);
	if (fd >= 0)
		return fd;
	if (errno == EINVAL)
		return error_say(err, ENOTSUP, "needs kernel %s",
				 grade == FANOTIFY_whole ? "5.17" : "5.9");
	if (errno == EPERM)
		return error_say(err, EPERM, "needs CAP_SYS_ADMIN on the host");
	return error_errno(err, errno, "make a group of fanotify");
}

struct fanotify_handle {
	struct file_handle head;
	char room[FANOTIFY_KEY_BYTES - FANOTIFY_FSID_BYTES - FANOTIFY_HANDLE_BYTES];
};

/* Returns the bytes of head and handle, or -errno. */
static int fanotify_handle_of(int fd, struct fanotify_handle *handle)
{
	static const int tries[] = { AT_EMPTY_PATH | AT_HANDLE_FID, AT_EMPTY_PATH };
	int mount_id;

	for (size_t n = 0; n < array_count(tries); n++) {
		handle->head.handle_bytes = sizeof(handle->room);
		if (name_to_handle_at(fd, "", &handle->head, &mount_id, tries[n]) == 0)
			return FANOTIFY_HANDLE_BYTES + (int)handle->head.handle_bytes;
		if (errno != EINVAL)
			break;
	}
	return -errno;
}

int fanotify_identify(int fd, struct fanotify_key *ret_key)
{
	struct fanotify_handle handle;
	struct statfs stat;
	int bytes = fanotify_handle_of(fd, &handle);

	if (bytes < 0)
		return bytes;
	if (fstatfs(fd, &stat) < 0)
		return -errno;
	_Static_assert(sizeof(stat.f_fsid) == FANOTIFY_FSID_BYTES, "as in records");
	memcpy(ret_key->at, &stat.f_fsid, FANOTIFY_FSID_BYTES);
	memcpy(ret_key->at + FANOTIFY_FSID_BYTES, &handle, (size_t)bytes);
	ret_key->bytes = FANOTIFY_FSID_BYTES + (size_t)bytes;
	return 0;
}

int fanotify_open(int on_fd, struct slice key)
{
	struct fanotify_handle handle;
	struct slice bytes = slice_skip(key, FANOTIFY_FSID_BYTES);
	struct statfs stat;
	int fd;

	if (bytes.bytes > sizeof(handle))
		return -EINVAL;
	if (fstatfs(on_fd, &stat) < 0)
		return -errno;
	if (memcmp(&stat.f_fsid, key.at, FANOTIFY_FSID_BYTES) != 0)
		return -EXDEV;
	memcpy(&handle, bytes.at, bytes.bytes);
	fd = open_by_handle_at(on_fd, &handle.head, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool fanotify_is(int fd, struct slice key)
{
	struct fanotify_handle handle;
	int bytes = fanotify_handle_of(fd, &handle);

	return bytes >= 0 && slice_eq((struct slice){ (const char *)&handle, (size_t)bytes },
				      slice_skip(key, FANOTIFY_FSID_BYTES));
}
