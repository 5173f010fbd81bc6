/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/serve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "sysvisor/fs/key.h"
#include "sysvisor/fs/snapshot.h"

#define SERVE_LONG_S	  3600.0 /* rows of the table don't change */
#define SERVE_SHORT_S	  1.0	 /* the kernel's keys come and go with network devices */
#define SERVE_WRITE_BYTES 65536
#define SERVE_PATHS	  8192	     /* new ones, for the sake of one container */
#define SERVE_INODE	  0xffffffff /* of an entry that was not looked up: 0 would hide it */

static __thread struct serve_worker *serve_self;

void serve_set_worker(struct serve_worker *worker)
{
	serve_self = worker;
}

void serve_worker_free(struct serve_worker *worker)
{
	text_done(&worker->room.host);
	text_done(&worker->room.group);
	text_done(&worker->room.more);
	text_done(&worker->out);
	text_done(&worker->value);
	free(worker);
}

/* --- claiming --- */

static void serve_begin(fuse_req_t request)
{
	serve_self->started_ns = clock_mono_ns();
	serve_self->request = request;
	atomic_fetch_add(&serve_self->claim, 1);
}

/* Whether the request is still ours to answer. */
static bool serve_claim(void)
{
	uint64_t mine = atomic_load(&serve_self->claim);

	return (mine & 1) && atomic_compare_exchange_strong(&serve_self->claim, &mine, mine + 1);
}

bool serve_expire(struct serve_worker *worker, uint64_t before_ns)
{
	uint64_t claim = atomic_load(&worker->claim);
	fuse_req_t request = worker->request;

	if (!(claim & 1) || worker->started_ns >= before_ns ||
	    !atomic_compare_exchange_strong(&worker->claim, &claim, claim + 1))
		return false;
	/* The claim was the same throughout, and so was the request. */
	fuse_reply_err(request, ETIMEDOUT);
	return true;
}

bool serve_is_slow(const struct serve_worker *worker, uint64_t before_ns)
{
	return (atomic_load(&worker->claim) & 1) && worker->started_ns < before_ns;
}

static void serve_error(fuse_req_t request, int code)
{
	if (serve_claim())
		fuse_reply_err(request, code);
}

/* --- numbers of files --- */

static fuse_ino_t serve_number(uint32_t slot, const struct tree_path *path)
{
	/* 1 is the root of all: slot 0, path "". */
	return (fuse_ino_t)slot << 32 | path->number;
}

/* What a number stands for. `container` is NULL for the root of all. */
struct serve_file {
	struct container *container;
	const struct tree_path *path;
};

static int serve_find(fuse_ino_t number, struct serve_file *file)
{
	uint32_t slot = (uint32_t)(number >> 32);

	*file = (struct serve_file){ .path = tree_at(&serve_self->server->tree, (uint32_t)number) };
	if (!file->path)
		return -ESTALE;
	if (slot == 0)
		return number == FUSE_ROOT_ID ? 0 : -ESTALE;
	file->container = containers_at(&serve_self->server->containers, slot);
	return file->container ? 0 : -ESTALE;
}

static void serve_file_done(struct serve_file *file)
{
	container_unref(file->container);
}
#define auto_file __attribute__((cleanup(serve_file_done)))

static struct key serve_key(const struct serve_file *file)
{
	return (struct key){ .server = serve_self->server,
			     .container = file->container,
			     .path = file->path,
			     .room = &serve_self->room,
			     .value = &serve_self->value };
}

/* --- attributes --- */

static double serve_fill(const struct serve_file *file, const struct key_facts *facts,
			 struct stat *info)
{
	*info = (struct stat){
		.st_ino = serve_number(file->container ? file->container->origin.slot : 0,
				       file->path),
		.st_mode = facts->mode,
		.st_nlink = S_ISDIR(facts->mode) ? 2 : 1,
		.st_size = (off_t)facts->size_bytes,
	};
	if (file->container) {
		uint64_t wall_ns = clock_wall_of_boot(file->container->start_ns);

		info->st_uid = file->container->origin.uid;
		info->st_gid = file->container->origin.gid;
		info->st_mtim.tv_sec = (time_t)(wall_ns / NS_PER_S);
		info->st_atim = info->st_ctim = info->st_mtim;
	}
	return facts->lasts ? SERVE_LONG_S : SERVE_SHORT_S;
}

