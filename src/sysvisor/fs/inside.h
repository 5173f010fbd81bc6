/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inside - the kernel's own keys below /proc/sys, as a container's root would meet them: looked up
 * in its namespaces, with its user id, and of all capabilities the one over networks, for keys of
 * its network. What he may write is for the kernel to say, which knows his namespaces' keys from
 * the host's. Host and domain name are the exception: they are the namespace's, but the kernel lets
 * nobody but the host's root write them; whoever asks for those (`as_root`) has checked the path.
 *
 * The thread itself steps into the namespaces and back; no helper process (but for user/, which is
 * rare: the kernel lets no thread into a user namespace), and nothing of the container's own mounts
 * is touched, so that no request of ours can wait for another of ours.
 * Paths are below /proc/sys: "net/ipv4/ip_forward".
 */
#ifndef SYSVISOR_FS_INSIDE_H
#define SYSVISOR_FS_INSIDE_H

#include <sys/stat.h>

#include "sysvisor/fs/container.h"

struct inside {
	int sys_fd;			 /* the host's /proc/sys */
	int namespaces[NAMESPACE_COUNT]; /* our own, to come back */
};

must_check int inside_open(struct inside *inside, struct error *err);
void inside_close(struct inside *inside);

/* Once on each thread that calls the others. */
must_check int inside_prepare_thread(struct error *err);

must_check int inside_stat(const struct inside *inside, const struct container *container,
			   struct slice path, struct stat *ret_info);
/* Whether it may be opened so: O_RDONLY, O_WRONLY, O_RDWR. */
must_check int inside_may_open(const struct inside *inside, const struct container *container,
			       struct slice path, int flags);
must_check int inside_read(const struct inside *inside, const struct container *container,
			   struct slice path, struct text *text);
must_check int inside_write(const struct inside *inside, const struct container *container,
			    struct slice path, struct slice value, bool as_root);
/* Calls with each entry of a directory. */
must_check int inside_list(const struct inside *inside, const struct container *container,
			   struct slice path,
			   void (*found)(struct slice name, unsigned char type, void *owner),
			   void *owner);

/* Ranges of group ids (ping_group_range) as the container counts them, and back. An empty range
 * ("1 0") stays. False: it is no range, or reaches beyond the container's ids. Pure. */
bool inside_groups_inner(struct slice outer, uint32_t gid, uint32_t count, struct text *out);
bool inside_groups_outer(struct slice inner, uint32_t gid, uint32_t count, struct text *out);

#endif
