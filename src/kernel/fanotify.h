/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fanotify - marks on directories and files, and what the kernel tells of them (fanotify(7)).
 *
 * Groups report by file handle: a record names a directory by its handle and what lies in it by
 * name, which costs the program that is watched no descriptor, and costs those that aren't nothing.
 */
#ifndef KERNEL_FANOTIFY_H
#define KERNEL_FANOTIFY_H

#include <sys/types.h>

#include "base/error.h"
#include "base/slice.h"

/* What a kernel can tell of a rename. */
enum fanotify_grade {
	FANOTIFY_whole,	 /* both names in one record, and the handle of what has them; 5.17 */
	FANOTIFY_halves, /* the old name and the new one apart; 5.9 */
};

/* A file or directory as records have it: file system, then struct file_handle. */
#define FANOTIFY_KEY_BYTES (8 + 8 + 128)
struct fanotify_key {
	size_t bytes;
	char at[FANOTIFY_KEY_BYTES];
};

struct fanotify_record {
	uint64_t mask; /* FAN_*; several where the kernel has merged what one process did */
	uint32_t pid;  /* 0: of another pid namespace */
	struct slice directory, name;	    /* where; a rename's old place. "." is the directory */
	struct slice to_directory, to_name; /* a rename's new one */
	struct slice file;		    /* what; empty: not told */
};

/* Takes a record off what read(2) gave: 1; 0: nothing is left; -EBADMSG: it isn't one. Slices lie
 * in `bytes`. */
must_check int fanotify_next(struct slice *bytes, struct fanotify_record *ret_record);

/* A group; the fd doesn't block. Needs CAP_SYS_ADMIN. */
must_check int fanotify_new(enum fanotify_grade grade, struct error *err);

/* What records will call an open file (O_PATH will do), or -errno. */
must_check int fanotify_identify(int fd, struct fanotify_key *ret_key);

/* Opens what a key names, on the file system of `on_fd` (not O_PATH), with O_PATH; -errno. */
must_check int fanotify_open(int on_fd, struct slice key);

/* Whether an open file (O_PATH will do) is what the key names. */
bool fanotify_is(int fd, struct slice key);

#endif
