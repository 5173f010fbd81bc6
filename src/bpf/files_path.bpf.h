/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * files_path - where a file lies, and whether that is watched.
 *
 * What is watched is a tree of names (`file_steps`), and directories and files known by their
 * numbers (`file_ids`), since one may be reached in several ways. Going down from the root, each
 * name leads to a state: a node of the tree, if the names so far are in it, and whether what lies
 * here is watched. The state of a directory depends on nothing but the directories above it, so it
 * is kept; a file costs one look at the state of its directory.
 *
 * A path is as the process sees it: up to its root directory, through the mounts of its namespace.
 */
#ifndef BPF_FILES_PATH_BPF_H
#define BPF_FILES_PATH_BPF_H

#include "bpf/path.bpf.h"

#define FILE_DEPTH  64	 /* directories and mounts above a file that are followed */
#define FILE_SLOTS  1024 /* directories whose state is kept, for each processor */
#define FILE_MOUNTS 256	 /* mounts of a file system that are looked at */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ring_file_step);
	__type(value, struct ring_file_node);
} file_steps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ring_file_id);
	__type(value, __u32); /* enum ring_file_rule */
} file_ids SEC(".maps");

/* Set when it has been loaded. */
__u32 file_root_watched = 0;
__u32 file_id_count = 0;
__u32 file_id_count_files = 0; /* those that are no directories */

/* Changes when a directory moves, or a mount does: states of before don't hold any more. */
__u32 file_epoch = 0;

struct file_slot {
	struct path_place place;
	__u64 root;	  /* the process's root directory */
	__u64 inode, ino; /* addresses are used again; a directory's number with it hardly */
	__u32 epoch, state;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FILE_SLOTS);
	__type(key, __u32);
	__type(value, struct file_slot);
} file_slots SEC(".maps");

/* On the way up or down. */
struct file_walk {
	struct path_place root; /* the process's */
	struct path_place at;
	__u32 count; /* of chain: directories whose state isn't known yet, the lowest first */
	__u32 state, epoch;
	__u32 bytes;  /* of names so far */
	__u32 covers; /* the last step was off a mount */
	__u32 pad;
	struct path_place chain[FILE_DEPTH];
};

/* A program of its own each, so that none disturbs another that was interrupted. */
enum file_scratch_user {
	FILE_SCRATCH_open,
	FILE_SCRATCH_name,
	FILE_SCRATCH_close,
	FILE_SCRATCH_COUNT
};

/* A name in a directory of which the mount isn't known yet. */
struct file_named {
	struct path_place directory;
	const void *name; /* the kernel's; NULL: there is none */
	bool watched;
};

struct file_change {
	struct file_named name, other; /* other: what it becomes, or one more */
	__u64 inode;
	__u32 what, pad;
};

/* What doesn't fit on the stack. */
struct file_scratch {
	struct file_walk walk;
	struct file_change change;
	struct ring_file record;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FILE_SCRATCH_COUNT);
	__type(key, __u32);
	__type(value, struct file_scratch);
} file_scratch SEC(".maps");

static struct file_scratch *file_get_scratch(__u32 user)
{
	return bpf_map_lookup_elem(&file_scratch, &user);
}

static void file_forget_states(void)
{
	__sync_fetch_and_add(&file_epoch, 1);
}

/* --- small steps --- */

static struct inode *file_inode_of(__u64 dentry)
{
	return BPF_CORE_READ((struct dentry *)dentry, d_inode);
}

/* Mounts that the kernel made for itself, such as those below an overlay, have no namespace. */
static bool file_is_seen(__u64 mount)
{
	__u64 space = (__u64)BPF_CORE_READ(path_mount_of(mount), mnt_ns);

	return space != 0 && space < (__u64)-4095;
}

/* --- states --- */

static struct file_slot *file_find_slot(const struct path_place *place)
{
	__u64 mix = (place->dentry >> 6) * 0x9e3779b97f4a7c15ull ^ place->mount >> 6;
	__u32 at = (mix >> 32 ^ mix) % FILE_SLOTS;

	return bpf_map_lookup_elem(&file_slots, &at);
}

