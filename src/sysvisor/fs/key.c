/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "sysvisor/fs/host.h"

#define KEY_BYTES      65536
#define KEY_ROWS       128   /* of the table that are remembered */
#define KEY_SIZE_BYTES 32768 /* of a kernel's key that says 0 */

/* How a path is served. */
enum key_way { KEY_none, KEY_row, KEY_inside, KEY_host, KEY_directory };

/* Below /proc/sys, its path there. */
static bool key_sysctl(struct slice path, struct slice *ret_rest)
{
	*ret_rest = path;
	return slice_eat(ret_rest, SLICE("proc/sys")) &&
			 (ret_rest->bytes == 0 || slice_eat(ret_rest, SLICE("/")));
}

/* The host's own file: rows of the store begin with its value, and aren't there without it. */
static int key_read_host(const struct node_row *row, struct text *out)
{
	char path[256];

	snprintf(path, sizeof(path), "/%s", row->path);
	return file_read_at(AT_FDCWD, path, KEY_BYTES, out);
}

/* What is there stays; what isn't may come with a module. */
bool key_host_has(const struct node_row *row)
{
	static bool seen[KEY_ROWS];
	size_t n = (size_t)(row - node_rows);
	char path[256];

	if (n < KEY_ROWS && __atomic_load_n(&seen[n], __ATOMIC_RELAXED))
		return true;
	snprintf(path, sizeof(path), "/%s", row->path);
	if (access(path, F_OK) < 0)
		return false;
	if (n < KEY_ROWS)
		__atomic_store_n(&seen[n], true, __ATOMIC_RELAXED);
	return true;
}

void key_put_child(struct slice directory, struct slice name, struct text *out)
{
	if (slice_is(directory, KEY_BINDS)) {
		for (size_t n = 0; n < name.bytes; n++)
			text_putc(out, name.at[n] == KEY_SLASH ? '/' : name.at[n]);
		return;
	}
	text_put(out, directory);
	if (directory.bytes)
		text_putc(out, '/');
	text_put(out, name);
}

void key_each_bind(void (*found)(struct slice path, const struct node_row *row, void *owner),
		   void *owner)
{
	found(SLICE("proc/sys"), NULL, owner);
	for (size_t n = 0; n < node_count; n++)
		if (node_rows[n].bind && key_host_has(&node_rows[n]))
			found(slice_of(node_rows[n].path), &node_rows[n], owner);
}

static bool key_is_inside(const struct server *server, const struct container *container,
			  struct slice sysctl)
{
	struct stat info;

	return inside_stat(&server->inside, container, sysctl, &info) == 0;
}

static bool key_is_host(struct container *container, struct slice path)
{
	struct stat info;

	return host_row(path) && host_stat(container, path, &info) == 0;
}

static enum key_way key_way(const struct server *server, struct container *container,
			    struct slice path, const struct node_row *row)
{
	struct slice sysctl;
	bool is_sysctl = key_sysctl(path, &sysctl);

	if ((!row || row->kind == NODE_tree) && key_is_host(container, path))
		return KEY_host;

	if (row && row->inside_first && is_sysctl && key_is_inside(server, container, sysctl))
		return KEY_inside;
	if (row && (row->kind == NODE_view || row->kind == NODE_empty || key_host_has(row)))
		return KEY_row;
	if (row)
		return KEY_none;
	if (is_sysctl && key_is_inside(server, container, sysctl))
		return KEY_inside;
	return node_is_directory(path) || slice_is(path, KEY_BINDS) ? KEY_directory : KEY_none;
}

bool key_may_exist(struct server *server, struct container *container, struct slice path)
{
	return key_way(server, container, path, node_find(path)) != KEY_none;
}

/* What has no row is tried at once: the kernel's answer says whether it is there, and stepping into
 * the container twice would be twice the price. key_missed() is for that answer. */
static enum key_way key_way_of(const struct key *key)
{
	struct slice sysctl;

	if (!key->path->row && key_sysctl(key->path->path, &sysctl))
		return KEY_inside;
	return key_way(key->server, key->container, key->path->path, key->path->row);
}

static bool key_missed(const struct key *key, int r)
{
	return r == -ENOENT && !key->path->row && node_is_directory(key->path->path);
}

