/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/types.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/map.h"

#define TYPES_TRACEPOINT "btf_trace_"

/* Where types lie: those of the kernel, and behind them, with ids and names that go on where its
 * end, those of modules that our programs look into. A module that isn't there is no loss. */
static const char *const types_files[] = { "vmlinux", "overlay" };

struct types_file {
	char *bytes;
	size_t size;
	const char *names;
	uint32_t names_bytes, names_start; /* start: the offset of its first byte */
	uint32_t *at;			   /* of each type, in `bytes` */
	uint32_t count, first;		   /* of types; the id of its first */
};

struct types {
	struct types_file files[array_count(types_files)];
	size_t file_count;
	uint32_t *tracepoints; /* ids of the types of their arguments */
	size_t tracepoint_count;
};

/* What follows a type's head: for each of its members, and once. Documentation/bpf/btf.rst. */
static const struct {
	uint8_t each, once;
} types_tails[] = {
	[BTF_KIND_INT] = { .once = 4 },
	[BTF_KIND_PTR] = { 0 },
	[BTF_KIND_ARRAY] = { .once = sizeof(struct btf_array) },
	[BTF_KIND_STRUCT] = { .each = sizeof(struct btf_member) },
	[BTF_KIND_UNION] = { .each = sizeof(struct btf_member) },
	[BTF_KIND_ENUM] = { .each = sizeof(struct btf_enum) },
	[BTF_KIND_FWD] = { 0 },
	[BTF_KIND_TYPEDEF] = { 0 },
	[BTF_KIND_VOLATILE] = { 0 },
	[BTF_KIND_CONST] = { 0 },
	[BTF_KIND_RESTRICT] = { 0 },
	[BTF_KIND_FUNC] = { 0 },
	[BTF_KIND_FUNC_PROTO] = { .each = sizeof(struct btf_param) },
	[BTF_KIND_VAR] = { .once = sizeof(struct btf_var) },
	[BTF_KIND_DATASEC] = { .each = sizeof(struct btf_var_secinfo) },
	[BTF_KIND_FLOAT] = { 0 },
	[BTF_KIND_DECL_TAG] = { .once = sizeof(struct btf_decl_tag) },
	[BTF_KIND_TYPE_TAG] = { 0 },
	[BTF_KIND_ENUM64] = { .each = sizeof(struct btf_enum64) },
};

/* --- reading --- */

static const struct types_file *types_file_of(const struct types *types, uint32_t id)
{
	size_t n = types->file_count;

	while (n > 1 && id < types->files[n - 1].first)
		n--;
	return &types->files[n - 1];
}

/* NULL for void, and for an id that nothing has. */
static const struct btf_type *types_get(const struct types *types, uint32_t id)
{
	const struct types_file *file = types_file_of(types, id);

	if (id < file->first || id - file->first >= file->count)
		return NULL;
	return (const struct btf_type *)(file->bytes + file->at[id - file->first]);
}

static const char *types_name(const struct types *types, uint32_t offset)
{
	size_t n = types->file_count;

	while (n > 1 && offset < types->files[n - 1].names_start)
		n--;
	offset -= types->files[n - 1].names_start;
	return offset < types->files[n - 1].names_bytes ? types->files[n - 1].names + offset : "";
}

static uint32_t types_end(const struct types *types)
{
	const struct types_file *last = &types->files[types->file_count - 1];

	return last->first + last->count;
}

static int types_read(struct types_file *file, int fd, const char *path, struct error *err)
{
	size_t got = 0;
	ssize_t n = 1;

	file->bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file->bytes != MAP_FAILED)
		return 0;
	file->bytes = mmap(NULL, file->size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (file->bytes == MAP_FAILED) {
		file->bytes = NULL;
		return error_errno(err, ENOMEM, "read '%s'", path);
	}
	for (; got < file->size && n > 0; got += (size_t)n) {
		n = read(fd, file->bytes + got, file->size - got);
		if (n < 0)
			return error_errno(err, errno, "read '%s'", path);
	}
	return got == file->size ? 0 : error_say(err, EIO, "'%s' ends early", path);
}

/* Finds where each type begins. */
static int types_walk(struct types_file *file, const struct btf_header *head, const char *path,
		      struct error *err)
{
	uint32_t at = head->hdr_len + head->type_off, end = at + head->type_len;