/* Whether the slot says the state of this directory. */
static bool file_slot_holds(const struct file_slot *slot, const struct path_place *place,
			    __u64 root)
{
	struct inode *inode;

	if (slot->place.dentry != place->dentry || slot->place.mount != place->mount ||
	    slot->root != root || slot->epoch != file_epoch)
		return false;
	inode = file_inode_of(place->dentry);
	return slot->inode == (__u64)inode && slot->ino == BPF_CORE_READ(inode, i_ino);
}

static void file_keep_slot(const struct path_place *place, __u64 root, __u32 epoch, __u32 state)
{
	struct file_slot *slot = file_find_slot(place);
	struct inode *inode = file_inode_of(place->dentry);

	if (!slot)
		return;
	slot->place.dentry = 0;
	barrier();
	slot->place.mount = place->mount;
	slot->root = root;
	slot->inode = (__u64)inode;
	slot->ino = BPF_CORE_READ(inode, i_ino);
	slot->epoch = epoch;
	slot->state = state;
	barrier();
	slot->place.dentry = place->dentry;
}

static __u32 file_follow_rule(__u32 state, __u32 rule)
{
	if (rule == RING_FILE_RULE_watch)
		return state | 1;
	return rule == RING_FILE_RULE_exclude ? state & ~1u : state;
}

static void file_get_id(struct ring_file_id *id, struct inode *inode)
{
	id->inode = BPF_CORE_READ(inode, i_ino);
	id->device = BPF_CORE_READ(inode, i_sb, s_dev);
}

static __u32 file_step_inode(__u32 state, struct inode *inode)
{
	struct ring_file_id id = {};
	__u32 *rule;

	if (file_id_count == 0)
		return state;
	file_get_id(&id, inode);
	rule = bpf_map_lookup_elem(&file_ids, &id);
	return rule ? file_follow_rule(state, *rule) : state;
}

/* A part of a watched directory may be mounted elsewhere: what holds for the nearest directory
 * above that is known by its number. */
CHECKED_ONCE int file_step_source(__u32 state, __u64 dentry)
{
	for (int n = 0; n < FILE_DEPTH; n++) {
		struct ring_file_id id = {};
		__u32 *rule;
		__u64 up;

		file_get_id(&id, file_inode_of(dentry));
		rule = bpf_map_lookup_elem(&file_ids, &id);
		if (rule)
			return file_follow_rule(state, *rule);
		up = path_parent_of(dentry);
		if (up == dentry)
			return state;
		dentry = up;
	}
	return state;
}

static __u32 file_step_name(__u32 state, const void *name)
{
	struct ring_file_step step = {};
	struct ring_file_node *node;

	if (state >> 1 == 0)
		return state;
	step.node = state >> 1;
	/* A longer name is cut, and then in no tree: those have shorter ones. */
	bpf_probe_read_kernel_str(step.name, sizeof(step.name), name);
	node = bpf_map_lookup_elem(&file_steps, &step);
	if (!node)
		return state & 1;
	return file_follow_rule(node->node << 1 | (state & 1), node->rule);
}

/* In a chain: the root of a mount, whose name is its mount point's. */
#define FILE_NAMELESS 1ull

static __u32 file_root_state(void)
{
	return RING_FILE_ROOT << 1 | file_root_watched;
}

static enum path_way file_found(struct file_walk *walk, __u32 state)
{
	walk->state = state;
	return PATH_done;
}

/* One step up, to a directory whose state is known. */
CHECKED_ONCE int file_climb_step(struct file_walk *walk)
{
	struct path_place place;
	struct file_slot *slot;
	__u64 root, up;
	__u32 count;

	if (!walk)
		return PATH_done;
	place = walk->at;
	root = walk->root.dentry;
	if (place.dentry == root && place.mount == walk->root.mount)
		return file_found(walk, file_root_state());
	slot = file_find_slot(&place);
	if (slot && file_slot_holds(slot, &place, root))
		return file_found(walk, slot->state);
	count = walk->count;
	barrier_var(count);
	if (count >= FILE_DEPTH)
		return PATH_full;
	walk->chain[count] = place;
	if (place.dentry == path_top_of(place.mount)) {
		walk->chain[count].dentry |= FILE_NAMELESS;
		/* What is mounted on another mount's root hides that. */
		if (!walk->covers)
			walk->count = count + 1;
		walk->covers = 1;
		if (!path_off_mount(&walk->at))
			return file_found(walk, file_is_seen(place.mount) ? file_root_state() : 0);
		return PATH_more;
	}
	walk->count = count + 1;
	walk->covers = 0;
	up = path_parent_of(place.dentry);
	if (up == place.dentry) {
		walk->count = 0; /* not below the mount: nobody sees it there */
		return file_found(walk, 0);
	}
	walk->at.dentry = up;
	return PATH_more;
}