static int serve_facts(const struct serve_file *file, struct key_facts *facts)
{
	struct key key = serve_key(file);

	if (!file->container) {
		*facts = (struct key_facts){ .mode = S_IFDIR | 0711, .lasts = true };
		return 0;
	}
	return key_facts(&key, facts);
}

static void serve_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *open_file)
{
	auto_file struct serve_file file;
	struct key_facts facts;
	struct stat info;
	double lasts_s;
	int r;

	(void)open_file;
	serve_begin(request);
	r = serve_find(number, &file);
	if (r == 0)
		r = serve_facts(&file, &facts);
	if (r < 0) {
		serve_error(request, -r);
		return;
	}
	lasts_s = serve_fill(&file, &facts, &info);
	if (serve_claim())
		fuse_reply_attr(request, &info, lasts_s);
}

/* Opening with O_TRUNC is what shells do; owner and mode are not the container's to change. */
static void serve_setattr(fuse_req_t request, fuse_ino_t number, struct stat *wanted, int what,
			  struct fuse_file_info *open_file)
{
	(void)wanted;
	if (what & ~(FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_CTIME |
		     FUSE_SET_ATTR_MTIME_NOW)) {
		serve_begin(request);
		serve_error(request, EPERM);
		return;
	}
	serve_getattr(request, number, open_file);
}

/* --- looking up --- */

static int serve_child(const struct serve_file *parent, const char *name, struct serve_file *child)
{
	struct text *path = &serve_self->value;
	struct server *server = serve_self->server;
	bool endless;

	*child = (struct serve_file){ 0 };
	if (!parent->container) {
		child->container = containers_find(&server->containers, slice_of(name));
		child->path = tree_at(&server->tree, FUSE_ROOT_ID);
		return child->container ? 0 : -ENOENT;
	}
	text_clear(path);
	key_put_child(parent->path->path, slice_of(name), path);
	if (path->failed)
		return -ENOMEM;
	child->container = container_ref(parent->container);
	child->path = tree_find(&server->tree, text_slice(path));
	if (child->path)
		return 0;
	/* Numbers are for what is there: names that somebody merely tries get none, and one that
	 * makes network devices without end stops at its own share. /sys has an end. */
	if (!key_may_exist(server, parent->container, text_slice(path)))
		return -ENOENT;
	endless = slice_starts(text_slice(path), SLICE("proc/"));
	if (endless &&
	    __atomic_add_fetch(&child->container->paths, 1, __ATOMIC_RELAXED) > SERVE_PATHS)
		return -ENOSPC;
	child->path = tree_get(&server->tree, text_slice(path));
	return child->path ? 0 : -ENOSPC;
}

static void serve_lookup(fuse_req_t request, fuse_ino_t parent_number, const char *name)
{
	auto_file struct serve_file parent, child = { 0 };
	struct fuse_entry_param entry = { 0 };
	struct key_facts facts;
	int r;

	serve_begin(request);
	r = serve_find(parent_number, &parent);
	if (r == 0)
		r = serve_child(&parent, name, &child);
	if (r == 0)
		r = serve_facts(&child, &facts);
	if (r < 0) {
		serve_error(request, -r);
		return;
	}
	entry.attr_timeout = serve_fill(&child, &facts, &entry.attr);
	/* Of a container's directory by its id: another one may get that id. */
	entry.entry_timeout = parent.container ? entry.attr_timeout : 0;
	entry.ino = entry.attr.st_ino;
	if (serve_claim())
		fuse_reply_entry(request, &entry);
}

static void serve_readlink(fuse_req_t request, fuse_ino_t number)
{
	struct text *out = &serve_self->out;
	auto_file struct serve_file file;
	int r;

	serve_begin(request);
	text_clear(out);
	r = serve_find(number, &file);
	if (r == 0) {
		struct key key = serve_key(&file);

		r = file.container ? key_read_link(&key, out) : -EINVAL;
	}
	if (!serve_claim())
		return;
	if (r < 0)
		fuse_reply_err(request, -r);
	else
		fuse_reply_readlink(request, text_str(out));
}

static void serve_forget(fuse_req_t request, fuse_ino_t number, uint64_t lookups)
{
	(void)number, (void)lookups;
	fuse_reply_none(request);
}

/* --- directories --- */

struct serve_listing {
	fuse_req_t request;
	struct text *out;
	size_t room;
	off_t at, from;			    /* entries so far, and how many the kernel has */
	const struct serve_file *looked_up; /* the directory, if its entries are told in full */
	bool plus;			    /* the kernel takes entries in full */
	bool full;
};

