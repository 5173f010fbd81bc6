/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hooks - takes the hooks that an agent with default settings takes, with programs that return at
 * once: what is left then is the kernel's own way there. Says "ready", and lets go when its input
 * ends.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/settings.h"
#include "kernel/bpf.h"
#include "kernel/cgroup.h"
#include "sensor/program_table.h"

static void die(const char *what, const char *why)
{
	fprintf(stderr, "hooks: %s: %s\n", what, why);
	exit(1);
}

/* Lets every packet and call pass. */
static int load_nothing(const struct bpf_program *program, const char *hook)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	enum bpf_attach_type type = bpf_program__expected_attach_type(program);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);

	if (bpf_program__type(program) == BPF_PROG_TYPE_TRACING) {
		int id = libbpf_find_vmlinux_btf_id(hook, type);

		if (id < 0)
			return id;
		opts.attach_btf_id = (__u32)id;
	}
	return bpf_prog_load(bpf_program__type(program), "nothing", "GPL", insns,
			     array_count(insns), &opts);
}

/* What is attached stays so until we end. */
static void take_hook(const struct bpf_program *program, int cgroup_fd)
{
	const char *section = bpf_program__section_name(program), *slash = strchr(section, '/');
	int fd = load_nothing(program, slash ? slash + 1 : section);

	if (fd >= 0 && bpf_program__type(program) == BPF_PROG_TYPE_TRACING)
		fd = bpf_raw_tracepoint_open(NULL, fd);
	else if (fd >= 0)
		fd = bpf_link_create(fd, cgroup_fd, bpf_program__expected_attach_type(program),
				     NULL);
	if (fd < 0)
		die(section, strerror(errno));
}

/* Iterators run for their readers only. */
static void take_hooks(struct bpf_object *object, unsigned int parts, int cgroup_fd)
{
	for (size_t n = 0; n < PROGRAM_ROWS; n++) {
		const struct program_row *row = &program_rows[n];
		const struct bpf_program *program =
			bpf_object__find_program_by_name(object, row->name);

		if (program && (row->parts & parts) && !row->goes_through)
			take_hook(program, cgroup_fd);
	}
}

int main(void)
{
	struct settings_table table = agent_settings_table("bulwark", PROGRAM_bulwark);
	struct bpf_object_open_opts opts = { .sz = sizeof(opts) };
	static struct agent_settings values;
	struct settings settings;
	unsigned int parts;
	struct error err;
	int cgroup_fd;

	if (settings_init(&settings, &table, &values, &err) < 0)
		die("settings", err.text);
	cgroup_fd = cgroup_open(values.watch.cgroup, &err);
	if (cgroup_fd < 0)
		die("control groups", err.text);
	bpf_setup();
	parts = program_parts_wanted(&values.watch);
	for (size_t n = 0; n < PROGRAM_OBJECTS; n++) {
		struct program_skeleton *skeleton = program_objects[n].open(&opts);

		if (!skeleton)
			die("open", strerror(errno));
		take_hooks(skeleton->object, parts, cgroup_fd);
		program_objects[n].destroy(skeleton);
	}
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
