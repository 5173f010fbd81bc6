/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter - the container's system call filter, compiled outside of it and loaded by its process.
 *
 * An engine's filter is made for containers without rights of their own. A system container's root
 * has all of them inside its user namespace, so what the filter refuses for want of privilege
 * (mount, pivot_root, unshare ...) is allowed there, and the kernel decides.
 */
#ifndef SYSVISOR_RUNC_FILTER_H
#define SYSVISOR_RUNC_FILTER_H

#include <linux/filter.h>

#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/state.h"

struct filter {
	struct sock_fprog program;
	unsigned int flags; /* SECCOMP_FILTER_FLAG_* */
	bool listens;	    /* calls are told to whoever has the listener */
};

/* `is_plain`: the filter as it is. An empty program where there is none. */
must_check int filter_compile(const struct spec_seccomp *spec, bool is_plain,
			      struct filter *ret_filter, struct error *err);
/* The calls that sysvisor-fs makes for the container (sysvisor/common/trapped.h); `options`:
 * TRAPPED_if_*. */
must_check int filter_compile_traps(unsigned int options, struct filter *ret_filter,
				    struct error *err);
void filter_done(struct filter *filter);

/* Keeps a compiled filter in a directory, and reads it back; none kept is an empty program. */
must_check int filter_save(const struct filter *filter, int dir_fd, const char *name,
			   struct error *err);
must_check int filter_restore(int dir_fd, const char *name, struct filter *ret_filter,
			      struct error *err);

/* Puts it in force, and sends its listener, if it has one, with `word` over `channel_fd`; an empty
 * program is fine. */
must_check int filter_load(const struct filter *filter, enum channel_word word, int channel_fd,
			   struct error *err);

#endif