int key_facts(const struct key *key, struct key_facts *facts)
{
	const struct node_row *row = key->path->row;
	struct slice sysctl;
	struct stat info;
	int r;

	switch (key_way_of(key)) {
	case KEY_row:
		*facts = (struct key_facts){ row->mode, row->size_bytes, true };
		facts->mode |= row->kind == NODE_empty ? S_IFDIR : S_IFREG;
		return 0;
	case KEY_inside:
		key_sysctl(key->path->path, &sysctl);
		r = inside_stat(&key->server->inside, key->container, sysctl, &info);
		if (key_missed(key, r))
			break;
		if (r < 0)
			return r;
		*facts = (struct key_facts){ .mode = info.st_mode };
		if (S_ISREG(info.st_mode))
			facts->size_bytes = row ? row->size_bytes : KEY_SIZE_BYTES;
		return 0;
	case KEY_host:
		r = host_stat(key->container, key->path->path, &info);
		if (r < 0)
			return r;
		*facts = (struct key_facts){ .mode = info.st_mode & ~(mode_t)0222,
					     .size_bytes = (uint64_t)info.st_size };
		return 0;
	case KEY_directory:
		break;
	case KEY_none:
		return -ENOENT;
	}
	*facts = (struct key_facts){ .mode = S_IFDIR | 0555, .lasts = true };
	return 0;
}

/* --- open --- */

int key_may_open(const struct key *key, int flags)
{
	const struct node_row *row = key->path->row;
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	struct slice sysctl;
	int r;

	switch (key_way_of(key)) {
	case KEY_row:
		/* The mode says it to others; root inside gets here. */
		return row->kind == NODE_empty		  ? -EISDIR
		       : writes && !(row->mode & S_IWUSR) ? -EACCES
							  : 0;
	case KEY_inside:
		key_sysctl(key->path->path, &sysctl);
		r = inside_may_open(&key->server->inside, key->container, sysctl, flags);
		return key_missed(key, r) ? -EISDIR : r;
	case KEY_host:
		return host_may_open(key->container, key->path->path, flags);
	case KEY_directory:
		return -EISDIR;
	case KEY_none:
		break;
	}
	return -ENOENT;
}

/* --- read --- */

static int key_read_inside(const struct key *key, struct text *out)
{
	struct slice sysctl;

	key_sysctl(key->path->path, &sysctl);
	return inside_read(&key->server->inside, key->container, sysctl, out);
}

static int key_read_groups(const struct key *key, struct text *out)
{
	const struct container_origin *origin = &key->container->origin;
	int r;

	text_clear(key->value);
	r = key_read_inside(key, key->value);
	if (r < 0)
		return r;
	return inside_groups_inner(text_slice(key->value), origin->gid, origin->gid_count, out)
		       ? 0
		       : -EIO;
}

static int key_read_row(const struct key *key, struct text *out)
{
	const struct node_row *row = key->path->row;
	struct show show = { key->server, key->container, key->path, key->room, out };

	switch (row->kind) {
	case NODE_view:
		return row->show(&show);
	case NODE_store:
		if (!container_get_value(key->container, key->path->path, out))
			return key_read_host(row, out);
		text_putc(out, '\n');
		return 0;
	case NODE_host:
		return key_read_host(row, out);
	case NODE_groups:
		return key_read_groups(key, out);
	case NODE_name:
		return key_read_inside(key, out);
	case NODE_empty:
	case NODE_tree:
		break;
	}
	return -EISDIR;
}

int key_read(const struct key *key, struct text *out)
{
	/* Views are asked for most, and are always there. */
	if (key->path->row && key->path->row->kind == NODE_view)
		return key_read_row(key, out);
	switch (key_way_of(key)) {
	case KEY_row:
		return key_read_row(key, out);
	case KEY_inside:
		return key_read_inside(key, out);
	case KEY_host:
		return host_read(key->path->path, out);
	case KEY_directory:
		return -EISDIR;
	case KEY_none:
		break;
	}
	return -ENOENT;
}

int key_read_link(const struct key *key, struct text *out)
{
	return key_way_of(key) == KEY_host ? host_read_link(key->path->path, out) : -EINVAL;
}

/* --- write --- */

static int key_write_inside(const struct key *key, struct slice value, bool as_root)
{
	struct slice sysctl;

	key_sysctl(key->path->path, &sysctl);
	return inside_write(&key->server->inside, key->container, sysctl, value, as_root);
}

static int key_write_groups(const struct key *key, struct slice written)
{
	const struct container_origin *origin = &key->container->origin;

	text_clear(key->value);
	if (!inside_groups_outer(written, origin->gid, origin->gid_count, key->value))
		return -EINVAL;
	return key_write_inside(key, text_slice(key->value), false);
}

