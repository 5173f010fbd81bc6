/* SPDX-License-Identifier: Apache-2.0 */
/* The ground floor: numbers, slices, texts, maps, times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/parcel.h"
#include "base/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

/* --- slice --- */

static void slices_are_cut(void **state)
{
	struct slice rest = SLICE("a=b=c"), head = { NULL, 0 };

	(void)state;
	assert_true(slice_cut(&rest, '=', &head));
	assert_true(slice_is(head, "a"));
	assert_true(slice_is(rest, "b=c"));
	assert_true(slice_cut(&rest, '=', &rest)); /* into itself */
	assert_true(slice_is(rest, "b"));
	assert_false(slice_cut(&rest, '=', &head));
	assert_true(slice_is(head, "a"));
}

static void slices_parse_numbers_without_overflow(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_true(slice_u64(SLICE("18446744073709551615"), &value));
	assert_true(value == UINT64_MAX);
	assert_false(slice_u64(SLICE("18446744073709551616"), &value));
	assert_false(slice_u64(SLICE(""), &value));
	assert_false(slice_u64(SLICE("12a"), &value));
	assert_true(slice_hex(SLICE("0xffffffffffffffff"), &value));
	assert_true(value == UINT64_MAX);
	assert_false(slice_hex(SLICE("10000000000000000"), &value));
	assert_true(slice_hex(SLICE("1f"), &value));
	assert_int_equal(value, 0x1f);
}

static void slices_find_from_the_right(void **state)
{
	(void)state;
	assert_int_equal(slice_find_last(SLICE("a]b]c"), SLICE("]")), 3);
	assert_int_equal(slice_find_last(SLICE("xx in y in z"), SLICE(" in ")), 7);
	assert_int_equal(slice_find_last(SLICE("abc"), SLICE("abcd")), -1);
	assert_int_equal(slice_find_last(SLICE("aab"), SLICE("ab")), 1);
	assert_int_equal(slice_find_last(SLICE(""), SLICE("a")), -1);
}

static void slices_know_utf8(void **state)
{
	(void)state;
	assert_int_equal(slice_utf8_bytes(SLICE("a")), 1);
	assert_int_equal(slice_utf8_bytes(SLICE("\xc3\xa4")), 2);
	assert_int_equal(slice_utf8_bytes(SLICE("\xf0\x9f\x98\x80")), 4);
	assert_int_equal(slice_utf8_bytes(SLICE("\xc0\x80")), 0);	  /* overlong */
	assert_int_equal(slice_utf8_bytes(SLICE("\xed\xa0\x80")), 0);	  /* surrogate */
	assert_int_equal(slice_utf8_bytes(SLICE("\xf4\x90\x80\x80")), 0); /* above U+10FFFF */
	assert_int_equal(slice_utf8_bytes(SLICE("\xe2\x82")), 0);	  /* cut */
}

static void slices_measure_typing_errors(void **state)
{
	(void)state;
	assert_int_equal(slice_distance(SLICE("console"), SLICE("consoel")), 2);
	assert_int_equal(slice_distance(SLICE("node"), SLICE("node")), 0);
	assert_int_equal(slice_distance(SLICE(""), SLICE("abc")), 3);
}

/* --- text and JSON --- */

static void numbers_are_written_exactly(void **state)
{
	static const uint64_t numbers[] = { 0, 9, 10, 99, 100, 4294967295u, UINT64_MAX };
	char at[NUMBER_ROOM], wanted[32];

	(void)state;
	for (size_t n = 0; n < array_count(numbers); n++) {
		int bytes =
			snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)numbers[n]);

		assert_ptr_equal(number_decimal(at, numbers[n]), at + bytes);
		assert_memory_equal(at, wanted, (size_t)bytes);
		bytes = snprintf(wanted, sizeof(wanted), "%llx", (unsigned long long)numbers[n]);
		assert_ptr_equal(number_hex(at, numbers[n]), at + bytes);
		assert_memory_equal(at, wanted, (size_t)bytes);
	}
	for (unsigned int digits = 0; digits < 10; digits++) {
		snprintf(wanted, sizeof(wanted), "%010u", 4012345678u);
		assert_ptr_equal(number_padded(at, 4012345678u, digits), at + digits);
		assert_memory_equal(at, wanted + 10 - digits, digits);
	}
	number_padded(at, 45, 9);
	assert_memory_equal(at, "000000045", 9);
}

