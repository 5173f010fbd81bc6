/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings watch.* say, as the kernel side gets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "sensor/scope.h"

static struct scope scope;
static const char *key;
static struct error error;

static int parse(struct scope_settings settings)
{
	key = NULL;
	return scope_parse(&scope, &settings, &key, &error);
}

static void nothing_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(parse((struct scope_settings){ 0 }), 0);
	assert_int_equal(scope.config.lists, 0);
	assert_int_equal(scope.config.only, 0);
}

static void ranges_are_kept_and_left_out(void **state)
{
	(void)state;
	assert_int_equal(parse((struct scope_settings){ .ports = (char *)"80, 8000-8999,!8080",
							.uids = (char *)"!0" }),
			 0);
	assert_int_equal(scope.config.lists, SCOPE_ports | SCOPE_uids);
	assert_int_equal(scope.config.only, SCOPE_ports);
	assert_int_equal(scope.config.port_count, 3);
	assert_int_equal(scope.config.ports[1].from, 8000);
	assert_int_equal(scope.config.ports[1].to, 8999);
	assert_int_equal(scope.config.ports[1].verdict, SCOPE_keep);
	assert_int_equal(scope.config.ports[2].from, 8080);
	assert_int_equal(scope.config.ports[2].to, 8080);
	assert_int_equal(scope.config.ports[2].verdict, SCOPE_drop);
	assert_int_equal(scope.config.uid_count, 1);
}

static void networks_of_both_families_share_a_table(void **state)
{
	static const __u8 mapped[16] = { [10] = 0xff, 0xff, 10, 1, 0, 0 };

	(void)state;
	assert_int_equal(
		parse((struct scope_settings){
			.networks =
				(char *)"10.1.0.0/16,!2001:db8::/32,127.0.0.1,::/0,0.0.0.0/0" }),
		0);
	assert_int_equal(scope.network_count, 5);
	assert_int_equal(scope.networks[0].key.bits, 96 + 16);
	assert_memory_equal(scope.networks[0].key.address, mapped, 16);
	assert_int_equal(scope.networks[1].key.bits, 32);
	assert_int_equal(scope.networks[1].verdict, SCOPE_drop);
	assert_int_equal(scope.networks[2].key.bits, 128);
	assert_int_equal(scope.networks[3].key.bits, 0);
	assert_int_equal(scope.networks[4].key.bits, 96);
}

static void names_and_groups(void **state)
{
	(void)state;
	assert_int_equal(parse((struct scope_settings){ .comms = (char *)"nginx,!Socket Thread",
							.cgroups = (char *)"/a.slice/b" }),
			 0);
	assert_string_equal(scope.comms[1].name, "Socket Thread");
	assert_int_equal(scope.comms[1].verdict, SCOPE_drop);
	assert_true(slice_is(scope.cgroups[0].path, "/a.slice/b"));
}

static void refuse(struct scope_settings settings, int code, const char *where, const char *words)
{
	assert_int_equal(parse(settings), -code);
	assert_string_equal(key, where);
	assert_non_null(strstr(error.text, words));
}

static void nonsense_is_refused(void **state)
{
	static const char *const ports[] = { "65536", "-1",  "9-8",
					     "80-",   "-80", "a",
					     "1-2-3", "1e3", "99999999999999999999" };
	static const char *const networks[] = {
		"10.0.0.0/33", "::/129", "10.0.0/8",	"x",
		"1.2.3.4/",    "::1/a",	 "10.0.0.0/-1", "fe80::1%lo"
	};
	char many[2 * SCOPE_RANGES + 2] = "1";

	(void)state;
	for (size_t n = 0; n < array_count(ports); n++)
		refuse((struct scope_settings){ .ports = (char *)ports[n] }, EINVAL, "watch.ports",
		       "is neither a number");
	for (size_t n = 0; n < array_count(networks); n++)
		refuse((struct scope_settings){ .networks = (char *)networks[n] }, EINVAL,
		       "watch.networks", "is no network");
	refuse((struct scope_settings){ .uids = (char *)"1,,2" }, EINVAL, "watch.uids", "empty");
	refuse((struct scope_settings){ .uids = (char *)"!" }, EINVAL, "watch.uids", "empty");
	refuse((struct scope_settings){ .comms = (char *)"sixteen-bytes-xx" }, EINVAL,
	       "watch.comms", "too long");
	refuse((struct scope_settings){ .cgroups = (char *)"a.slice" }, EINVAL, "watch.cgroups",
	       "does not begin");
	for (size_t n = 0; n < SCOPE_RANGES; n++)
		memcpy(many + 2 * n + 1, ",1", 3);
	refuse((struct scope_settings){ .ports = many }, E2BIG, "watch.ports", "more than 32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_says_nothing),
		cmocka_unit_test(ranges_are_kept_and_left_out),
		cmocka_unit_test(networks_of_both_families_share_a_table),
		cmocka_unit_test(names_and_groups),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
