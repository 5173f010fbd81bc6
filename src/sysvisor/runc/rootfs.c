/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/file.h"
#include "base/text.h"

#define ROOTFS_MOUNTINFO_LIMIT (16u << 20)

/* --- the options of an overlay --- */

/* mountinfo writes blanks, tabs, newlines and backslashes as \ooo, overlay itself a ':' in a path
 * as "\:". */
static char *rootfs_unescape(struct arena *arena, struct slice in)
{
	char *out = arena_take(arena, in.bytes + 1), *at = out;

	for (size_t n = 0; out && n < in.bytes; n++) {
		if (in.at[n] == '\\' && n + 3 < in.bytes && in.at[n + 1] >= '0' &&
		    in.at[n + 1] <= '3') {
			*at++ = (char)((in.at[n + 1] - '0') << 6 | (in.at[n + 2] - '0') << 3 |
				       (in.at[n + 3] - '0'));
			n += 3;
		} else if (in.at[n] == '\\' && n + 1 < in.bytes) {
			*at++ = in.at[++n];
		} else {
			*at++ = in.at[n];
		}
	}
	return out;
}

/* Cuts at a ':' that isn't escaped, as "\:" or "\134:". */
static bool rootfs_next_layer(struct slice *rest, struct slice *layer)
{
	size_t n = 0;

	if (rest->bytes == 0)
		return false;
	while (n < rest->bytes && !(rest->at[n] == ':' && (n == 0 || rest->at[n - 1] != '\\') &&
				    (n < 4 || memcmp(rest->at + n - 4, "\\134", 4) != 0)))
		n++;
	*layer = slice_first(*rest, n);
	*rest = slice_skip(*rest, n + 1);
	return true;
}

static bool rootfs_passes(struct slice option)
{
	static const char *const passed[] = { "index=",	       "xino=",	      "metacopy=",
					      "redirect_dir=", "nfs_export=", "userxattr",
					      "volatile",      "uuid=",	      "verity=" };

	for (size_t n = 0; n < array_count(passed); n++)
		if (slice_starts(option, slice_of(passed[n])))
			return true;
	return false;
}

static int rootfs_add_word(struct spec_words *words, const char *word, struct error *err)
{
	if (!word)
		return error_errno(err, ENOMEM, "read the overlay's options");
	if (words->count == OVERLAY_LAYERS)
		return error_say(err, E2BIG, "the overlay has more than %d layers", OVERLAY_LAYERS);
	words->at[words->count++] = word;
	return 0;
}

static int rootfs_add_lowers(struct slice value, struct arena *arena, struct overlay_layers *layers,
			     struct error *err)
{
	struct slice layer;
	int r = 0;

	while (r == 0 && rootfs_next_layer(&value, &layer)) {
		if (layer.bytes == 0)
			return error_say(
				err, ENOSYS,
				"not supported: an overlay with data-only layers (\"::\"), "
				"because they can't be mapped");
		r = rootfs_add_word(&layers->lower, rootfs_unescape(arena, layer), err);
	}
	return r;
}

int rootfs_parse_overlay(struct slice options, struct arena *arena, struct overlay_layers *ret,
			 struct error *err)
{
	struct slice option;
	int r = 0;

	*ret = (struct overlay_layers){
		.lower.at = arena_take(arena, OVERLAY_LAYERS * sizeof(char *)),
		.other.at = arena_take(arena, OVERLAY_LAYERS * sizeof(char *)),
	};
	if (!ret->lower.at || !ret->other.at)
		return error_errno(err, ENOMEM, "read the overlay's options");
	while (r == 0 && slice_next(&options, ',', &option)) {
		if (slice_eat(&option, SLICE("lowerdir=")))
			r = rootfs_add_lowers(option, arena, ret, err);
		else if (slice_eat(&option, SLICE("lowerdir+=")))
			r = rootfs_add_word(&ret->lower, rootfs_unescape(arena, option), err);
		else if (slice_eat(&option, SLICE("upperdir=")))
			ret->upper = rootfs_unescape(arena, option);
		else if (slice_eat(&option, SLICE("workdir=")))
			ret->work = rootfs_unescape(arena, option);
		else if (rootfs_passes(option))
			r = rootfs_add_word(&ret->other, rootfs_unescape(arena, option), err);
	}
	return r;
}

/* The options of the overlay that is mounted at a path, from the last line that names it. */
static int rootfs_overlay_options(const char *path, struct text *mountinfo, struct slice *ret,
				  struct error *err)
{
	struct slice rest, line, word = { 0 };
	struct statx stat;
	char id[24];
	int r;

