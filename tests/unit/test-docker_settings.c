/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's settings with our runtime, and without: what else is in them stays, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "sysvisor/front/docker_settings.h"

#define PROGRAM "/usr/bin/sysvisor-runc"
#define ENTRY	"\"sysvisor-runc\": {\"path\": \"/usr/bin/sysvisor-runc\"}"

/* What is before, with it, and without it again (NULL: as before). */
static const struct {
	const char *before, *with, *without;
} changes[] = {
	{ "", "{\n\t\"runtimes\": {" ENTRY "}\n}\n", NULL },
	{ "{}", "{\"runtimes\": {" ENTRY "}}", NULL },
	{ " {\n}\n", " {\n    \"runtimes\": {" ENTRY "}\n}\n", NULL },
	{ "{\"debug\":true}", "{\"debug\":true, \"runtimes\": {" ENTRY "}}", NULL },
	{ "{ \"a\": [1, {\"b\": \"}\\\"]\"}], \"c\": -1.5e3 }\r\n",
	  "{ \"a\": [1, {\"b\": \"}\\\"]\"}], \"c\": -1.5e3, \"runtimes\": {" ENTRY "} }\r\n",
	  NULL },
	{ "{\n  \"bip\" : \"10.0.0.1/8\" ,\n  \"debug\": true\n}\n",
	  "{\n  \"bip\" : \"10.0.0.1/8\" ,\n  \"debug\": true,\n  \"runtimes\": {" ENTRY "}\n}\n",
	  NULL },
	/* other runtimes, the key written as Docker would read it, too */
	{ "{\n\t\"runtim\\u0065s\": {\n\t\t\"crun\": {\n\t\t\t\"path\": "
	  "\"crun\"\n\t\t}\n\t},\n\t\"x\": 1\n}\n",
	  "{\n\t\"runtim\\u0065s\": {\n\t\t\"crun\": {\n\t\t\t\"path\": "
	  "\"crun\"\n\t\t},\n\t\t" ENTRY "\n\t},\n\t\"x\": 1\n}\n",
	  NULL },
	/* a table that is left empty goes, too; Docker knows no difference */
	{ "{\"runtimes\": {}}", "{\"runtimes\": {" ENTRY "}}", "{}" },
};

static void it_comes_and_goes(void **state)
{
	(void)state;
	for (size_t n = 0; n < array_count(changes); n++) {
		const char *left = changes[n].without ? changes[n].without : changes[n].before;
		auto_text struct text with = { 0 }, again = { 0 }, without = { 0 };
		struct error err = { 0 };

		assert_int_equal(
			docker_settings_add(slice_of(changes[n].before), PROGRAM, &with, &err), 1);
		assert_string_equal(text_str(&with), changes[n].with);
		assert_int_equal(docker_settings_add(text_slice(&with), PROGRAM, &again, &err), 0);
		assert_int_equal(docker_settings_remove(text_slice(&with), PROGRAM, &without, &err),
				 1);
		assert_string_equal(text_str(&without), left);
	}
}

/* What others have made of the file since then. */
static const struct {
	const char *before, *without;
} removals[] = {
	{ "{\"runtimes\": {" ENTRY ", \"crun\": {\"path\": \"crun\"}}, \"debug\": true}",
	  "{\"runtimes\": {\"crun\": {\"path\": \"crun\"}}, \"debug\": true}" },
	{ "{\n  \"runtimes\": {\n    \"sysvisor-runc\": {\n      \"path\": \"" PROGRAM
	  "\",\n      \"runtimeArgs\": []\n    }\n  },\n  \"debug\": true\n}\n",
	  "{\n  \"debug\": true\n}\n" },
	/* Docker won't start with a default that it doesn't know */
	{ "{\n  \"debug\": true,\n  \"default-runtime\": \"sysvisor-runc\",\n  \"runtimes\": "
	  "{" ENTRY "}\n}\n",
	  "{\n  \"debug\": true\n}\n" },
	{ "{\"default-runtime\": \"crun\", \"runtimes\": {" ENTRY "}}",
	  "{\"default-runtime\": \"crun\"}" },
};

static void it_goes_from_among_others(void **state)
{
	(void)state;
	for (size_t n = 0; n < array_count(removals); n++) {
		auto_text struct text without = { 0 };
		struct error err = { 0 };

		assert_int_equal(docker_settings_remove(slice_of(removals[n].before), PROGRAM,
							&without, &err),
				 1);
		assert_string_equal(text_str(&without), removals[n].without);
	}
}

static const struct {
	const char *before, *words;
} refusals[] = {
	{ "{\n  \"debug\": true,\n}\n", "line 3, column " },
	{ "{\"a\": 1}}", "line 1, column 9: " },
	{ "{\"a\": 1, \"a\": 2}", "line 1, column 12: duplicate object key" },
	{ "[]", "line 1: is no object" },
	{ "{\"runtimes\": []}", "runtimes: is no object" },
	{ "\xef\xbb\xbf{}", "line 1, column 1: " },
};

static void what_docker_can_not_read_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < array_count(refusals); n++) {
		struct slice before = slice_of(refusals[n].before);
		auto_text struct text after = { 0 };
		struct error err = { 0 };

		assert_int_equal(docker_settings_add(before, PROGRAM, &after, &err), -EINVAL);
		assert_true(slice_starts(slice_of(err.text), slice_of(refusals[n].words)));
		assert_int_equal(docker_settings_remove(before, PROGRAM, &after, &err), -EINVAL);
		assert_int_equal(after.bytes, 0);
	}
}

static void another_of_that_name_is_left_alone(void **state)
{
	struct slice before = SLICE("{\"runtimes\": {\"sysvisor-runc\": {\"path\": \"/opt/x\"}}}");
	auto_text struct text after = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(docker_settings_add(before, PROGRAM, &after, &err), -EEXIST);
	assert_string_equal(err.text, "runtimes.sysvisor-runc is '/opt/x', not '" PROGRAM "'");
	assert_int_equal(docker_settings_remove(before, PROGRAM, &after, &err), -EEXIST);
	assert_int_equal(docker_settings_remove(SLICE("{\"runtimes\": {}}"), PROGRAM, &after, &err),
						0);
	assert_int_equal(docker_settings_remove(SLICE(""), PROGRAM, &after, &err), 0);
	assert_int_equal(after.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_and_goes),
		cmocka_unit_test(it_goes_from_among_others),
		cmocka_unit_test(what_docker_can_not_read_is_refused),
		cmocka_unit_test(another_of_that_name_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