static void assert_escaped(struct slice value, const char *wanted)
{
	char at[256];
	char *end = json_escape(at, value);

	*end = '\0';
	assert_string_equal(at, wanted);
}

static void json_is_always_valid(void **state)
{
	(void)state;
	assert_escaped(SLICE("plain text of more than eight bytes"),
			     "plain text of more than eight bytes");
	assert_escaped(SLICE("12345678\"90\\"), "12345678\\\"90\\\\");
	assert_escaped(SLICE("a\nb\x01\x1f\x7f"), "a\\nb\\u0001\\u001f\x7f");
	assert_escaped(SLICE("\b\t\f\r\v"), "\\b\\t\\f\\r\\u000b");
	assert_escaped(SLICE("\xff\xfe ok \xc3\xa4"), "\xef\xbf\xbd\xef\xbf\xbd ok \xc3\xa4");
}

/* Texts are looked at by eight bytes at once, the last of them together with those before. */
static void json_escapes_wherever_it_stands(void **state)
{
	static const struct {
		char c;
		const char *escaped;
	} rows[] = {
		{ '"', "\\\"" }, { '\\', "\\\\" },	     { '\x1f', "\\u001f" },
		{ '\n', "\\n" }, { '\x80', "\xef\xbf\xbd" }, { '\0', "\\u0000" },
	};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	char text[24], wanted[64];

	(void)state;
	for (size_t bytes = 0; bytes < 20; bytes++) {
		snprintf(wanted, sizeof(wanted), "%.*s", (int)bytes, letters);
		assert_escaped((struct slice){ letters, bytes }, wanted);
		for (size_t n = 0; n < bytes * array_count(rows); n++) {
			size_t at = n / array_count(rows);

			memcpy(text, letters, sizeof(text));
			text[at] = rows[n % array_count(rows)].c;
			text[bytes] = '"'; /* behind its end: of no concern */
			snprintf(wanted, sizeof(wanted), "%.*s%s%.*s", (int)at, letters,
				 rows[n % array_count(rows)].escaped, (int)(bytes - at - 1),
				 letters + at + 1);
			assert_escaped((struct slice){ text, bytes }, wanted);
		}
	}
}

static void json_puts_commas_where_they_belong(void **state)
{
	auto_text struct text out = { 0 };
	struct json json = { .out = &out };

	(void)state;
	json_open(&json, '{');
	json_key(&json, SLICE("a"));
	json_open(&json, '[');
	json_u64(&json, 1);
	json_i64(&json, -2);
	json_none(&json);
	json_close(&json, ']');
	json_key(&json, SLICE("b"));
	json_bool(&json, true);
	json_close(&json, '}');
	assert_string_equal(text_str(&out), "{\"a\":[1,-2,null],\"b\":true}");
}

/* --- map --- */

struct item {
	uint32_t key;
};

static struct slice item_key(const void *item)
{
	return (struct slice){ (const char *)&((const struct item *)item)->key, sizeof(uint32_t) };
}

static void maps_agree_with_a_model(void **state)
{
	static struct item items[512];
	static bool there[512];
	unsigned int seed = 42;
	size_t count = 0;
	struct map map;
	void *item;

	(void)state;
	map_init(&map, item_key);
	for (int step = 0; step < 100000; step++) {
		size_t n = (size_t)rand_r(&seed) % array_count(items);
		struct slice key = item_key(&items[n]);

		items[n].key = (uint32_t)n;
		if (rand_r(&seed) % 2) {
			assert_int_equal(map_put(&map, &items[n], NULL), there[n] ? -EEXIST : 0);
			count += !there[n];
			there[n] = true;
		} else {
			assert_ptr_equal(map_take(&map, key), there[n] ? &items[n] : NULL);
			count -= there[n];
			there[n] = false;
		}
		assert_int_equal(map.count, count);
		assert_ptr_equal(map_get(&map, key), there[n] ? &items[n] : NULL);
	}
	map_each(&map, item) {
		assert_true(there[((struct item *)item)->key]);
		count--;
	}
	assert_int_equal(count, 0);
	map_done(&map);
}

