/* SPDX-License-Identifier: Apache-2.0 */
/* What events look like to others, above all when a process chose its name with care. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "event/encode.h"

#include <jansson.h>
#include <signal.h>

#define WALL_NS 1795359047123456789ull /* 2026-11-22T14:50:47.123456789Z */

static const struct event_origin origin = {
	.host = "web1",
	.node_id = "n1",
	.run_id = "00112233445566aa",
	.program = "polytect",
	.version = "1.2",
};

static struct event event;
static struct text out;

static void start(enum event_kind kind)
{
	event_init(&event, kind, WALL_NS, 0);
	event.serial = 0x2a;
}

static const char *put(event_encoder *encode)
{
	text_clear(&out);
	encode(&event, &origin, &out);
	return text_str(&out);
}

/* A field's value as each format writes it. */
static void check_text(struct slice value, const char *cef, const char *structured)
{
	auto_text struct text expected = { 0 };

	start(EVENT_process_exec);
	event_text(&event, FIELD_comm, value);
	text_printf(&expected,
		    "CEF:0|Bulwark|polytect|1.2|process.exec|Process replaced its image|3|"
		    "rt=1795359047123 dhost=web1 externalId=00112233445566aa-2a dproc=%s",
		    cef);
	assert_string_equal(put(event_put_cef), text_str(&expected));
	text_clear(&expected);
	text_printf(&expected,
		    "[bulwark@32473 event.name=\"process.exec\" severity=\"info\" "
		    "event.id=\"00112233445566aa-2a\" process.comm=\"%s\"]",
		    structured);
	assert_string_equal(put(event_put_structured_data), text_str(&expected));
}

static void names_chosen_with_care_stay_values(void **state)
{
	(void)state;
	check_text(SLICE("nginx"), "nginx", "nginx");
	check_text(SLICE("x dhost=db01"), "x dhost\\=db01", "x dhost=db01");
	check_text(SLICE("a|b\\c"), "a|b\\\\c", "a|b\\\\c");
	check_text(SLICE("x\"] [y z=\"1"), "x\"] [y z\\=\"1", "x\\\"\\] [y z=\\\"1");
	check_text(SLICE("two\nlines\r"), "two\\nlines\\r", "two lines ");
	check_text(SLICE("nul\0bell\a"), "nul bell ", "nul bell ");
	check_text(SLICE("\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd");
	check_text(SLICE("\xc3\xa4"), "\xc3\xa4", "\xc3\xa4");
	check_text(SLICE(""), "", "");
}

/* RFC 5424 section 6.3.3 */
static void names_of_parameters_are_what_syslog_permits(void **state)
{
	(void)state;
	for (size_t n = 0; n < FIELD_COUNT; n++) {
		struct slice name = slice_of(event_fields[n].name);

		assert_true(name.bytes >= 1 && name.bytes <= 32);
		for (size_t at = 0; at < name.bytes; at++)
			assert_true(name.at[at] > ' ' && name.at[at] <= '~' &&
				    !strchr("=]\"", name.at[at]));
	}
	for (size_t n = 0; n < EVENT_KIND_COUNT; n++)
		assert_true(strlen(event_kinds[n].name) <= 32); /* MSGID */
}

/* Two fields of one event under one name would be read as one. */
static void cef_keys_of_a_kind_are_unique(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		for (unsigned int a = 0; a < FIELD_COUNT; a++) {
			for (unsigned int b = a + 1; b < FIELD_COUNT; b++) {
				if (!event_fields[a].cef || !event_fields[b].cef ||
				    !event_kind_has((enum event_kind)kind, (enum event_field)a) ||
				    !event_kind_has((enum event_kind)kind, (enum event_field)b))
					continue;
				if (strcmp(event_fields[a].cef, event_fields[b].cef) == 0)
					fail_msg("%s: %s and %s are both %s in CEF",
						 event_kinds[kind].name, event_fields[a].name,
						 event_fields[b].name, event_fields[a].cef);
			}
		}
	}
}

