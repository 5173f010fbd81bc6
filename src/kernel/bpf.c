/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "base/slice.h"
#include "kernel/types.h"

/* libbpf speaks, and asks how to load a program, through one function for the whole process. */
static _Thread_local char bpf_words[240];
static _Thread_local bool bpf_has_reason;	    /* the verifier's, in bpf_words */
static _Thread_local const struct types *bpf_types; /* of the object that is being loaded */
static bool bpf_is_asked;

/* What the verifier says is many lines: the last before its sums is why it refused. */
static void bpf_add_reason(const char *said)
{
	const char *log = strstr(said, "BEGIN PROG LOAD LOG --\n");
	struct slice rest = slice_of(log ? strchr(log, '\n') : ""), line, reason = { 0 };
	size_t bytes = strlen(bpf_words);

	while (slice_next(&rest, '\n', &line) && !slice_starts(line, SLICE("processed ")))
		if (slice_trim(line).bytes)
			reason = line;
	if (reason.bytes)
		snprintf(bpf_words + bytes, sizeof(bpf_words) - bytes, ": %.*s", SLICE_ARG(reason));
	bpf_has_reason |= reason.bytes > 0;
}

static int printf_like(2, 0) bpf_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	auto_free char *said = NULL;
	size_t end;

	if (level == LIBBPF_WARN && bpf_words[0] && !bpf_has_reason &&
	    vasprintf(&said, fmt, args) > 0)
		bpf_add_reason(said);
	/* The first warning is the cause, those that follow are its consequences. */
	if (level != LIBBPF_WARN || bpf_words[0])
		return 0;
	vsnprintf(bpf_words, sizeof(bpf_words), fmt, args);
	end = strcspn(bpf_words, "\n");
	bpf_words[end] = '\0';
	return 0;
}

/* --- programs that stand at a place in the kernel ---
 *
 * libbpf would read all of the kernel's types to find the id of the place. It leaves that to us for
 * kinds of programs that are ours, unless the program looks as if it needed the types for something
 * else; see bpf_spare_types().
 */

static const struct bpf_kind {
	const char *section, *prefix;
	enum bpf_attach_type type;
	uint32_t (*find)(const struct types *types, const char *name);
	const char *what;
} bpf_kinds[] = {
	{ "tp_btf+", "tp_btf/", BPF_TRACE_RAW_TP, types_tracepoint, "tracepoint" },
	{ "fentry+", "fentry/", BPF_TRACE_FENTRY, types_function, "function" },
	{ "fexit+", "fexit/", BPF_TRACE_FEXIT, types_function, "function" },
	{ "iter+", "iter/", BPF_TRACE_ITER, types_iterator, "iterator" },
};

static int bpf_prepare(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct bpf_kind *kind = &bpf_kinds[cookie];
	const char *name = bpf_program__section_name(program) + strlen(kind->prefix);
	int id = bpf_types ? (int)kind->find(bpf_types, name)
			   : libbpf_find_vmlinux_btf_id(name, kind->type);

	if (id <= 0) {
		snprintf(bpf_words, sizeof(bpf_words), "this kernel has no %s '%s'", kind->what,
			 name);
		return -ESRCH;
	}
	opts->attach_btf_id = (__u32)id;
	opts->attach_prog_fd = 0;
	return 0;
}

static int bpf_attach(const struct bpf_program *program, long cookie, struct bpf_link **link)
{
	(void)cookie;
	*link = bpf_program__attach_trace(program);
	return *link ? 0 : -errno;
}

/* A program that is told to look into another one has libbpf leave the kernel's types alone. One of
 * a kind that isn't ours would then be refused. */
static int bpf_spare_types(const struct bpf_object *object, int any_fd)
{
	struct bpf_program *program;
	int r = 0;

	bpf_object__for_each_program(program, object)
		if (bpf_program__type(program) == BPF_PROG_TYPE_TRACING && r == 0)
			r = bpf_program__set_attach_target(program, any_fd, NULL);
	return r;
}