	file->at = malloc(head->type_len / sizeof(struct btf_type) * sizeof(*file->at));
	if (!file->at)
		return error_errno(err, ENOMEM, "read '%s'", path);
	while (at + sizeof(struct btf_type) <= end) {
		const struct btf_type *type = (const struct btf_type *)(file->bytes + at);
		size_t kind = btf_kind(type);

		if (kind == BTF_KIND_UNKN || kind >= array_count(types_tails))
			return error_say(err, ENOTSUP, "'%s' has a type of unknown kind %zu", path,
					 kind);
		file->at[file->count++] = at;
		at += (uint32_t)sizeof(*type) + types_tails[kind].once +
		      btf_vlen(type) * types_tails[kind].each;
	}
	return at == end ? 0 : error_say(err, EINVAL, "'%s' has a type that is cut off", path);
}

static int types_open_file(struct types *types, int at_fd, const char *path, struct error *err)
{
	struct types_file *file = &types->files[types->file_count];
	const struct btf_header *head;
	auto_fd int fd = openat(at_fd, path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	int r;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return error_errno(err, errno, "open '%s'", path);
	*file = (struct types_file){ .size = (size_t)stat.st_size, .first = 1 };
	if (types->file_count) {
		file->first = types_end(types);
		file->names_start = file[-1].names_start + file[-1].names_bytes;
	}
	types->file_count++;
	r = file->size < sizeof(*head) ? error_say(err, EINVAL, "'%s' is empty", path)
				       : types_read(file, fd, path, err);
	if (r < 0)
		return r;
	head = (const struct btf_header *)file->bytes;
	if (head->magic != BTF_MAGIC ||
	    (uint64_t)head->hdr_len + head->type_off + head->type_len > file->size ||
	    (uint64_t)head->hdr_len + head->str_off + head->str_len > file->size)
		return error_say(err, EINVAL, "'%s' is not a table of types", path);
	file->names = file->bytes + head->hdr_len + head->str_off;
	file->names_bytes = head->str_len;
	return types_walk(file, head, path, err);
}

static int types_list_tracepoints(struct types *types)
{
	size_t room = 0;

	for (uint32_t id = 1; id < types->files[0].count; id++) {
		const struct btf_type *type = types_get(types, id);

		if (!btf_is_typedef(type) ||
		    !slice_starts(slice_of(types_name(types, type->name_off)),
				  SLICE(TYPES_TRACEPOINT)))
			continue;
		if (types->tracepoint_count == room) {
			void *more = realloc(types->tracepoints,
					     (room += 1024) * sizeof(*types->tracepoints));

			if (!more)
				return -ENOMEM;
			types->tracepoints = more;
		}
		types->tracepoints[types->tracepoint_count++] = id;
	}
	return 0;
}

static int types_open_all(struct types *types, int at_fd, struct error *err)
{
	int r = types_open_file(types, at_fd, types_files[0], err);

	if (r == 0 && types_list_tracepoints(types) < 0)
		r = error_errno(err, ENOMEM, "list tracepoints");
	for (size_t n = 1; n < array_count(types_files) && r == 0; n++) {
		size_t before = types->file_count;

		if (types_open_file(types, at_fd, types_files[n], NULL) < 0)
			types->file_count = before;
	}
	return r;
}

int types_open(struct types **ret_types, const char *path, struct error *err)
{
	struct types *types = calloc(1, sizeof(*types));
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (!types || fd < 0) {
		free(types);
		return error_errno(err, fd < 0 ? errno : ENOMEM, "read types in '%s'", path);
	}
	r = types_open_all(types, fd, err);
	if (r < 0) {
		types_free(types);
		return error_wrap(err, r, "read types in '%s'", path);
	}
	*ret_types = types;
	return 0;
}

void types_free(struct types *types)
{
	if (!types)
		return;
	for (size_t n = 0; n < array_count(types->files); n++) {
		free(types->files[n].at);
		if (types->files[n].bytes)
			munmap(types->files[n].bytes, types->files[n].size);
	}
	free(types->tracepoints);
	free(types);
}

uint32_t types_tracepoint(const struct types *types, const char *name)
{
	for (size_t n = 0; n < types->tracepoint_count; n++) {
		const struct btf_type *type = types_get(types, types->tracepoints[n]);

		if (strcmp(types_name(types, type->name_off) + strlen(TYPES_TRACEPOINT), name) == 0)
			return types->tracepoints[n];
	}
	return 0;
}

uint32_t types_function(const struct types *types, const char *name)
{
	for (uint32_t id = 1; id < types->files[0].count; id++) {
		const struct btf_type *type = types_get(types, id);

		if (btf_is_func(type) && strcmp(types_name(types, type->name_off), name) == 0)
			return id;
	}
	return 0;
}

uint32_t types_iterator(const struct types *types, const char *name)
{
	char function[64];

	snprintf(function, sizeof(function), "bpf_iter_%s", name);
	return types_function(types, function);
}

/* --- picking --- */

#define TYPES_BEGINNING 3 /* letters */

struct types_picking {
	const struct types *types;
	struct map roots, members;			    /* of names in the object's own types */
	uint8_t beginnings[1 << (TYPES_BEGINNING * 5 - 3)]; /* a bit for each: of roots' names */
	struct btf *picked;
	int *copies; /* for each id of the kernel's, the one in `picked`; 0: none yet */
	int pointer; /* to void: what it points to is of no concern */
};

/* "task_struct" of "task_struct___old", as CO-RE has it. */
static struct slice types_essential(const void *name)
{
	struct slice whole = slice_of(name);
	ssize_t at = slice_find_last(whole, SLICE("___"));

	return at > 0 ? slice_first(whole, (size_t)at) : whole;
}

static struct slice types_plain(const void *name)
{
	return slice_of(name);
}

/* How a name begins, up to what its essence may end with: most of the kernel's begin like none that
 * is looked for, and need not be looked up. */
static uint32_t types_beginning(const char *name)
{
	uint32_t beginning = 0;

	for (size_t n = 0; n < TYPES_BEGINNING && name[n] && name[n] != '_'; n++)
		beginning = beginning << 5 | (name[n] & 31);
	return beginning;
}

static bool types_is_wanted(const struct types_picking *picking, const char *name)
{
	uint32_t beginning = types_beginning(name);

	return picking->beginnings[beginning / 8] >> beginning % 8 & 1 &&
	       map_get(&picking->roots, types_essential(name));
}

static int types_note(struct map *map, const char *name)
{
	int r = name[0] ? map_put(map, (void *)name, NULL) : 0;

	return r == -EEXIST ? 0 : r;
}

static bool types_is_root(const struct btf_type *type)
{
	return btf_is_composite(type) || btf_is_any_enum(type) || btf_is_typedef(type);
}

/* What the object's own types name. */
static int types_note_local(struct types_picking *picking, const struct btf *local)
{
	int r = 0;

	for (uint32_t id = 1; id < btf__type_cnt(local) && r == 0; id++) {
		const struct btf_type *type = btf__type_by_id(local, id);

		if (types_is_root(type)) {
			const char *name = btf__name_by_offset(local, type->name_off);
			uint32_t beginning = types_beginning(name);

			picking->beginnings[beginning / 8] |= (uint8_t)(1 << beginning % 8);
			r = types_note(&picking->roots, name);
		}
		for (size_t n = 0; btf_is_composite(type) && n < btf_vlen(type) && r == 0; n++)
			r = types_note(&picking->members,
				       btf__name_by_offset(local, btf_members(type)[n].name_off));
	}
	return r;
}

static int types_copy(struct types_picking *picking, uint32_t id);

static int types_copy_enum(struct types_picking *picking, const struct btf_type *type)
{
	const struct types *types = picking->types;
	const char *name = types_name(types, type->name_off);
	int id = btf_is_enum(type)
			 ? btf__add_enum(picking->picked, name, type->size)
			 : btf__add_enum64(picking->picked, name, type->size, btf_kflag(type));
	int r = id;

	for (size_t n = 0; n < btf_vlen(type) && r >= 0; n++)
		r = btf_is_enum(type)
			    ? btf__add_enum_value(picking->picked,
						  types_name(types, btf_enum(type)[n].name_off),
						  btf_enum(type)[n].val)
			    : btf__add_enum64_value(picking->picked,
						    types_name(types, btf_enum64(type)[n].name_off),
						    btf_enum64_value(&btf_enum64(type)[n]));
	return r < 0 ? r : id;
}

/* A member without a name is a struct whose members count as this one's. */
static bool types_wants_member(const struct types_picking *picking, const struct btf_type *type,
			       size_t n)
{
	const char *name = types_name(picking->types, btf_members(type)[n].name_off);

	return name[0] == '\0' || map_get(&picking->members, slice_of(name));
}

/* Members' types first: fields are added to the struct that was added last. */
static int types_copy_composite(struct types_picking *picking, const struct btf_type *type)
{
	const char *name = types_name(picking->types, type->name_off);
	const struct btf_member *members = btf_members(type);
	int id, r = 0;

	for (size_t n = 0; n < btf_vlen(type) && r >= 0; n++)
		if (types_wants_member(picking, type, n))
			r = types_copy(picking, members[n].type);
	if (r < 0)
		return r;
	id = btf_is_struct(type) ? btf__add_struct(picking->picked, name, type->size)
				 : btf__add_union(picking->picked, name, type->size);
	for (size_t n = 0; n < btf_vlen(type) && id >= 0 && r >= 0; n++)
		if (types_wants_member(picking, type, n))
			r = btf__add_field(picking->picked,
					   types_name(picking->types, members[n].name_off),
					   types_copy(picking, members[n].type),
					   btf_member_bit_offset(type, (uint32_t)n),
					   btf_member_bitfield_size(type, (uint32_t)n));
	return r < 0 ? r : id;
}

static int types_copy_array(struct types_picking *picking, const struct btf_type *type)
{
	const struct btf_array *array = btf_array(type);
	int index = types_copy(picking, array->index_type);
	int element = index < 0 ? index : types_copy(picking, array->type);

	return element < 0 ? element
			   : btf__add_array(picking->picked, index, element, array->nelems);
}

static int types_copy_new(struct types_picking *picking, const struct btf_type *type)
{
	const char *name = types_name(picking->types, type->name_off);

	switch (btf_kind(type)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return types_copy_composite(picking, type);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return types_copy_enum(picking, type);
	case BTF_KIND_ARRAY:
		return types_copy_array(picking, type);
	case BTF_KIND_INT:
		return btf__add_int(picking->picked, name, type->size, btf_int_encoding(type));
	case BTF_KIND_FLOAT:
		return btf__add_float(picking->picked, name, type->size);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return types_copy(picking, type->type);
	default: /* a pointer, or what can only be pointed to */
		return picking->pointer;
	}
}

/* A type and all that it holds; what holds itself does not exist. */
static int types_copy(struct types_picking *picking, uint32_t id)
{
	const struct btf_type *type = types_get(picking->types, id);

	if (!type)
		return 0; /* void */
	if (picking->copies[id] == 0)
		picking->copies[id] = types_copy_new(picking, type);
	return picking->copies[id];
}

static int types_copy_root(struct types_picking *picking, uint32_t id)
{
	const struct btf_type *type = types_get(picking->types, id);
	const char *name = types_name(picking->types, type->name_off);
	int copy;

	if (!types_is_root(type) || !types_is_wanted(picking, name))
		return 0;
	copy = types_copy(picking, id);
	if (copy < 0 || !btf_is_typedef(type))
		return copy;
	return btf__add_typedef(picking->picked, name, copy);
}

static int types_pick_all(struct types_picking *picking, const struct btf *local)
{
	int r = types_note_local(picking, local);

	picking->copies = calloc(types_end(picking->types), sizeof(*picking->copies));
	picking->picked = btf__new_empty();
	if (r < 0 || !picking->copies || !picking->picked)
		return -ENOMEM;
	picking->pointer = r = btf__add_ptr(picking->picked, 0);
	for (uint32_t id = 1; id < types_end(picking->types) && r >= 0; id++)
		r = types_copy_root(picking, id);
	return r;
}

int types_pick(const struct types *types, const struct btf *local, struct btf **ret_picked,
	       struct error *err)
{
	struct types_picking picking = { .types = types };
	int r;

	map_init(&picking.roots, types_essential);
	map_init(&picking.members, types_plain);
	r = types_pick_all(&picking, local);
	free(picking.copies);
	map_done(&picking.roots);
	map_done(&picking.members);
	if (r < 0) {
		btf__free(picking.picked);
		return error_errno(err, -r, "pick types");
	}
	*ret_picked = picking.picked;
	return 0;
}