/* With READDIRPLUS an entry may come looked up; number 0 says that it isn't. */
static void serve_fill_entry(const struct serve_listing *listing, const char *name,
			     struct stat info, struct fuse_entry_param *entry)
{
	auto_file struct serve_file child = { 0 };
	struct key_facts facts;

	*entry = (struct fuse_entry_param){ .attr = info };
	if (!listing->looked_up || name[0] == '.' ||
	    serve_child(listing->looked_up, name, &child) < 0 || serve_facts(&child, &facts) < 0)
		return;
	entry->attr_timeout = entry->entry_timeout = serve_fill(&child, &facts, &entry->attr);
	entry->ino = entry->attr.st_ino;
}

static size_t serve_add_entry(const struct serve_listing *listing, char *at, size_t room,
			      const char *name, struct stat info)
{
	struct fuse_entry_param entry;

	if (!listing->plus)
		return fuse_add_direntry(listing->request, at, room, name, &info, listing->at);
	if (at)
		serve_fill_entry(listing, name, info, &entry);
	return fuse_add_direntry_plus(listing->request, at, room, name, at ? &entry : NULL,
				      listing->at);
}

static void serve_put_entry(struct slice name, unsigned char type, void *owner)
{
	struct serve_listing *listing = owner;
	struct stat info = { .st_mode = DTTOIF(type), .st_ino = SERVE_INODE };
	char terminated[256], *at;
	size_t bytes;

	listing->at++;
	if (listing->at <= listing->from || listing->full || name.bytes >= sizeof(terminated))
		return;
	slice_copy(name, terminated, sizeof(terminated));
	bytes = serve_add_entry(listing, NULL, 0, terminated, info);
	at = listing->out->bytes + bytes <= listing->room ? text_reserve(listing->out, bytes)
							  : NULL;
	if (!at) {
		listing->full = true;
		return;
	}
	serve_add_entry(listing, at, bytes, terminated, info);
	listing->out->bytes += bytes;
}

static int serve_list_containers(struct serve_listing *listing)
{
	struct container **all = containers_all(&serve_self->server->containers);

	if (!all)
		return -ENOMEM;
	for (size_t n = 0; all[n]; n++) {
		serve_put_entry(slice_of(all[n]->origin.id), DT_DIR, listing);
		container_unref(all[n]);
	}
	free(all);
	return 0;
}

static void serve_list(fuse_req_t request, fuse_ino_t number, size_t bytes, off_t from, bool plus)
{
	struct serve_listing listing = { .request = request,
					 .out = &serve_self->out,
					 .room = bytes,
					 .from = from,
					 .plus = plus };
	auto_file struct serve_file file;
	int r;

	serve_begin(request);
	text_clear(&serve_self->out);
	r = serve_find(number, &file);
	if (r == 0) {
		struct key key = serve_key(&file);

		if (file.container && slice_is(file.path->path, KEY_BINDS))
			listing.looked_up = &file;
		serve_put_entry(SLICE("."), DT_DIR, &listing);
		serve_put_entry(SLICE(".."), DT_DIR, &listing);
		r = file.container ? key_list(&key, serve_put_entry, &listing)
				   : serve_list_containers(&listing);
	}
	if (!serve_claim())
		return;
	if (r < 0)
		fuse_reply_err(request, -r);
	else
		fuse_reply_buf(request, serve_self->out.at, serve_self->out.bytes);
}

static void serve_readdir(fuse_req_t request, fuse_ino_t number, size_t bytes, off_t from,
			  struct fuse_file_info *open_file)
{
	(void)open_file;
	serve_list(request, number, bytes, from, false);
}

static void serve_readdirplus(fuse_req_t request, fuse_ino_t number, size_t bytes, off_t from,
			      struct fuse_file_info *open_file)
{
	(void)open_file;
	serve_list(request, number, bytes, from, true);
}

/* --- files --- */

static void serve_count(uint64_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* What the container wanted and may not. */
static void serve_count_refusal(const struct serve_file *file, int r)
{
	if (file->container && r < 0)
		serve_count(&file->container->refused);
}

static void serve_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *open_file)
{
	auto_file struct serve_file file;
	int r;

	serve_begin(request);
	r = serve_find(number, &file);
	if (r == 0) {
		struct key key = serve_key(&file);

		r = file.container ? key_may_open(&key, open_file->flags) : -EISDIR;
		serve_count_refusal(&file, r);
	}
	if (r < 0) {
		serve_error(request, -r);
		return;
	}
	open_file->fh = snapshot_number();
	open_file->direct_io = 1;
	open_file->noflush = 1;
	if (serve_claim())
		fuse_reply_open(request, open_file);
}

