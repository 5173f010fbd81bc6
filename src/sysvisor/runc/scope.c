/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/scope.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/text.h"
#include "sysvisor/runc/helper.h"

#define SCOPE_HELPER	   "sysvisor-scope"
#define SCOPE_TIMEOUT_S	   60
#define SCOPE_UNIT_LONGEST 255 /* UNIT_NAME_MAX, and a file name */

/* --- where --- */

int scope_is_available(struct error *err)
{
	if (access("/run/systemd/system", F_OK) == 0)
		return 0;
	return error_say(err, ENOSYS,
			 "not supported: --systemd-cgroup, because systemd does not run this host "
			 "(no '/run/systemd/system'); set the engine's cgroup driver to cgroupfs");
}

/* As systemd escapes what may not stand in a unit's name: "+" is "\x2b". */
static void scope_escape(struct text *out, struct slice word)
{
	for (size_t n = 0; n < word.bytes; n++) {
		char c = word.at[n];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    strchr(":-_.\\@", c))
			text_putc(out, c);
		else
			text_printf(out, "\\x%02x", (unsigned char)c);
	}
}

static int scope_name(struct slice prefix, struct slice name, struct arena *arena,
		      struct scope *scope, struct error *err)
{
	auto_text struct text unit = { 0 };

	scope_escape(&unit, prefix);
	if (prefix.bytes)
		text_putc(&unit, '-');
	scope_escape(&unit, name);
	text_put(&unit, SLICE(".scope"));
	if (unit.bytes > SCOPE_UNIT_LONGEST)
		return error_say(err, ENAMETOOLONG,
				 "linux.cgroupsPath: a unit of systemd's has at most %d bytes, "
				 "'%.60s...' has %zu; take a shorter id",
				 SCOPE_UNIT_LONGEST, text_str(&unit), unit.bytes);
	scope->unit = arena_text(arena, text_slice(&unit));
	return scope->unit ? 0 : error_errno(err, ENOMEM, "name the unit");
}

static int scope_read(const char *path, struct slice *slice, struct slice *prefix,
		      struct slice *name, struct error *err)
{
	*name = slice_of(path);
	if (!slice_cut(name, ':', slice) || !slice_cut(name, ':', prefix) || name->bytes == 0 ||
	    slice_find(*name, SLICE(":")) >= 0)
		return error_say(err, EINVAL,
				 "linux.cgroupsPath: '%.80s' is not slice:prefix:name, as "
				 "--systemd-cgroup needs it",
				 path);
	if (slice->bytes &&
	    (!slice_ends(*slice, SLICE(".slice")) || slice_find(*slice, SLICE("/")) >= 0))
		return error_say(err, EINVAL,
				 "linux.cgroupsPath: '%.*s' is no slice of systemd's; its name "
				 "ends in .slice",
				 SLICE_ARG(slice_first(*slice, 80)));
	return 0;
}

int scope_place(const char *cgroups_path, const char *id, struct arena *arena,
		struct scope *ret_scope, struct error *err)
{
	struct slice slice = { "", 0 }, prefix = SLICE("sysvisor"), name = slice_of(id);
	int r = 0;

	if (cgroups_path && *cgroups_path)
		r = scope_read(cgroups_path, &slice, &prefix, &name, err);
	if (r < 0)
		return r;
	ret_scope->slice = slice.bytes ? arena_text(arena, slice) : "system.slice";
	if (!ret_scope->slice)
		return error_errno(err, ENOMEM, "name the slice");
	return scope_name(prefix, name, arena, ret_scope, err);
}

/* --- annotations --- */

#define SCOPE_ANNOTATION "org.systemd.property."

/* "TimeoutStopSec" is for people; D-Bus has microseconds, "TimeoutStopUSec". */
static bool properties_add_seconds(struct properties *list, struct slice name, struct slice value)
{
	uint64_t seconds;

	if (!slice_ends(name, SLICE("Sec")) || slice_ends(name, SLICE("USec")) ||
							  !slice_u64(value, &seconds) ||
							  seconds > UINT64_MAX / 1000000)
		return false;
	name.bytes -= strlen("Sec");
	properties_add(list, "%.*sUSec=t:%llu", SLICE_ARG(name),
		       (unsigned long long)seconds * 1000000);
	return true;
}

static bool properties_add_variant(struct properties *list, struct slice name, struct slice value)
{
	uint64_t number;
	char quote = value.bytes >= 2 ? value.at[0] : '\0';
	const char *type = NULL;

	if (slice_is(value, "true") || slice_is(value, "false")) {
		type = "b";
	} else if ((quote == '\'' || quote == '"') && value.at[value.bytes - 1] == quote &&
		   !memchr(value.at, '\\', value.bytes)) {
		type = "s";
		value = slice_first(slice_skip(value, 1), value.bytes - 2);
	} else if (slice_eat(&value, SLICE("uint64 ")) && slice_u64(value, &number)) {
		type = "t";
	} else if (slice_eat(&value, SLICE("uint32 ")) && slice_u64(value, &number)) {
		type = "u";
	}
	if (!type)
		return false;
	properties_add(list, "%.*s=%s:%.*s", SLICE_ARG(name), type, SLICE_ARG(value));
	return true;
}