/* The reference vector of the SipHash paper is for 2-4; for 1-3 it is what Rust's and Python's
 * implementations give for the same key and input. */
static void siphash_is_siphash(void **state)
{
	const uint64_t seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

	(void)state;
	assert_true(map_siphash(seed, SLICE("")) == 0xabac0158050fc4dc);
}

/* --- clock --- */

static void times_survive_the_round_trip(void **state)
{
	static const uint64_t times[] = { 0, 951782400000000001, 1795320578568000002,
					  4102444799999999999 };
	char at[CLOCK_RFC3339_BYTES];
	uint64_t back;

	(void)state;
	for (size_t n = 0; n < array_count(times); n++) {
		clock_rfc3339(at, times[n]);
		assert_true(clock_parse_rfc3339((struct slice){ at, sizeof(at) }, &back));
		assert_true(back == times[n]);
	}
	assert_true(clock_parse_rfc3339(SLICE("2026-11-22T16:50:47.5+02:00"), &back));
	clock_rfc3339(at, back);
	assert_memory_equal(at, "2026-11-22T14:50:47.500000000Z", sizeof(at));
	assert_false(clock_parse_rfc3339(SLICE("2026-13-22T16:50:47Z"), &back));
	assert_false(clock_parse_rfc3339(SLICE("2026-11-22T16:50:47"), &back));
}

/* Those of a moment ago hold for many, and are the same as if the clocks were read for each. */
static void moments_have_their_wall_time(void **state)
{
	uint64_t boot = clock_boot_ns(), wall = clock_wall_ns();
	static const uint64_t ages[] = { 0, 1, NS_PER_S - 1, 2 * NS_PER_S, 0, 500 * NS_PER_MS };

	(void)state;
	for (size_t n = 0; n < array_count(ages); n++) {
		uint64_t age = ages[n] < boot ? ages[n] : boot;
		uint64_t off = clock_wall_of_boot(boot - age) - (wall - age) + NS_PER_S / 10;

		assert_true(off < NS_PER_S / 5);
	}
	assert_true(clock_wall_of_boot(clock_boot_ns()) >= wall);
}

/* --- loop --- */

struct ticks {
	struct loop *loop;
	struct loop_timer early, late;
	char order[8];
};

static void tick_early(struct loop_timer *timer)
{
	struct ticks *ticks = container_of(timer, struct ticks, early);

	slice_copy(SLICE("early"), ticks->order, sizeof(ticks->order));
}

static void tick_late(struct loop_timer *timer)
{
	struct ticks *ticks = container_of(timer, struct ticks, late);

	assert_string_equal(ticks->order, "early");
	loop_stop(ticks->loop);
}

static void timers_fire_in_order(void **state)
{
	struct ticks ticks = { .early.fire = tick_early, .late.fire = tick_late };
	struct error err;

	(void)state;
	assert_int_equal(loop_new(&ticks.loop, &err), 0);
	loop_timer_set(ticks.loop, &ticks.late, 20 * NS_PER_MS);
	loop_timer_set(ticks.loop, &ticks.early, 40 * NS_PER_MS);
	loop_timer_set(ticks.loop, &ticks.early, 1 * NS_PER_MS); /* moved forward */
	assert_int_equal(loop_run(ticks.loop, &err), 0);
	loop_free(ticks.loop);
}

/* --- settings --- */

struct values {
	char *name;
	bool loud;
	uint64_t wait_ns, room_bytes;
	int format;
};

