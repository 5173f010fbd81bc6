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

/* The kernel's types, and those of an object. */
struct bench {
	struct types *types;
	struct btf *whole, *local, *picked;
};

static void bench_open(struct bench *bench)
{
	struct error err;

	if (access(TYPES_PATH "/vmlinux", R_OK) < 0) {
		print_message("skip: this kernel tells no types (" TYPES_PATH "/vmlinux)\n");
		skip();
	}
	*bench = (struct bench){ .whole = btf__load_vmlinux_btf(), .local = btf__new_empty() };
	if (types_open(&bench->types, TYPES_PATH, &err) < 0)
		fail_msg("%s", err.text);
}

static void bench_pick(struct bench *bench)
{
	struct error err;

	if (types_pick(bench->types, bench->local, &bench->picked, &err) < 0)
		fail_msg("%s", err.text);
}

static void bench_close(struct bench *bench)
{
	btf__free(bench->picked);
	btf__free(bench->local);
	btf__free(bench->whole);
	types_free(bench->types);
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

static void members_lie_where_the_kernel_has_them(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench);
	add_struct(bench.local, "task_struct",
		   (const char *const[]){ "tgid", "comm", "cgroups", NULL });
	add_struct(bench.local, "sock",
		   (const char *const[]){ "__sk_common", "sk_protocol", NULL });
	add_struct(bench.local, "sock_common",
		   (const char *const[]){ "skc_family", "skc_net", NULL });
	bench_pick(&bench);
	assert_same_member(bench.picked, bench.whole, "task_struct", "tgid");
	assert_same_member(bench.picked, bench.whole, "task_struct", "comm");
	assert_same_member(bench.picked, bench.whole, "task_struct", "cgroups");
	assert_same_member(bench.picked, bench.whole, "sock", "__sk_common");
	assert_same_member(bench.picked, bench.whole, "sock_common", "skc_net");
	bench_close(&bench);
}

static void only_what_is_named_is_picked(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench);
	add_struct(bench.local, "task_struct", (const char *const[]){ "tgid", NULL });
	bench_pick(&bench);
	assert_null(find_member(bench.picked, find(bench.picked, "task_struct", BTF_KIND_STRUCT),
				"comm"));
	assert_null(find(bench.picked, "sock", BTF_KIND_STRUCT));
	assert_true(btf__type_cnt(bench.picked) < 200);
	bench_close(&bench);
}

/* struct kernfs_node___rcu is kernfs_node as newer kernels have it. */
static void a_flavour_is_the_same_struct(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench);
	add_struct(bench.local, "kernfs_node___other", (const char *const[]){ "id", NULL });
	bench_pick(&bench);
	assert_non_null(find(bench.picked, "kernfs_node", BTF_KIND_STRUCT));
	bench_close(&bench);
}

static void enums_keep_their_values(void **state)
{
	const struct btf_type *here, *there;
	struct bench bench;

	(void)state;
	bench_open(&bench);
	assert_true(btf__add_enum(bench.local, "cgroup_subsys_id", 4) > 0);
	bench_pick(&bench);
	here = find(bench.picked, "cgroup_subsys_id", BTF_KIND_ENUM);
	there = find(bench.whole, "cgroup_subsys_id", BTF_KIND_ENUM);
	assert_non_null(here);
	assert_int_equal(btf_vlen(here), btf_vlen(there));
	for (unsigned int n = 0; n < btf_vlen(here); n++) {
		assert_string_equal(btf__name_by_offset(bench.picked, btf_enum(here)[n].name_off),
				    btf__name_by_offset(bench.whole, btf_enum(there)[n].name_off));
		assert_int_equal(btf_enum(here)[n].val, btf_enum(there)[n].val);
	}
	bench_close(&bench);
}

static void tracepoints_have_the_ids_that_libbpf_finds(void **state)
{
	static const char *const names[] = { "sched_process_exec", "sys_exit",
					     "inet_sock_set_state" };
	struct bench bench;

	(void)state;
	bench_open(&bench);
	for (size_t n = 0; n < array_count(names); n++)
		assert_int_equal(types_tracepoint(bench.types, names[n]),
				 libbpf_find_vmlinux_btf_id(names[n], BPF_TRACE_RAW_TP));
	assert_int_equal(types_tracepoint(bench.types, "no_such_thing"), 0);
	assert_int_equal(types_function(bench.types, "inet_sendmsg"),
			 libbpf_find_vmlinux_btf_id("inet_sendmsg", BPF_TRACE_FENTRY));
	assert_int_equal(types_iterator(bench.types, "bpf_map_elem"),
			 libbpf_find_vmlinux_btf_id("bpf_map_elem", BPF_TRACE_ITER));
	assert_int_equal(types_function(bench.types, "no_such_thing"), 0);
	bench_close(&bench);
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