static void serve_read(fuse_req_t request, fuse_ino_t number, size_t bytes, off_t from,
		       struct fuse_file_info *open_file)
{
	struct text *out = &serve_self->out;
	auto_file struct serve_file file = { 0 };
	struct slice piece = { 0 };
	int r = 0;

	serve_begin(request);
	text_clear(out);
	if (from < 0 || !snapshot_get(open_file->fh, (uint64_t)from, bytes, out, &piece)) {
		r = serve_find(number, &file);
		if (r == 0) {
			struct key key = serve_key(&file);

			r = file.container ? key_read(&key, out) : -EISDIR;
			if (file.container)
				serve_count(&file.container->reads);
		}
		if (r == 0 && out->failed)
			r = -ENOMEM;
		if (r == 0)
			piece = snapshot_put(open_file->fh, (uint64_t)from, bytes, out);
	}
	if (!serve_claim())
		return;
	if (r < 0)
		fuse_reply_err(request, -r);
	else
		fuse_reply_buf(request, piece.at, piece.bytes);
}

static void serve_write(fuse_req_t request, fuse_ino_t number, const char *words, size_t bytes,
			off_t at, struct fuse_file_info *open_file)
{
	auto_file struct serve_file file = { 0 };
	int r;

	(void)open_file;
	serve_begin(request);
	r = at != 0 || bytes > SERVE_WRITE_BYTES ? -EINVAL : serve_find(number, &file);
	if (r == 0) {
		struct key key = serve_key(&file);

		r = file.container ? key_write(&key, (struct slice){ words, bytes }) : -EISDIR;
		if (file.container)
			serve_count(&file.container->writes);
		serve_count_refusal(&file, r);
	}
	if (!serve_claim())
		return;
	if (r < 0)
		fuse_reply_err(request, -r);
	else
		fuse_reply_write(request, bytes);
}

static void serve_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *open_file)
{
	(void)number;
	snapshot_drop(open_file->fh);
	fuse_reply_err(request, 0);
}

/* --- what there is stays what there is, and is refused as procfs refuses it --- */

static void serve_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
			 struct fuse_file_info *file)
{
	(void)parent, (void)name, (void)mode, (void)file;
	fuse_reply_err(request, EACCES);
}

static void serve_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
			dev_t device)
{
	(void)parent, (void)name, (void)mode, (void)device;
	fuse_reply_err(request, EPERM);
}

static void serve_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
	serve_mknod(request, parent, name, mode, 0);
}

static void serve_remove(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	serve_mknod(request, parent, name, 0, 0);
}

static void serve_symlink(fuse_req_t request, const char *target, fuse_ino_t parent,
			  const char *name)
{
	(void)target;
	serve_mknod(request, parent, name, 0, 0);
}

static void serve_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t to,
			 const char *new_name, unsigned int flags)
{
	(void)to, (void)new_name, (void)flags;
	serve_mknod(request, parent, name, 0, 0);
}

static void serve_link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char *name)
{
	(void)inode;
	serve_mknod(request, parent, name, 0, 0);
}

static void serve_start(void *owner, struct fuse_conn_info *connection)
{
	(void)owner;
	/* Answers are small: copying them is cheaper than handing pages on. */
	connection->want &= ~(unsigned int)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
					    FUSE_CAP_SPLICE_MOVE | FUSE_CAP_ATOMIC_O_TRUNC);
	connection->max_write = SERVE_WRITE_BYTES;
}

void serve_init(void)
{
	snapshot_init();
}

const struct fuse_lowlevel_ops serve_ops = {
	.init = serve_start,
	.lookup = serve_lookup,
	.forget = serve_forget,
	.readlink = serve_readlink,
	.getattr = serve_getattr,
	.setattr = serve_setattr,
	.readdir = serve_readdir,
	.readdirplus = serve_readdirplus,
	.open = serve_open,
	.read = serve_read,
	.write = serve_write,
	.release = serve_release,
	.create = serve_create,
	.mknod = serve_mknod,
	.mkdir = serve_mkdir,
	.unlink = serve_remove,
	.rmdir = serve_remove,
	.symlink = serve_symlink,
	.rename = serve_rename,
	.link = serve_link,
};