int properties_of_annotations(struct properties *list, const struct spec_list *annotations,
			      struct error *err)
{
	const struct spec_pair *pair;

	spec_each(annotations, pair) {
		struct slice name = slice_of(pair->key), value = slice_of(pair->value);

		if (!slice_eat(&name, SLICE(SCOPE_ANNOTATION)))
			continue;
		if (!properties_add_seconds(list, name, value) &&
		    !properties_add_variant(list, name, value))
			return error_say(err, EINVAL,
					 "annotation '%.100s': '%.60s' is not understood; write "
					 "'text', true, false, uint64 5 or uint32 5",
					 pair->key, pair->value);
	}
	return 0;
}

/* --- the helper --- */

/* It lies beside us. */
static int scope_find_helper(struct text *path, struct error *err)
{
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own));
	ssize_t slash;

	if (n < 0)
		return error_errno(err, errno, "find '" SCOPE_HELPER "'");
	slash = slice_find_last((struct slice){ own, (size_t)n }, SLICE("/"));
	text_put(path, (struct slice){ own, (size_t)(slash + 1) });
	text_put(path, SLICE(SCOPE_HELPER));
	if (access(text_str(path), X_OK) < 0)
		return error_errno(err, errno,
				   "'%s', which speaks to systemd and is a part of this package",
				   text_str(path));
	return 0;
}

/* What it says beside its answer, the last line, is for people. */
static struct slice scope_answer(const struct runtime *runtime, struct slice said)
{
	struct slice line = { "", 0 }, next;

	while (slice_next(&said, '\n', &next)) {
		if (line.bytes)
			runtime_warn(runtime, "%.*s", SLICE_ARG(line));
		line = next;
	}
	return line;
}

static int scope_call(const struct runtime *runtime, const char *command, const char *unit,
		      const struct properties *list, struct text *answer, struct error *err)
{
	const char *args[PROPERTIES_MOST + 4] = { SCOPE_HELPER, command, unit };
	auto_text struct text path = { 0 }, said = { 0 };
	struct helper helper = { .what = SCOPE_HELPER, .args = args, .timeout_s = SCOPE_TIMEOUT_S };
	int r = scope_find_helper(&path, err);

	if (r < 0)
		return r;
	if (list && list->failed)
		return error_say(err, E2BIG, "more than %d properties for systemd",
				 PROPERTIES_MOST);
	if (list)
		memcpy(args + 3, list->at, (list->count + 1) * sizeof(*args));
	helper.path = text_str(&path);
	r = helper_run(&helper, (struct slice){ "", 0 }, &said, err);
	if (r < 0)
		return r;
	if (answer)
		text_put(answer, scope_answer(runtime, text_slice(&said)));
	return 0;
}

static bool scope_is_v2(void)
{
	struct statfs fs;

	return statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

int scope_start(const struct runtime *runtime, const struct scope *scope, struct spec *spec,
		const char *id, pid_t pid, struct text *path, struct error *err)
{
	static const char *const accounts[] = { "CPU", "Memory", "Tasks" };
	struct properties list = { .arena = &spec->arena };
	bool v2 = scope_is_v2();
	int r;

	properties_add(&list, "Description=s:system container %s", id);
	properties_add(&list, "Slice=s:%s", scope->slice);
	properties_add(&list, "PIDs=au:%d", pid);
	properties_add(&list, "Delegate=b:true");
	properties_add(&list, "DefaultDependencies=b:false");
	/* One that has failed, out of memory for one, leaves no unit behind. */
	properties_add(&list, "CollectMode=s:inactive-or-failed");
	for (size_t n = 0; n < array_count(accounts); n++)
		properties_add(&list, "%sAccounting=b:true", accounts[n]);
	properties_add(&list, v2 ? "IOAccounting=b:true" : "BlockIOAccounting=b:true");
	r = properties_of_resources(&list, &spec->linux_.resources, v2, err);
	if (r == 0)
		r = properties_of_annotations(&list, &spec->annotations, err);
	if (r == 0)
		r = scope_call(runtime, "start", scope->unit, &list, path, err);
	if (r == 0 && (path->bytes < 2 || path->at[0] != '/'))
		r = error_say(err, EPROTO, "unit '%s' has no control group", scope->unit);
	return r;
}

int scope_update(const struct runtime *runtime, const char *unit, struct spec *spec,
		 struct error *err)
{
	struct properties list = { .arena = &spec->arena };
	struct spec_resources resources = spec->linux_.resources;
	int r;

	resources.devices = (struct spec_list){ 0 }; /* `update` leaves them as they are */
	r = properties_of_resources(&list, &resources, scope_is_v2(), err);
	if (r < 0 || list.count == 0)
		return r;
	return scope_call(runtime, "set", unit, &list, NULL, err);
}

int scope_stop(const struct runtime *runtime, const char *unit, struct error *err)
{
	return scope_call(runtime, "stop", unit, NULL, NULL, err);
}
