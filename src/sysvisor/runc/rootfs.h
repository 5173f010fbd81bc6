/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs - the container's root file system, shown with the container's ids.
 *
 * Nothing is copied and nothing is chowned. What the engine has given to the container's ids
 * already is taken as it is; a plain file system is id-mapped; an overlay, which can't be id-mapped
 * itself, is mounted a second time over id-mapped layers, by a mounter with the ids of root inside.
 */
#ifndef SYSVISOR_RUNC_ROOTFS_H
#define SYSVISOR_RUNC_ROOTFS_H

#include "base/text.h"
#include "sysvisor/runc/plan.h"

/* Returns a detached mount. `userns_fd`: the container's, with its maps written. */
must_check int rootfs_open(const struct plan *plan, int userns_fd, struct error *err);

/* The layers of an overlay, from the options that /proc/PID/mountinfo shows. For tests. */
struct overlay_layers {
	struct spec_words lower; /* the uppermost first */
	const char *upper, *work;
	struct spec_words other; /* options that are passed on */
};
#define OVERLAY_LAYERS 512
must_check int rootfs_parse_overlay(struct slice options, struct arena *arena,
				    struct overlay_layers *ret, struct error *err);

/* What disappears when the engine removes the container for good: the directory that holds the
 * upper layer. Empty where there is none. */
void rootfs_storage(const char *rootfs, struct arena *arena, struct text *out);
/* Appends a layer's path, which an engine may have given relative to where it was. */
void rootfs_layer_path(const char *rootfs, const char *layer, struct text *out);

/* Mounts the layers a second time, with the ids of a user namespace; see overlay.c. */
must_check int overlay_mount(const struct plan *plan, int userns_fd,
			     const struct overlay_layers *layers, struct error *err);
/* Removes what the second mount has left beside the upper layer; `storage` is rootfs_storage()'s,
 * and that there is nothing is fine. */
void overlay_clean(const char *storage);

#endif