void bpf_setup(void)
{
	libbpf_set_print(bpf_print);
	bpf_is_asked = true;
	for (size_t n = 0; n < array_count(bpf_kinds); n++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .cookie = (long)n,
			    .prog_prepare_load_fn = bpf_prepare, .prog_attach_fn = bpf_attach);

		if (libbpf_register_prog_handler(bpf_kinds[n].section, BPF_PROG_TYPE_TRACING,
						 bpf_kinds[n].type, &handler) < 0)
			bpf_is_asked = false;
	}
}

/* --- loading --- */

int bpf_loading_begin(struct bpf_loading *loading, const struct types *types, struct error *err)
{
	*loading = (struct bpf_loading){ .types = bpf_is_asked ? types : NULL, .picked_fd = -1 };
	if (!loading->types)
		return 0;
	loading->picked_fd = memfd_create("types", MFD_CLOEXEC);
	if (loading->picked_fd < 0)
		return error_errno(err, errno, "make a file in memory");
	snprintf(loading->picked_path, sizeof(loading->picked_path), "/proc/self/fd/%d",
		 loading->picked_fd);
	return 0;
}

static int bpf_pick_types(struct bpf_loading *loading, const struct bpf_object *object,
			  struct error *err)
{
	struct btf *picked;
	const void *bytes;
	__u32 size = 0;
	int r = types_pick(loading->types, bpf_object__btf(object), &picked, err);

	if (r < 0)
		return r;
	bytes = btf__raw_data(picked, &size);
	if (!bytes || write(loading->picked_fd, bytes, size) != (ssize_t)size)
		r = error_errno(err, ENOMEM, "write types");
	btf__free(picked);
	return r < 0 ? r : bpf_spare_types(object, loading->picked_fd);
}

/* Functions that the verifier checks by themselves, global ones, take pointers since 5.12. */
static bool bpf_checks_functions_once(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	return uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2 ||
	       major > 5 || (major == 5 && minor >= 12);
}

/* Makes all functions static in the types that the kernel is told: so they are checked with each
 * call, knowing what the caller passes. The code is the same. */
static void bpf_make_static(const struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);

	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		struct btf_type *type = (struct btf_type *)btf__type_by_id(btf, id);

		if (btf_is_func(type))
			type->info = BTF_KIND_FUNC << 24 | BTF_FUNC_STATIC;
	}
}

int bpf_loading_load(struct bpf_loading *loading, struct bpf_object_skeleton *object,
		     struct error *err)
{
	int r = loading->types ? bpf_pick_types(loading, *object->obj, err) : 0;

	if (r < 0)
		return r;
	if (!bpf_checks_functions_once())
		bpf_make_static(*object->obj);
	bpf_types = loading->types;
	r = bpf_object__load_skeleton(object);
	bpf_types = NULL;
	return r < 0 ? bpf_error(err, -r, "load") : 0;
}

void bpf_loading_end(struct bpf_loading *loading)
{
	if (loading->picked_fd >= 0)
		close(loading->picked_fd);
	loading->picked_fd = -1;
}

/* --- words --- */

const char *bpf_errno_name(int code)
{
	static char other[16];
	const char *name = strerrorname_np(code);

	if (name)
		return name;
	snprintf(other, sizeof(other), "errno %d", code);
	return other;
}

int bpf_error(struct error *err, int code, const char *step)
{
	char words[sizeof(bpf_words)];
	struct slice said;

	memcpy(words, bpf_words, sizeof(words));
	said = slice_of(words);
	bpf_words[0] = '\0';
	bpf_has_reason = false;
	slice_eat(&said, SLICE("libbpf: "));
	return error_say(err, code, "%s: refused (%s)%s%.*s", step, bpf_errno_name(code),
			 said.bytes ? ": " : "", SLICE_ARG(said));
}