static const char *const formats[] = { "text", "json", NULL };
static const struct setting rows[] = {
	{ .key = "name",
	  .option = "name",
	  .type = SETTING_text,
	  .at = offsetof(struct values, name),
	  .programs = 1,
	  .help = "Name" },
	{ .key = "out.loud",
	  .option = "loud",
	  .type = SETTING_flag,
	  .at = offsetof(struct values, loud),
	  .programs = 1,
	  .needs = "name",
	  .help = "Loud" },
	{ .key = "out.wait",
	  .option = "wait",
	  .type = SETTING_duration,
	  .scale = NS_PER_S,
	  .at = offsetof(struct values, wait_ns),
	  .fallback = "2",
	  .max = 10 * NS_PER_S,
	  .programs = 1,
	  .help = "Wait" },
	{ .key = "out.room",
	  .type = SETTING_bytes,
	  .at = offsetof(struct values, room_bytes),
	  .programs = 1,
	  .help = "Room" },
	{ .key = "out.format",
	  .option = "format",
	  .type = SETTING_choice,
	  .at = offsetof(struct values, format),
	  .choices = formats,
	  .programs = 1,
	  .help = "Format" },
};
static const struct setting_alias aliases[] = { { "old.name", "name" }, { "old.gone", NULL } };
static const struct settings_table table = { "test",  1,
					     rows,    array_count(rows),
					     aliases, array_count(aliases) };

/* Reads a file's text; the error's words, or "" when it was fine. */
static const char *read_file(const char *text, struct values *values, struct text *notices)
{
	static struct error err;
	struct values none = { 0 };
	struct settings settings;

	err.text[0] = '\0';
	assert_int_equal(settings_init(&settings, &table, values, &err), 0);
	if (settings_read_text(&settings, slice_of(text), "f", &err) == 0 &&
	    settings_check(&settings, &err) == 0 && notices)
		text_put(notices, text_slice(&settings.notices));
	settings.values = &none; /* keeps the texts */
	settings_done(&settings);
	return err.text;
}

static void files_set_what_they_name(void **state)
{
	auto_text struct text notices = { 0 };
	struct values values = { 0 };

	(void)state;
	assert_string_equal(read_file("name = 'x'\n[out]\nloud = true\nwait = 3\nroom = '64k'\n"
				      "format = 'JSON'\n[old]\ngone = 1\n",
				      &values, &notices),
			    "");
	assert_string_equal(values.name, "x");
	assert_true(values.loud);
	assert_true(values.wait_ns == 3 * NS_PER_S);
	assert_int_equal(values.room_bytes, 65536);
	assert_int_equal(values.format, 1);
	assert_string_equal(text_str(&notices), "f:8:1: 'old.gone' has no effect any more\n");
	free(values.name);
}

static void mistakes_are_named_with_place_and_remedy(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "nane = 'x'", "f:1:1: key 'nane' is not known; did you mean 'name'?" },
		{ "[out]\n  formt = 'x'",
		  "f:2:3: key 'out.formt' is not known; did you mean 'out.format'?" },
		{ "[out]\nformat = 'xml'",
		  "f:2:1: 'out.format': 'xml' is not known; use text or json" },
		{ "[out]\nwait = 11", "f:2:1: 'out.wait': '11' is out of range; use 0 to 10" },
		{ "[out]\nwait = 'soon'",
		  "f:2:1: 'out.wait': 'soon' is not a time such as 500ms, 10s or 5m" },
		{ "[out]\nloud = 'yes'", "f:2:1: 'out.loud' wants true or false, without quotes" },
		{ "[out]\nloud = true", "f:2:1: 'out.loud' needs 'name'" },
		{ "x = 1", "f:1:1: key 'x' is not known" },
		{ "name = 'x'\n[old]\nname = 'y'",
		  "f:3:1: 'old.name': is 'name', which is set at f:1:1 already" },
		{ "name = \"a\\tb\"", "f:1:1: 'name': must not contain control characters" },
		{ "name = ''", "f:1:1: 'name': must not be empty" },
		{ "out = 3", "f:1:1: 'out' is a table: write [out]" },
	};

	(void)state;
	for (size_t n = 0; n < array_count(cases); n++) {
		struct values values = { 0 };

		assert_string_equal(read_file(cases[n].text, &values, NULL), cases[n].error);
		free(values.name);
	}
}