/* --push-max: the host's value follows upwards, never down. */
static void key_push(const struct key *key, struct slice value)
{
	auto_text struct text host = { 0 };
	uint64_t wanted, now;
	char path[256];

	if (!key->path->row->push || !server_pushes(key->server, key->path->path) ||
	    !slice_u64(value, &wanted) || key_read_host(key->path->row, &host) < 0 ||
	    !slice_u64(slice_trim(text_slice(&host)), &now) || wanted <= now)
		return;
	snprintf(path, sizeof(path), "/%s", key->path->row->path);
	/* What the host refuses stays the container's own. */
	if (file_write(path, value, NULL) < 0)
		return;
}

static int key_write_store(const struct key *key, struct slice written)
{
	const struct container *container = key->container;
	struct slice value;
	int r = node_check_value(key->path->row, written, &value);

	if (r == 0)
		r = container_set_value(key->container, key->path->path, value);
	if (r == 0)
		r = journal_set(&key->server->journal, container->origin.slot, key->path->path,
				value);
	/* Too long a journal is no reason to fail: the next write tries again. */
	if (r == 0 &&
	    journal_compact(&key->server->journal, &key->server->containers, false, NULL) < 0)
		return 0;
	if (r == 0)
		key_push(key, value);
	return r;
}

int key_write(const struct key *key, struct slice written)
{
	const struct node_row *row = key->path->row;

	switch (key_way_of(key)) {
	case KEY_row:
		if (row->kind == NODE_groups)
			return key_write_groups(key, written);
		if (row->kind == NODE_name)
			return key_write_inside(key, written, true);
		return row->kind == NODE_store ? key_write_store(key, written) : -EACCES;
	case KEY_inside:
		return key_write_inside(key, written, false);
	case KEY_host:
		return -EACCES;
	case KEY_directory:
		return -EISDIR;
	case KEY_none:
		break;
	}
	return -ENOENT;
}

/* --- list --- */

struct key_listing {
	const struct key *key;
	void (*found)(struct slice name, unsigned char type, void *owner);
	void *owner;
	struct text seen; /* the kernel's names, each between slashes */
};

static void key_on_inside(struct slice name, unsigned char type, void *owner)
{
	struct key_listing *listing = owner;

	text_putc(&listing->seen, '/');
	text_put(&listing->seen, name);
	text_putc(&listing->seen, '/');
	listing->found(name, type, listing->owner);
}

static void key_on_row(struct slice name, void *owner)
{
	struct key_listing *listing = owner;
	auto_text struct text path = { 0 }, marked = { 0 };
	const struct node_row *row;

	text_printf(&marked, "/%.*s/", SLICE_ARG(name));
	if (listing->seen.bytes && slice_find(text_slice(&listing->seen), text_slice(&marked)) >= 0)
		return;
	key_put_child(listing->key->path->path, name, &path);
	row = node_find(text_slice(&path));
	if (key_way(listing->key->server, listing->key->container, text_slice(&path), row) !=
	    KEY_none)
		listing->found(name, key_is_directory(row) ? DT_DIR : DT_REG, listing->owner);
}

static void key_on_bind(struct slice path, const struct node_row *row, void *owner)
{
	struct key_listing *listing = owner;
	char name[128];
	size_t bytes = slice_copy(path, name, sizeof(name));

	for (size_t n = 0; n < bytes; n++)
		name[n] = name[n] == '/' ? KEY_SLASH : name[n];
	listing->found((struct slice){ name, bytes }, key_is_directory(row) ? DT_DIR : DT_REG,
		       listing->owner);
}

int key_list(const struct key *key,
	     void (*found)(struct slice name, unsigned char type, void *owner), void *owner)
{
	struct key_listing listing = { .key = key, .found = found, .owner = owner };
	struct slice sysctl;
	int r = 0;

	if (slice_is(key->path->path, KEY_BINDS)) {
		key_each_bind(key_on_bind, &listing);
		return 0;
	}
	if (host_row(key->path->path))
		return host_list(key->container, key->path->path, found, owner);
	/* The kernel's names are gathered whole before the rows: in two namespaces at once is
	 * nobody. */
	if (key_sysctl(key->path->path, &sysctl))
		r = inside_list(&key->server->inside, key->container, sysctl, key_on_inside,
				&listing);
	if (r == 0 || r == -ENOENT)
		node_each_below(key->path->path, key_on_row, &listing);
	text_done(&listing.seen);
	return r == -ENOENT ? 0 : r;
}
