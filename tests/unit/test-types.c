/* SPDX-License-Identifier: Apache-2.0 */
/* What is picked from the kernel's types, against what libbpf reads there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/types.h"

static void need_types(void)
{
	if (access(TYPES_PATH "/vmlinux", R_OK) == 0)
		return;
	print_message("skip: this kernel tells no types (" TYPES_PATH "/vmlinux)\n");
	skip();
}

static struct types *opened(void)
{
	struct types *types;
	struct error err;

	if (types_open(&types, TYPES_PATH, &err) < 0)
		fail_msg("%s", err.text);
	return types;
}

/* An object's own types: a struct with members, as clang writes it from bpf/kern.h. */
static void add_struct(struct btf *local, const char *name, const char *const *members)
{
	int number = btf__add_int(local, "int", 4, BTF_INT_SIGNED);

	assert_true(btf__add_struct(local, name, 64) > 0);
	for (unsigned int n = 0; members[n]; n++)
		assert_int_equal(btf__add_field(local, members[n], number, n * 32, 0), 0);
}

static const struct btf_type *find(const struct btf *btf, const char *name, unsigned int kind)
{
	int id = btf__find_by_name_kind(btf, name, kind);

	return id > 0 ? btf__type_by_id(btf, (unsigned int)id) : NULL;
}

static const struct btf_member *find_member(const struct btf *btf, const struct btf_type *type,
					    const char *name)
{
	for (unsigned int n = 0; n < btf_vlen(type); n++)
		if (strcmp(btf__name_by_offset(btf, btf_members(type)[n].name_off), name) == 0)
			return &btf_members(type)[n];
	return NULL;
}

static void assert_same_member(const struct btf *picked, const struct btf *whole, const char *of,
			       const char *name)
{
	const struct btf_type *here = find(picked, of, BTF_KIND_STRUCT);
	const struct btf_type *there = find(whole, of, BTF_KIND_STRUCT);
	const struct btf_member *a, *b;

	assert_non_null(here);
	assert_non_null(there);
	assert_int_equal(here->size, there->size);
	a = find_member(picked, here, name);
	b = find_member(whole, there, name);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(btf_member_bit_offset(here, (unsigned int)(a - btf_members(here))),
			 btf_member_bit_offset(there, (unsigned int)(b - btf_members(there))));
}

static struct btf *pick(const struct types *types, const struct btf *local)
{
	struct btf *picked;
	struct error err;

	if (types_pick(types, local, &picked, &err) < 0)
		fail_msg("%s", err.text);
	return picked;
}

static void members_lie_where_the_kernel_has_them(void **state)
{
	struct btf *whole, *local, *picked;
	struct types *types;

	(void)state;
	need_types();
	types = opened();
	whole = btf__load_vmlinux_btf();
	local = btf__new_empty();
	add_struct(local, "task_struct", (const char *const[]){ "tgid", "comm", "cgroups", NULL });
	add_struct(local, "sock", (const char *const[]){ "__sk_common", "sk_protocol", NULL });
	add_struct(local, "sock_common", (const char *const[]){ "skc_family", "skc_net", NULL });
	picked = pick(types, local);
	assert_same_member(picked, whole, "task_struct", "tgid");
	assert_same_member(picked, whole, "task_struct", "comm");
	assert_same_member(picked, whole, "task_struct", "cgroups");
	assert_same_member(picked, whole, "sock", "__sk_common");
	assert_same_member(picked, whole, "sock_common", "skc_net");
	btf__free(picked);
	btf__free(local);
	btf__free(whole);
	types_free(types);
}

static void only_what_is_named_is_picked(void **state)
{
	struct btf *local, *picked;
	struct types *types;

	(void)state;
	need_types();
	types = opened();
	local = btf__new_empty();
	add_struct(local, "task_struct", (const char *const[]){ "tgid", NULL });
	picked = pick(types, local);
	assert_null(find_member(picked, find(picked, "task_struct", BTF_KIND_STRUCT), "comm"));
	assert_null(find(picked, "sock", BTF_KIND_STRUCT));
	assert_true(btf__type_cnt(picked) < 200);
	btf__free(picked);
	btf__free(local);
	types_free(types);
}

