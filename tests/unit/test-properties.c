/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told of a container's limits, and how its unit is named. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "sysvisor/runc/scope.h"

struct limits {
	const char *resources;
	bool v2;
	const char *properties; /* one a line */
};

#define DEVICES_ALWAYS                                                                             \
	"char-* m\nblock-* m\n/dev/char/1:3 rwm\n/dev/char/1:5 rwm\n/dev/char/1:7 rwm\n"           \
	"/dev/char/1:8 rwm\n/dev/char/1:9 rwm\n/dev/char/5:0 rwm\n/dev/char/5:1 rwm\n"             \
	"/dev/char/5:2 rwm\nchar-136 rwm\n/dev/char/10:200 rwm\n/dev/char/10:229 rwm\n"

static const struct limits limits[] = {
	{ "{}", true, "" },
	{ "{\"memory\":{\"limit\":100,\"swap\":150,\"reservation\":7}}", true,
	  "MemoryMax=t:100\nMemorySwapMax=t:50\nMemoryLow=t:7\n" },
	{ "{\"memory\":{\"limit\":100,\"swap\":150,\"reservation\":7}}", false,
	  "MemoryLimit=t:100\n" },
	{ "{\"memory\":{\"limit\":-1,\"swap\":-1},\"pids\":{\"limit\":-1}}", true,
	  "MemoryMax=t:18446744073709551615\nMemorySwapMax=t:18446744073709551615\n"
	  "TasksMax=t:18446744073709551615\n" },
	/* 0 is "as it is", as engines mean it */
	{ "{\"memory\":{\"limit\":0},\"cpu\":{\"quota\":0,\"shares\":0}}", true, "" },
	{ "{\"cpu\":{\"shares\":1024}}", true, "CPUWeight=t:39\n" },
	{ "{\"cpu\":{\"shares\":1024}}", false, "CPUShares=t:1024\n" },
	/* whole percents, upwards */
	{ "{\"cpu\":{\"quota\":1,\"period\":100000}}", true,
	  "CPUQuotaPerSecUSec=t:10000\nCPUQuotaPeriodUSec=t:100000\n" },
	{ "{\"cpu\":{\"quota\":150000}}", false,
	  "CPUQuotaPerSecUSec=t:1500000\nCPUQuotaPeriodUSec=t:100000\n" },
	{ "{\"cpu\":{\"quota\":-1}}", true,
	  "CPUQuotaPerSecUSec=t:18446744073709551615\nCPUQuotaPeriodUSec=t:100000\n" },
	{ "{\"cpu\":{\"cpus\":\"0-2,9\",\"mems\":\"0\"}}", true,
	  "AllowedCPUs=ay:0702\nAllowedMemoryNodes=ay:01\n" },
	{ "{\"cpu\":{\"cpus\":\"0\"}}", false, "" },
	{ "{\"blockIO\":{\"weight\":500}}", true, "IOWeight=t:4950\n" },
	{ "{\"blockIO\":{\"weight\":500}}", false, "BlockIOWeight=t:500\n" },
	{ "{\"unified\":{\"memory.high\":\"5\",\"memory.max\":\"max\",\"io.weight\":\"default "
	  "7\"}}",
	  true, "MemoryHigh=t:5\nMemoryMax=t:18446744073709551615\nIOWeight=t:7\n" },
	{ "{\"unified\":{\"cpu.max\":\"50000 "
	  "200000\",\"cpuset.cpus\":\"1\",\"hugetlb.2MB.max\":\"1\"}}",
	  true, "CPUQuotaPerSecUSec=t:250000\nCPUQuotaPeriodUSec=t:200000\nAllowedCPUs=ay:02\n" },
	{ "{\"devices\":[{\"allow\":false}]}", true,
	  "DevicePolicy=s:strict\nDeviceAllow=a(ss):" DEVICES_ALWAYS "\n" },
	{ "{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"b\",\"major\":8,\"access\":"
	  "\"r\"}]}",
	  true, "DevicePolicy=s:strict\nDeviceAllow=a(ss):block-8 r\n" DEVICES_ALWAYS "\n" },
	/* all, whatever came before */
	{ "{\"devices\":[{\"allow\":false},{\"allow\":true}]}", true, "DevicePolicy=s:auto\n" },
};

static void test_resources(void **unused)
{
	(void)unused;
	for (size_t n = 0; n < array_count(limits); n++) {
		struct error err = { 0 };
		struct spec spec;
		struct properties list = { .arena = &spec.arena };
		auto_text struct text all = { 0 };
		int r = spec_parse_resources(slice_of(limits[n].resources), "r", &spec, &err);

		assert_int_equal(r, 0);
		r = properties_of_resources(&list, &spec.linux_.resources, limits[n].v2, &err);
		assert_int_equal(r, 0);
		assert_false(list.failed);
		assert_null(list.at[list.count]);
		for (size_t m = 0; m < list.count; m++)
			text_printf(&all, "%s\n", list.at[m]);
		assert_string_equal(text_str(&all), limits[n].properties);
		spec_done(&spec);
	}
}