/* One step down again. */
CHECKED_ONCE int file_descend_step(struct file_walk *walk)
{
	struct path_place place;
	__u32 count, state;

	if (!walk)
		return PATH_done;
	count = walk->count - 1;
	barrier_var(count);
	if (count >= FILE_DEPTH)
		return PATH_done; /* there was none */
	place = walk->chain[count];
	walk->count = count;
	state = walk->state;
	if (place.dentry & FILE_NAMELESS) {
		place.dentry &= ~FILE_NAMELESS;
		if (file_id_count)
			state = file_step_source(state, place.dentry);
	} else {
		state = file_step_name(state, path_name_of(place.dentry));
		state = file_step_inode(state, file_inode_of(place.dentry));
	}
	file_keep_slot(&place, walk->root.dentry, walk->epoch, state);
	walk->state = state;
	return PATH_more;
}

static void file_get_root(struct path_place *place, struct task_struct *task)
{
	struct path path;

	BPF_CORE_READ_INTO(&path, task, fs, root);
	place->dentry = (__u64)path.dentry;
	place->mount = (__u64)path.mnt;
}

/* The state of the directory walk->at, looked for from the root down. */
CHECKED_ONCE int file_find_state(struct file_walk *walk)
{
	int way = PATH_more;

	if (!walk)
		return 0;
	file_get_root(&walk->root, bpf_get_current_task_btf());
	walk->epoch = file_epoch;
	walk->count = walk->covers = 0;
	for (int n = 0; n <= FILE_DEPTH && way == PATH_more; n++)
		way = file_climb_step(walk);
	if (way != PATH_done)
		return 1; /* too deep to say that it isn't watched */
	way = PATH_more;
	for (int n = 0; n <= FILE_DEPTH && way == PATH_more; n++)
		way = file_descend_step(walk);
	return walk->state;
}

static __u32 file_state(struct file_walk *walk, struct task_struct *task,
			const struct path_place *directory)
{
	__u64 root = (__u64)BPF_CORE_READ(task, fs, root.dentry);
	struct file_slot *slot = file_find_slot(directory);

	if (slot && file_slot_holds(slot, directory, root))
		return slot->state;
	walk->at = *directory;
	return file_find_state(walk);
}

/* What nearly all opens come to: the file's directory is known to lie elsewhere. As little as can
 * be is read for that. A file that is mounted by itself is in no directory of its mount, and of
 * those alone a state is kept. */
static bool file_is_elsewhere(struct task_struct *task, const struct path *path)
{
	struct path_place directory = { .mount = (__u64)path->mnt };
	struct file_slot *slot;

	directory.dentry = path_parent_of((__u64)path->dentry);
	slot = file_find_slot(&directory);
	return slot && slot->state == 0 && file_id_count_files == 0 &&
	       file_slot_holds(slot, &directory, (__u64)task->fs->root.dentry);
}

/* Whether a file is watched that has this name in the directory. */
static bool file_watches(struct file_walk *walk, struct task_struct *task,
			 const struct path_place *directory, const void *name, struct inode *inode)
{
	__u32 state = file_state(walk, task, directory);

	if (state >> 1 == 0 && file_id_count_files == 0)
		return state & 1;
	state = file_step_name(state, name);
	return file_step_inode(state, inode) & 1;
}

/* --- names --- */

/* Adds a name at the end. */
static enum path_way file_add_name(struct file_scratch *scratch, const void *name)
{
	__u32 at = scratch->walk.bytes;
	long n;

	barrier_var(at);
	if (at > RING_FILE_NAMES - (RING_FILE_NAME + 1))
		return PATH_full;
	n = bpf_probe_read_kernel_str(scratch->record.names + at, RING_FILE_NAME + 1, name);
	if (n > 0)
		scratch->walk.bytes = at + n;
	return PATH_more;
}

/* One step up, the name of the directory walk.at noted. */
CHECKED_ONCE int file_path_step(struct file_scratch *scratch)
{
	const void *name;
	int way;

	if (!scratch)
		return PATH_done;
	way = path_up(&scratch->walk.at, &scratch->walk.root, &name);
	return way == PATH_more && name ? file_add_name(scratch, name) : way;
}