static void json_is_json_whatever_the_name(void **state)
{
	json_t *json;

	(void)state;
	start(EVENT_process_exec);
	event_text(&event, FIELD_comm, SLICE("\"]},\n\xff\\"));
	event_number(&event, FIELD_pid, UINT64_MAX);
	json = json_loads(put(event_put_json), 0, NULL);
	assert_null(json); /* jansson's integers end at 2^63 */
	event.values[1].number = 7;
	json = json_loads(put(event_put_json), 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "process.comm")),
			    "\"]},\n\xef\xbf\xbd\\");
	assert_string_equal(json_string_value(json_object_get(json, "event.id")),
			    "00112233445566aa-2a");
	assert_string_equal(json_string_value(json_object_get(json, "time")),
			    "2026-11-22T14:50:47.123456789Z");
	json_decref(json);
}

static void readable_lines_stay_one_line(void **state)
{
	(void)state;
	start(EVENT_process_exec);
	event_text(&event, FIELD_comm, SLICE("a\nb\033[2J\xc2\x9b"));
	assert_string_equal(
		put(event_put_text),
		"2026-11-22T14:50:47.123Z info     process.exec: a\\x0ab\\x1b[2J\\x9b exec");
}

/* --- the schema of polytect's last generation --- */

#define V1_HEAD                                                                                    \
	"{\"version\":\"V1\",\"timestamp\":\"2026-11-22T14:50:47.123456789Z\","                    \
	"\"hostname\":\"web1\",\"event\":"

static void v1_of_a_segfault(void **state)
{
	(void)state;
	start(EVENT_process_trap);
	event_text(&event, FIELD_comm, SLICE("a.out"));
	event_number(&event, FIELD_pid, 36175);
	event_text(&event, FIELD_kmsg_level, SLICE("info"));
	event_text(&event, FIELD_trap, SLICE("segfault"));
	event_number(&event, FIELD_fault_address, UINT64_MAX);
	event_number(&event, FIELD_fault_ip, 0x561bc8d8f12e);
	event_number(&event, FIELD_fault_sp, 0x7ffd5833d0c0);
	event_number(&event, FIELD_fault_code, 0x37);
	event_text(&event, FIELD_module, SLICE("a.out"));
	event_number(&event, FIELD_module_start, 0x561bc8d8f000);
	event_number(&event, FIELD_module_bytes, 0x1000);
	assert_string_equal(
		put(event_put_json_v1),
		V1_HEAD "{\"type\":\"LinuxKernelTrap\",\"level\":\"Info\",\"facility\":\"Kern\","
			"\"trap\":{\"type\":\"Segfault\",\"location\":18446744073709551615},"
			"\"procname\":\"a.out\",\"pid\":36175,\"ip\":94677333766446,"
			"\"sp\":140726083244224,\"errcode\":{\"reason\":\"ProtectionFault\","
			"\"access_type\":\"Write\",\"access_mode\":\"User\","
			"\"use_of_reserved_bit\":false,\"instruction_fetch\":true,"
			"\"protection_keys_block_access\":true},\"file\":\"a.out\","
			"\"vmastart\":94677333766144,\"vmasize\":4096}}");
}

/* Words come before bits: another machine's code means something else. */
static void v1_of_a_trap_of_another_machine(void **state)
{
	(void)state;
	start(EVENT_process_trap);
	event_text(&event, FIELD_comm, SLICE("b"));
	event_number(&event, FIELD_pid, 1);
	event_text(&event, FIELD_trap, SLICE("divide_error"));
	event_number(&event, FIELD_fault_code, 0x92000047);
	event_text(&event, FIELD_fault_reason, SLICE("no_page"));
	event_text(&event, FIELD_fault_access, SLICE("execute"));
	event_text(&event, FIELD_fault_mode, SLICE("user"));
	assert_string_equal(
		put(event_put_json_v1),
		V1_HEAD "{\"type\":\"LinuxKernelTrap\",\"level\":\"Info\",\"facility\":\"Kern\","
			"\"trap\":{\"type\":\"Generic\",\"description\":\"divide_error\"},"
			"\"procname\":\"b\",\"pid\":1,\"ip\":0,\"sp\":0,"
			"\"errcode\":{\"reason\":\"NoPageFound\",\"access_type\":\"Read\","
			"\"access_mode\":\"User\",\"use_of_reserved_bit\":false,"
			"\"instruction_fetch\":true,\"protection_keys_block_access\":false}}}");
}

