/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of any form: they are refused with a place, or our runtime comes into them and goes
 * again without a trace. Another reader sees the same. */
#include "sysvisor/front/docker_settings.h"

#include <jansson.h>

#define PROGRAM "/usr/bin/sysvisor-runc"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static json_t *read_all(struct slice text)
{
	return json_loadb(text.at, text.bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

/* What the settings have to say with the runtime in them. */
static void check_with(struct slice before, struct slice with, bool *ret_had_runtimes)
{
	json_t *wanted = read_all(before), *found = read_all(with);
	json_t *runtimes = json_object_get(wanted, "runtimes");

	*ret_had_runtimes = json_object_size(runtimes) || !runtimes;
	if (!wanted)
		wanted = json_object();
	if (!runtimes)
		json_object_set_new(wanted, "runtimes", json_object());
	json_object_set_new(json_object_get(wanted, "runtimes"), DOCKER_RUNTIME,
			    json_pack("{s:s}", "path", PROGRAM));
	check(found && json_equal(wanted, found));
	json_decref(wanted);
	json_decref(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice before = { (const char *)data, bytes };
	auto_text struct text with = { 0 }, without = { 0 }, other = { 0 };
	struct error err = { 0 };
	bool blank = slice_trim(before).bytes == 0, reversible;
	int r = docker_settings_add(before, PROGRAM, &with, &err);

	if (r < 0 || docker_settings_remove(before, PROGRAM, &other, &err) != 0)
		return 0;
	check(r == 1);
	check_with(before, text_slice(&with), &reversible);
	check(docker_settings_remove(text_slice(&with), PROGRAM, &without, &err) == 1);
	/* Docker's default goes when it is ours. */
	if (!blank && reversible &&
	    slice_find(before, SLICE("default-runtime")) < 0 && slice_find(before, SLICE("\\")) < 0)
		check(slice_eq(text_slice(&without), before));
	return 0;
}