static void test_wrong_sets(void **unused)
{
	static const char *const wrong[] = { "x", "1-", "3-1", "0,", "8192", "0 1", "-1" };

	(void)unused;
	for (size_t n = 0; n < array_count(wrong); n++) {
		struct arena arena = { 0 };
		struct properties list = { .arena = &arena };
		struct spec_resources resources = { .cpu.cpus = wrong[n] };
		struct error err = { 0 };
		int r = properties_of_resources(&list, &resources, true, &err);

		/* "0," ends a list, as the kernel reads it */
		assert_int_equal(r, strcmp(wrong[n], "0,") == 0 ? 0 : -EINVAL);
		arena_done(&arena);
	}
}

static void test_annotations(void **unused)
{
	static const struct {
		const char *key, *value, *property; /* NULL: refused */
	} rows[] = {
		{ "org.systemd.property.CollectMode", "'inactive'", "CollectMode=s:inactive" },
		{ "org.systemd.property.TimeoutStopUSec", "uint64 5", "TimeoutStopUSec=t:5" },
		{ "org.systemd.property.TimeoutStopSec", "5", "TimeoutStopUSec=t:5000000" },
		{ "org.systemd.property.SendSIGHUP", "true", "SendSIGHUP=b:true" },
		{ "org.systemd.property.OOMScoreAdjust", "5", NULL },
		{ "org.systemd.property.Description", "'a\\'b'", NULL },
		{ "org.systemd.property.Description", "'", NULL },
		{ "org.systemd.property.TimeoutStopSec", "99999999999999999", NULL },
	};

	(void)unused;
	for (size_t n = 0; n < array_count(rows); n++) {
		struct arena arena = { 0 };
		struct properties list = { .arena = &arena };
		struct spec_pair pair = { rows[n].key, rows[n].value };
		struct spec_list annotations = { &pair, 1 };
		struct error err = { 0 };
		int r = properties_of_annotations(&list, &annotations, &err);

		assert_int_equal(r, rows[n].property ? 0 : -EINVAL);
		if (rows[n].property)
			assert_string_equal(list.at[0], rows[n].property);
		arena_done(&arena);
	}
}

static void test_too_many(void **unused)
{
	struct arena arena = { 0 };
	struct properties list = { .arena = &arena };

	(void)unused;
	for (size_t n = 0; n < PROPERTIES_MOST; n++)
		properties_add(&list, "A=t:%zu", n);
	assert_false(list.failed);
	properties_add(&list, "B=t:1");
	assert_true(list.failed);
	arena_done(&arena);
}

static void test_place(void **unused)
{
	static const struct {
		const char *path, *id, *slice, *unit; /* NULL: refused */
	} rows[] = {
		{ NULL, "web", "system.slice", "sysvisor-web.scope" },
		{ "", "web+1", "system.slice", "sysvisor-web\\x2b1.scope" },
		{ "a.slice:docker:x", "web", "a.slice", "docker-x.scope" },
		{ ":docker:x", "web", "system.slice", "docker-x.scope" },
		{ "-.slice::x", "web", "-.slice", "x.scope" },
		{ "a.slice:p:/../x", "web", "a.slice", "p-\\x2f..\\x2fx.scope" },
		{ "/a/b", "web", NULL, NULL },
		{ "a.slice:docker", "web", NULL, NULL },
		{ "a.slice:docker:", "web", NULL, NULL },
		{ "a.slice:b:c:d", "web", NULL, NULL },
		{ "a:b:c", "web", NULL, NULL },
		{ "../a.slice:b:c", "web", NULL, NULL },
	};

	(void)unused;
	for (size_t n = 0; n < array_count(rows); n++) {
		struct arena arena = { 0 };
		struct scope scope = { 0 };
		struct error err = { 0 };
		int r = scope_place(rows[n].path, rows[n].id, &arena, &scope, &err);

		assert_int_equal(r, rows[n].unit ? 0 : -EINVAL);
		if (rows[n].unit) {
			assert_string_equal(scope.unit, rows[n].unit);
			assert_string_equal(scope.slice, rows[n].slice);
		}
		arena_done(&arena);
	}
}

static void test_place_long(void **unused)
{
	struct arena arena = { 0 };
	struct scope scope = { 0 };
	struct error err = { 0 };
	char id[251];

	(void)unused;
	memset(id, 'a', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	assert_int_equal(scope_place(NULL, id, &arena, &scope, &err), -ENAMETOOLONG);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resources),   cmocka_unit_test(test_wrong_sets),
		cmocka_unit_test(test_annotations), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_place),	    cmocka_unit_test(test_place_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