/* Adds the names from the directory walk.at up to the root behind those that are there. */
CHECKED_ONCE int file_add_path(struct file_scratch *scratch)
{
	int way = PATH_more;

	if (!scratch)
		return PATH_done;
	for (int n = 0; n < FILE_DEPTH && way == PATH_more; n++)
		way = file_path_step(scratch);
	return way;
}

/* --- an inode's names and mounts, for what knows no path --- */

static __u64 file_first_alias(struct inode *inode)
{
	__u64 node = (__u64)BPF_CORE_READ(inode, i_dentry.first);

	return node ? node - bpf_core_field_offset(struct dentry, d_u.d_alias) : 0;
}

static __u64 file_next_alias(__u64 dentry)
{
	__u64 node = (__u64)BPF_CORE_READ((struct dentry *)dentry, d_u.d_alias.next);

	return node ? node - bpf_core_field_offset(struct dentry, d_u.d_alias) : 0;
}

static __u64 file_first_mount(struct super_block *sb)
{
	struct mount *mount = NULL;
	struct mount___list *listed = (void *)mount;
	__u64 node;

	if (bpf_core_field_exists(mount->mnt_next_for_sb))
		return (__u64)BPF_CORE_READ(sb, s_mounts);
	node = (__u64)BPF_CORE_READ((struct super_block___list *)sb, s_mounts.next);
	return node - bpf_core_field_offset(listed->mnt_instance);
}

static __u64 file_next_mount(__u64 at)
{
	struct mount *mount = (void *)at;
	struct mount___list *listed = (void *)at;

	if (bpf_core_field_exists(mount->mnt_next_for_sb))
		return (__u64)BPF_CORE_READ(mount, mnt_next_for_sb);
	return (__u64)BPF_CORE_READ(listed, mnt_instance.next) -
	       bpf_core_field_offset(listed->mnt_instance);
}

/* Whether the directory lies at or below what is mounted. */
CHECKED_ONCE int file_is_below(__u64 dentry, __u64 top)
{
	for (int n = 0; n < FILE_DEPTH; n++) {
		__u64 up;

		if (dentry == top)
			return 1;
		up = path_parent_of(dentry);
		if (up == dentry)
			return 0;
		dentry = up;
	}
	return 0;
}

/* Whether the directory is seen in this mount. */
static bool file_is_in(__u64 dentry, __u64 at)
{
	struct mount *mount = (void *)at;
	struct super_block *sb = BPF_CORE_READ((struct dentry *)dentry, d_sb);
	__u64 top;

	if (BPF_CORE_READ(mount, mnt.mnt_sb) != sb)
		return false;
	top = (__u64)BPF_CORE_READ(mount, mnt.mnt_root);
	return top == (__u64)BPF_CORE_READ(sb, s_root) || file_is_below(dentry, top);
}

/* Finds where the process sees a directory: in which of its mounts. Mostly it is that of its own
 * working or root directory. 1: found; 0: it doesn't; -1: there are too many to say. */
CHECKED_ONCE int file_find_mount(struct path_place *place)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 space = (__u64)BPF_CORE_READ(task, nsproxy, mnt_ns), dentry, at, pwd;

	if (!place)
		return 0;
	dentry = place->dentry;
	pwd = (__u64)BPF_CORE_READ(task, fs, pwd.mnt);
	place->mount = (__u64)BPF_CORE_READ(task, fs, root.mnt);
	if (file_is_in(dentry, (__u64)path_mount_of(place->mount)))
		return 1;
	place->mount = pwd;
	if (file_is_in(dentry, (__u64)path_mount_of(pwd)))
		return 1;
	at = file_first_mount(BPF_CORE_READ((struct dentry *)dentry, d_sb));
	for (int n = 0; n < FILE_MOUNTS; n++) {
		/* The end of a list is no mount: it has another file system, or none. */
		if (!at)
			return 0;
		place->mount = at + bpf_core_field_offset(struct mount, mnt);
		if ((__u64)BPF_CORE_READ((struct mount *)at, mnt_ns) == space &&
		    file_is_in(dentry, at))
			return 1;
		at = file_next_mount(at);
	}
	return -1;
}

#endif