	if (statx(AT_FDCWD, path, 0, STATX_MNT_ID, &stat) < 0)
		return error_errno(err, errno, "look at '%s'", path);
	snprintf(id, sizeof(id), "%llu ", (unsigned long long)stat.stx_mnt_id);
	r = file_read("/proc/self/mountinfo", ROOTFS_MOUNTINFO_LIMIT, mountinfo, err);
	if (r < 0)
		return r;
	rest = text_slice(mountinfo);
	while (slice_next(&rest, '\n', &line)) {
		ssize_t at;

		if (!slice_starts(line, slice_of(id)))
			continue;
		at = slice_find(line, SLICE(" - overlay "));
		if (at < 0)
			break;
		line = slice_skip(line, (size_t)at + strlen(" - overlay "));
		slice_cut(&line, ' ', &word); /* the source */
		*ret = line;
		return 0;
	}
	return error_say(err, ENOENT, "'%s' is no overlay of its own in /proc/self/mountinfo",
			 path);
}

/* Engines with long lists of layers mount from inside a directory, and name layers relative to it:
 * Docker's is that of its driver, which is two above "merged". */
void rootfs_layer_path(const char *rootfs, const char *layer, struct text *out)
{
	struct slice base = slice_of(rootfs);

	for (int n = 0; n < 2 && layer[0] != '/'; n++) {
		ssize_t at = slice_find_last(base, SLICE("/"));

		base = slice_first(base, at < 0 ? 0 : (size_t)at);
	}
	if (layer[0] != '/')
		text_printf(out, "%.*s/", SLICE_ARG(base));
	text_put(out, slice_of(layer));
}

void rootfs_storage(const char *rootfs, struct arena *arena, struct text *out)
{
	auto_text struct text mountinfo = { 0 }, upper = { 0 };
	struct overlay_layers layers;
	struct slice options, path;
	struct statfs fs;

	if (statfs(rootfs, &fs) < 0 || fs.f_type != OVERLAYFS_SUPER_MAGIC ||
	    rootfs_overlay_options(rootfs, &mountinfo, &options, NULL) < 0 ||
	    rootfs_parse_overlay(options, arena, &layers, NULL) < 0 || !layers.upper)
		return;
	rootfs_layer_path(rootfs, layers.upper, &upper);
	path = text_slice(&upper);
	text_put(out, slice_first(path, (size_t)slice_find_last(path, SLICE("/"))));
}

static int rootfs_overlay(const struct plan *plan, int userns_fd, struct error *err)
{
	auto_text struct text mountinfo = { 0 };
	struct overlay_layers layers;
	struct slice options;
	int r = rootfs_overlay_options(plan->rootfs, &mountinfo, &options, err);

	if (r == 0)
		r = rootfs_parse_overlay(options, plan->arena, &layers, err);
	return r < 0 ? r : overlay_mount(plan, userns_fd, &layers, err);
}

/* --- */

static int rootfs_mapped(const struct plan *plan, int userns_fd, struct error *err)
{
	auto_fd int fd = mount_clone(AT_FDCWD, plan->rootfs, true, true, err);
	int r;

	if (fd < 0)
		return fd;
	r = mount_id_map(fd, userns_fd, true, err);
	if (r == -EINVAL)
		return error_say(err, EINVAL,
				 "'%s' lies on a file system that can't show other ids; put it on "
				 "ext4, xfs, btrfs or tmpfs, or give it to id %u and set "
				 "linux.uidMappings",
				 plan->rootfs, plan->host_uid);
	if (r == -EPERM)
		return error_say(err, EPERM,
				 "'%s' (or a mount in it) is id-mapped already, or not ours to map",
				 plan->rootfs);
	return r < 0 ? r : take_fd(&fd);
}

static int rootfs_choose(const struct plan *plan, int userns_fd, struct error *err)
{
	struct statfs fs;
	struct stat stat_;
	uint32_t inner;

	if (stat(plan->rootfs, &stat_) < 0)
		return error_errno(err, errno, "look at '%s'", plan->rootfs);
	if (!S_ISDIR(stat_.st_mode))
		return error_say(err, ENOTDIR, "'%s' is no directory", plan->rootfs);
	if (id_map_inner(&plan->uid_map, stat_.st_uid, &inner))
		return mount_clone(AT_FDCWD, plan->rootfs, true, true, err);
	if (statfs(plan->rootfs, &fs) < 0)
		return error_errno(err, errno, "look at '%s'", plan->rootfs);
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
		return rootfs_overlay(plan, userns_fd, err);
	return rootfs_mapped(plan, userns_fd, err);
}

int rootfs_open(const struct plan *plan, int userns_fd, struct error *err)
{
	auto_fd int fd = rootfs_choose(plan, userns_fd, err);
	/* What is mounted inside stays inside, what the host mounts below it comes in only where
	 * that is asked for. */
	struct mount_options options = { .propagation = MS_PRIVATE, .propagation_deep = true };
	int r;

	if (fd < 0)
		return error_wrap(err, fd, "root file system");
	r = mount_apply(fd, &options, err);
	return r < 0 ? error_wrap(err, r, "root file system") : take_fd(&fd);
}
