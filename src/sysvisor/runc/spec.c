/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/spec.h"

#include <errno.h>
#include <jansson.h>

#include "base/file.h"
#include "kernel/cpus.h"
#include "sysvisor/runc/spec_read.h"

#define SPEC_LIMIT_BYTES (16u << 20)

/*
 * jansson's integers end at 2^63 - 1, and engines write 2^64 - 1 for "no limit". Numbers of 20
 * digits up to that become their two's complement, those of 19 (for which it has no room) the
 * largest that there is: in the same width, so that the places in jansson's messages stay right.
 */
static void spec_fit_number(char *at, size_t digits)
{
	char fitted[24];
	uint64_t value;
	int n;

	if (digits < 19 || digits > 20 || !slice_u64((struct slice){ at, digits }, &value) ||
	    value <= INT64_MAX)
		return;
	n = snprintf(fitted, sizeof(fitted), "%*lld", (int)digits,
		     digits == 19 ? (long long)INT64_MAX : (long long)value);
	if (n == (int)digits)
		memcpy(at, fitted, digits);
}

static void spec_fit_numbers(char *at, size_t bytes)
{
	bool quoted = false;

	for (size_t n = 0; n < bytes; n++) {
		size_t start = n;

		if (quoted && at[n] == '\\') {
			n++;
			continue;
		}
		if (at[n] == '"')
			quoted = !quoted;
		if (quoted || at[n] < '0' || at[n] > '9')
			continue;
		while (n < bytes && at[n] >= '0' && at[n] <= '9')
			n++;
		/* a fraction, an exponent and a minus are left to jansson */
		if ((start == 0 || (at[start - 1] != '-' && at[start - 1] != '.')) &&
		    (n == bytes || (at[n] != '.' && at[n] != 'e' && at[n] != 'E')))
			spec_fit_number(at + start, n - start);
		n--;
	}
}