static void v1_of_a_fatal_signal(void **state)
{
	static const struct event_pair pairs[] = { { { "RIP", 3 }, { "0x1234", 6 } } };

	(void)state;
	start(EVENT_process_fatal_signal);
	event_text(&event, FIELD_comm, SLICE("nginx"));
	event_text(&event, FIELD_kmsg_level, SLICE("warning"));
	event_signal(&event, SIGABRT);
	event_map(&event, FIELD_registers, (struct event_map){ pairs, 1 });
	assert_string_equal(put(event_put_json_v1),
			    V1_HEAD "{\"type\":\"LinuxFatalSignal\",\"level\":\"Warning\","
				    "\"facility\":\"Kern\",\"signal\":\"SIGIOT\","
				    "\"stack_dump\":{\"Comm\":\"nginx\",\"RIP\":\"0x1234\"}}}");
}

static void v1_of_the_other_kinds(void **state)
{
	(void)state;
	start(EVENT_kmsg_suppressed);
	event_text(&event, FIELD_kmsg_level, SLICE("err"));
	event_text(&event, FIELD_suppressed_function, SLICE("show_signal_msg"));
	event_number(&event, FIELD_suppressed_count, 9);
	assert_string_equal(put(event_put_json_v1),
			    V1_HEAD "{\"type\":\"LinuxSuppressedCallback\",\"level\":\"Error\","
				    "\"facility\":\"Kern\",\"function_name\":\"show_signal_msg\","
				    "\"count\":9}}");
	start(EVENT_setting_drift);
	event_text(&event, FIELD_setting, SLICE("kernel.print-fatal-signals"));
	event_text(&event, FIELD_setting_expected, SLICE("1"));
	event_text(&event, FIELD_setting_observed, SLICE("0"));
	assert_string_equal(put(event_put_json_v1),
			    V1_HEAD "{\"type\":\"ConfigMismatch\","
				    "\"key\":\"kernel.print-fatal-signals\","
				    "\"expected_value\":\"1\",\"observed_value\":\"0\"}}");
	start(EVENT_register_probe);
	event_text(&event, FIELD_comm, SLICE("nginx"));
	event_text(&event, FIELD_detection_register, SLICE("ip"));
	event_text(&event, FIELD_detection_reason, SLICE("why"));
	event_number(&event, FIELD_detection_count, 12);
	assert_string_equal(put(event_put_json_v1),
			    V1_HEAD "{\"type\":\"RegisterProbe\",\"register\":\"ip\","
				    "\"message\":\"why\",\"procname\":\"nginx\","
				    "\"justification\":{\"EventCount\":12}}}");
}

static void kinds_without_a_schema_are_written_as_ours(void **state)
{
	auto_text struct text ours = { 0 };

	(void)state;
	start(EVENT_process_exec);
	event_text(&event, FIELD_comm, SLICE("sh"));
	event_put_json(&event, &origin, &ours);
	assert_false(event_has_json_v1(EVENT_process_exec));
	assert_string_equal(put(event_put_json_v1), text_str(&ours));
}

static int teardown(void **state)
{
	(void)state;
	text_done(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_chosen_with_care_stay_values),
		cmocka_unit_test(names_of_parameters_are_what_syslog_permits),
		cmocka_unit_test(cef_keys_of_a_kind_are_unique),
		cmocka_unit_test(json_is_json_whatever_the_name),
		cmocka_unit_test(readable_lines_stay_one_line),
		cmocka_unit_test(v1_of_a_segfault),
		cmocka_unit_test(v1_of_a_trap_of_another_machine),
		cmocka_unit_test(v1_of_a_fatal_signal),
		cmocka_unit_test(v1_of_the_other_kinds),
		cmocka_unit_test(kinds_without_a_schema_are_written_as_ours),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