static const char *read_options(struct values *values, int argc, char **argv)
{
	static struct error err;
	struct settings settings;
	int rest;

	err.text[0] = '\0';
	assert_int_equal(settings_init(&settings, &table, values, &err), 0);
	if (settings_read_options(&settings, argc, argv, &rest, &err) == 0)
		assert_int_equal(
			settings_read_text(&settings, SLICE("[out]\nwait = 9\n"), "f", &err), 0);
	settings_done(&settings);
	return err.text;
}

static void options_outrank_the_file(void **state)
{
	char *argv[] = { (char *)"test", (char *)"--wait=500ms", (char *)"--loud" };
	char *wrong[] = { (char *)"test", (char *)"--wiat", (char *)"3" };
	char *bare[] = { (char *)"test", (char *)"--wait" };
	char *letter[] = { (char *)"test", (char *)"-p", (char *)"3" };
	struct values values = { 0 };

	(void)state;
	assert_string_equal(read_options(&values, 3, argv), "");
	assert_true(values.wait_ns == 500 * NS_PER_MS);
	assert_string_equal(read_options(&values, 3, wrong),
			    "option '--wiat' is not known; did you mean '--wait'?");
	assert_string_equal(read_options(&values, 3, letter),
			    "option '-p' is not known; see --help");
	assert_string_equal(read_options(&values, 2, bare), "option '--wait' needs a value");
}

/* --- parcels --- */

/* The number that is free next: the same again when nothing was left open. */
static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void parcels_bring_one_descriptor_at_most(void **state)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} two = { .head = { CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec part = { (char *)"two", 3 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = two.bytes,
				  .msg_controllen = sizeof(two.bytes) };
	char words[8];
	int ends[2], fd, before;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	memcpy(CMSG_DATA(&two.head), ends, sizeof(ends));
	before = next_fd();
	assert_int_equal(parcel_send(ends[0], "one", 3, ends[0]), 0);
	assert_int_equal(parcel_receive(ends[1], words, sizeof(words), &fd), 3);
	assert_int_equal(fd, before);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(parcel_send(ends[0], "none", 4, -1), 0);
	assert_int_equal(parcel_receive(ends[1], words, sizeof(words), &fd), 4);
	assert_int_equal(fd, -1);
	assert_int_equal(parcel_send(ends[0], "unwanted", 8, ends[0]), 0);
	assert_int_equal(parcel_receive(ends[1], words, sizeof(words), NULL), 8);
	assert_int_equal(next_fd(), before);
	assert_int_equal(sendmsg(ends[0], &message, 0), 3);
	assert_int_equal(parcel_receive(ends[1], words, sizeof(words), &fd), 3);
	assert_int_equal(fd, before);
	close(fd);
	assert_int_equal(next_fd(), before);
	close(ends[0]);
	assert_int_equal(parcel_receive(ends[1], words, sizeof(words), &fd), 0);
	assert_int_equal(parcel_send(ends[1], "late", 4, -1), -EPIPE);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_are_cut),
		cmocka_unit_test(slices_parse_numbers_without_overflow),
		cmocka_unit_test(slices_find_from_the_right),
		cmocka_unit_test(slices_know_utf8),
		cmocka_unit_test(slices_measure_typing_errors),
		cmocka_unit_test(numbers_are_written_exactly),
		cmocka_unit_test(json_is_always_valid),
		cmocka_unit_test(json_escapes_wherever_it_stands),
		cmocka_unit_test(json_puts_commas_where_they_belong),
		cmocka_unit_test(maps_agree_with_a_model),
		cmocka_unit_test(siphash_is_siphash),
		cmocka_unit_test(times_survive_the_round_trip),
		cmocka_unit_test(moments_have_their_wall_time),
		cmocka_unit_test(timers_fire_in_order),
		cmocka_unit_test(files_set_what_they_name),
		cmocka_unit_test(mistakes_are_named_with_place_and_remedy),
		cmocka_unit_test(options_outrank_the_file),
		cmocka_unit_test(parcels_bring_one_descriptor_at_most),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