/* struct kernfs_node___rcu is kernfs_node as newer kernels have it. */
static void a_flavour_is_the_same_struct(void **state)
{
	struct btf *local, *picked;
	struct types *types;

	(void)state;
	need_types();
	types = opened();
	local = btf__new_empty();
	add_struct(local, "kernfs_node___other", (const char *const[]){ "id", NULL });
	picked = pick(types, local);
	assert_non_null(find(picked, "kernfs_node", BTF_KIND_STRUCT));
	btf__free(picked);
	btf__free(local);
	types_free(types);
}

static void enums_keep_their_values(void **state)
{
	const struct btf_type *here, *there;
	struct btf *whole, *local, *picked;
	struct types *types;

	(void)state;
	need_types();
	types = opened();
	whole = btf__load_vmlinux_btf();
	local = btf__new_empty();
	assert_true(btf__add_enum(local, "cgroup_subsys_id", 4) > 0);
	picked = pick(types, local);
	here = find(picked, "cgroup_subsys_id", BTF_KIND_ENUM);
	there = find(whole, "cgroup_subsys_id", BTF_KIND_ENUM);
	assert_non_null(here);
	assert_int_equal(btf_vlen(here), btf_vlen(there));
	for (unsigned int n = 0; n < btf_vlen(here); n++) {
		assert_string_equal(btf__name_by_offset(picked, btf_enum(here)[n].name_off),
				    btf__name_by_offset(whole, btf_enum(there)[n].name_off));
		assert_int_equal(btf_enum(here)[n].val, btf_enum(there)[n].val);
	}
	btf__free(picked);
	btf__free(local);
	btf__free(whole);
	types_free(types);
}

static void tracepoints_have_the_ids_that_libbpf_finds(void **state)
{
	static const char *const names[] = { "sched_process_exec", "sys_exit",
					     "inet_sock_set_state" };
	struct types *types;

	(void)state;
	need_types();
	types = opened();
	for (size_t n = 0; n < array_count(names); n++)
		assert_int_equal(types_tracepoint(types, names[n]),
				 libbpf_find_vmlinux_btf_id(names[n], BPF_TRACE_RAW_TP));
	assert_int_equal(types_tracepoint(types, "no_such_thing"), 0);
	types_free(types);
}

/* --- types that are no types --- */

static void put_file(const char *dir, const void *bytes, size_t count)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/vmlinux", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	close(fd);
}

static void assert_refused(const void *bytes, size_t count, int code, const char *words)
{
	char dir[] = "/tmp/types-XXXXXX", path[64];
	struct types *types;
	struct error err;

	assert_non_null(mkdtemp(dir));
	put_file(dir, bytes, count);
	assert_int_equal(types_open(&types, dir, &err), -code);
	assert_non_null(strstr(err.text, words));
	snprintf(path, sizeof(path), "%s/vmlinux", dir);
	unlink(path);
	rmdir(dir);
}

static void broken_tables_are_refused_with_the_reason(void **state)
{
	struct {
		struct btf_header head;
		struct btf_type type;
		unsigned char tail[4];
	} table = {
		.head = { .magic = BTF_MAGIC,
			  .version = 1,
			  .hdr_len = sizeof(struct btf_header),
			  .type_len = sizeof(struct btf_type),
			  .str_off = sizeof(struct btf_type),
			  .str_len = 1 },
	};
	struct types *types;
	struct error err;

	(void)state;
	assert_int_equal(types_open(&types, "/nowhere", &err), -ENOENT);
	assert_refused("", 0, EINVAL, "empty");
	assert_refused("no types at all, just words about them", 38, EINVAL, "not a table");
	table.type.info = 31u << 24;
	assert_refused(&table, sizeof(table), ENOTSUP, "unknown kind 31");
	table.type.info = (unsigned int)BTF_KIND_STRUCT << 24 | 1;
	assert_refused(&table, sizeof(table), EINVAL, "cut off");
	table.head.type_len = 1u << 30;
	assert_refused(&table, sizeof(table), EINVAL, "not a table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_lie_where_the_kernel_has_them),
		cmocka_unit_test(only_what_is_named_is_picked),
		cmocka_unit_test(a_flavour_is_the_same_struct),
		cmocka_unit_test(enums_keep_their_values),
		cmocka_unit_test(tracepoints_have_the_ids_that_libbpf_finds),
		cmocka_unit_test(broken_tables_are_refused_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