static json_t *spec_json(struct slice text, const char *name, struct error *err)
{
	json_error_t why;
	char *copy = malloc(text.bytes + 1);
	json_t *json;

	if (!copy) {
		error_errno(err, ENOMEM, "read '%s'", name);
		return NULL;
	}
	if (text.bytes)
		memcpy(copy, text.at, text.bytes);
	spec_fit_numbers(copy, text.bytes);
	json = json_loadb(copy, text.bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	free(copy);
	if (!json)
		error_say(err, EINVAL, "%s:%d:%d: %s", name, why.line, why.column, why.text);
	return json;
}

static int spec_parse_shape(struct slice text, const char *name, const struct spec_shape *shape,
			    struct spec *spec, void *at, struct error *err)
{
	spec->json = spec_json(text, name, err);
	if (!spec->json)
		return -EINVAL;
	return spec_read(spec->json, shape, at, &spec->arena, name, err);
}

/* --- what the shapes can't say --- */

static int spec_check_version(const char *version, struct error *err)
{
	uint64_t major;
	struct slice rest = slice_of(version);

	if (!slice_eat_u64(&rest, &major) || major != 1)
		return error_say(err, EINVAL,
				 "ociVersion: '%.40s' is not known; this runtime speaks 1.0 to 1.2",
				 version);
	return 0;
}

static int spec_check_processors(const char *list, const char *when, struct error *err)
{
	struct cpus cpus;

	if (!list || !*list || (cpus_parse(slice_of(list), &cpus) && cpus_count(&cpus)))
		return 0;
	return error_say(err, EINVAL,
			 "process.execCPUAffinity.%s: '%.80s' is no list of processors such as "
			 "0-3,7",
			 when, list);
}

int spec_check_process(const struct spec_process *process, struct error *err)
{
	int r;

	const struct spec_rlimit *limit;

	if (process->args.count == 0)
		return error_say(err, EINVAL, "process.args: is empty; name a program");
	if (!process->cwd || process->cwd[0] != '/')
		return error_say(err, EINVAL, "process.cwd: '%.80s' is not absolute",
				 process->cwd ? process->cwd : "");
	if (process->oom_score_adj.value < -1000 || process->oom_score_adj.value > 1000)
		return error_say(err, EINVAL, "process.oomScoreAdj: is outside -1000 to 1000");
	spec_each(&process->rlimits, limit) {
		size_t n = (size_t)(limit - (const struct spec_rlimit *)process->rlimits.at);

		if ((uint64_t)limit->soft.value > (uint64_t)limit->hard.value)
			return error_say(err, EINVAL, "process.rlimits[%zu]: soft is above hard",
					 n);
		for (size_t before = 0; before < n; before++)
			if (limit[-1 - (ssize_t)before].resource == limit->resource)
				return error_say(err, EINVAL,
						 "process.rlimits[%zu]: is there twice", n);
	}
	r = spec_check_processors(process->exec_affinity.initial, "initial", err);
	return r < 0 ? r : spec_check_processors(process->exec_affinity.final, "final", err);
}

static int spec_check_namespaces(const struct spec *spec, struct error *err)
{
	const struct spec_namespace *one, *other;

	spec_each(&spec->linux_.namespaces, one) {
		size_t n = (size_t)(one - (struct spec_namespace *)spec->linux_.namespaces.at);

		for (other = spec->linux_.namespaces.at; other < one; other++)
			if (strcmp(one->type, other->type) == 0)
				return error_say(err, EINVAL,
						 "linux.namespaces[%zu]: '%.40s' is there twice", n,
						 one->type);
	}
	return 0;
}

/* What would be missed if it were passed over. */
static int spec_check_missing(const struct spec_linux *linux_, struct error *err)
{
	if (linux_->personality_flags.count)
		return error_say(err, EINVAL,
				 "linux.personality.flags[0]: '%.40s' is not known; no version of "
				 "the specification has any",
				 linux_->personality_flags.at[0]);
	if (linux_->intel_rdt.given)
		return error_say(err, ENOTSUP,
				 "linux.intelRdt: not supported: no container is put into a group "
				 "of resctrl (/sys/fs/resctrl); leave it away");
	return 0;
}

static int spec_check(const struct spec *spec, struct error *err)
{
	const struct spec_mount *mount;
	int r = spec_check_version(spec->version, err);

	if (r == 0 && spec->root.path[0] == '\0')
		r = error_say(err, EINVAL, "root.path: is empty");
	if (r == 0 && spec->process.given)
		r = spec_check_process(&spec->process, err);
	if (r == 0)
		r = spec_check_namespaces(spec, err);
	if (r == 0)
		r = spec_check_missing(&spec->linux_, err);
	if (r < 0)
		return r;
	spec_each(&spec->mounts, mount)
		if (mount->destination[0] == '\0')
			return error_say(err, EINVAL, "mounts[%zu].destination: is empty",
					 (size_t)(mount - (struct spec_mount *)spec->mounts.at));
	return 0;
}

/* --- */

int spec_parse(struct slice text, const char *name, struct spec *ret_spec, struct error *err)
{
	int r;

	*ret_spec = (struct spec){ 0 };
	r = spec_parse_shape(text, name, &spec_shape, ret_spec, ret_spec, err);
	if (r < 0)
		return r;
	r = spec_check(ret_spec, err);
	return r < 0 ? error_wrap(err, r, "%s", name) : 0;
}

int spec_load(const char *bundle, struct spec *ret_spec, struct error *err)
{
	auto_text struct text path = { 0 }, text = { 0 };
	int r;

	*ret_spec = (struct spec){ 0 };
	text_printf(&path, "%s/config.json", bundle);
	r = file_read(text_str(&path), SPEC_LIMIT_BYTES, &text, err);
	return r < 0 ? r : spec_parse(text_slice(&text), "config.json", ret_spec, err);
}

int spec_parse_process(struct slice text, const char *name, struct spec *ret_spec,
		       struct error *err)
{
	int r;

	*ret_spec = (struct spec){ 0 };
	r = spec_parse_shape(text, name, &spec_process_shape, ret_spec, &ret_spec->process, err);
	if (r < 0)
		return r;
	r = spec_check_process(&ret_spec->process, err);
	return r < 0 ? error_wrap(err, r, "%s", name) : 0;
}

int spec_parse_resources(struct slice text, const char *name, struct spec *ret_spec,
			 struct error *err)
{
	*ret_spec = (struct spec){ 0 };
	return spec_parse_shape(text, name, &spec_resources_shape, ret_spec,
				&ret_spec->linux_.resources, err);
}

void spec_done(struct spec *spec)
{
	json_decref(spec->json);
	arena_done(&spec->arena);
	*spec = (struct spec){ 0 };
}

char *spec_part(const struct spec *spec, const char *key)
{
	const json_t *part = json_object_get(spec->json, key);

	return part && !json_is_null(part) ? json_dumps(part, JSON_COMPACT) : NULL;
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
	const struct spec_pair *pair;

	spec_each(&spec->annotations, pair)
		if (strcmp(pair->key, key) == 0)
			return pair->value;
	return NULL;
}

const char *spec_env(const struct spec_words *env, const char *name)
{
	size_t bytes = strlen(name);

	for (size_t n = env->count; n > 0; n--)
		if (strncmp(env->at[n - 1], name, bytes) == 0 && env->at[n - 1][bytes] == '=')
			return env->at[n - 1] + bytes + 1;
	return NULL;
}

uint64_t spec_caps_bits(const struct spec_words *names)
{
	uint64_t bits = 0;

	for (size_t n = 0; n < names->count; n++) {
		int number = capability_by_name(slice_of(names->at[n]));

		if (number >= 0)
			bits |= 1ull << number;
	}
	return bits;
}

struct capability_sets spec_caps_sets(const struct spec_caps *caps)
{
	return (struct capability_sets){
		.bounding = spec_caps_bits(&caps->bounding),
		.effective = spec_caps_bits(&caps->effective),
		.permitted = spec_caps_bits(&caps->permitted),
		.inheritable = spec_caps_bits(&caps->inheritable),
		.ambient = spec_caps_bits(&caps->ambient),
	};
}
