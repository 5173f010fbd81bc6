/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages as they come and as attackers make them, and the TCP stream they come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sensor/dns/message.h"
#include "sensor/dns/stream.h"

/* --- messages, put together --- */

struct wire {
	char at[2048];
	size_t bytes;
};

static void put(struct wire *wire, const char *bytes, size_t count)
{
	memcpy(wire->at + wire->bytes, bytes, count);
	wire->bytes += count;
}
#define PUT(wire, literal) put(wire, "" literal, sizeof(literal) - 1)

static void put_u16(struct wire *wire, unsigned int value)
{
	char bytes[2] = { (char)(value >> 8), (char)value };

	put(wire, bytes, 2);
}

static void put_head(struct wire *wire, unsigned int flags, unsigned int questions,
		     unsigned int answers, unsigned int additional)
{
	wire->bytes = 0;
	put_u16(wire, 0x1234);
	put_u16(wire, flags);
	put_u16(wire, questions);
	put_u16(wire, answers);
	put_u16(wire, 0);
	put_u16(wire, additional);
}

/* "host.example", at offset 12 when it comes first. */
static void put_question(struct wire *wire, unsigned int type)
{
	PUT(wire, "\4host\7example\0");
	put_u16(wire, type);
	put_u16(wire, 1);
}

static void put_record(struct wire *wire, const char *name, size_t name_bytes, unsigned int type,
		       const char *data, size_t data_bytes)
{
	put(wire, name, name_bytes);
	put_u16(wire, type);
	put_u16(wire, 1);
	PUT(wire, "\0\0\1\54"); /* 300 */
	put_u16(wire, (unsigned int)data_bytes);
	put(wire, data, data_bytes);
}
#define RECORD(wire, name, type, data)                                                             \
	put_record(wire, "" name, sizeof(name) - 1, type, "" data, sizeof(data) - 1)

static bool parse(const struct wire *wire, struct dns_message *message)
{
	return dns_parse((struct slice){ wire->at, wire->bytes }, message);
}

static void assert_slice(struct slice got, const char *expected)
{
	assert_int_equal(got.bytes, strlen(expected));
	assert_memory_equal(got.at, expected, got.bytes);
}

static void assert_question(const struct dns_message *message, const char *expected)
{
	assert_slice((struct slice){ message->question.text, message->question.bytes }, expected);
}

static void assert_answers(const struct dns_message *message, const char *expected)
{
	auto_text struct text out = { 0 };

	dns_put_answers(message, 32, &out);
	assert_string_equal(text_str(&out), expected);
}

static void a_question_is_read(void **state)
{
	struct dns_message message;
	struct wire wire;

	(void)state;
	put_head(&wire, DNS_FLAG_rd, 1, 0, 1);
	put_question(&wire, 28);
	PUT(&wire, "\0\0\51\4\320\0\0\0\0\0\0"); /* OPT, 1232 */
	assert_true(parse(&wire, &message));
	assert_int_equal(message.id, 0x1234);
	assert_int_equal(message.type, 28);
	assert_int_equal(message.class, 1);
	assert_int_equal(message.edns_bytes, 1232);
	assert_false(message.cut);
	assert_question(&message, "host.example");
}

static void a_chain_of_names_keeps_its_order(void **state)
{
	struct dns_message message;
	struct wire wire;

	(void)state;
	put_head(&wire, DNS_FLAG_qr | DNS_FLAG_rd | DNS_FLAG_ra, 1, 2, 0);
	put_question(&wire, 1);
	RECORD(&wire, "\300\14", 5, "\3www\300\21");
	RECORD(&wire, "\3www\300\21", 1, "\12\1\2\3");
	assert_true(parse(&wire, &message));
	assert_int_equal(message.answer_count, 2);
	assert_false(message.cut);
	assert_answers(&message, "[{\"name\":\"host.example\",\"type\":\"CNAME\",\"ttl\":300,"
				 "\"data\":\"www.example\"},{\"name\":\"www.example\",\"type\":"
				 "\"A\",\"ttl\":300,\"data\":\"10.1.2.3\"}]");
}

static void the_upper_bits_of_a_response_code_are_in_edns(void **state)
{
	struct dns_message message;
	auto_text struct text out = { 0 };
	struct wire wire;

	(void)state;
	put_head(&wire, DNS_FLAG_qr, 1, 0, 1);
	put_question(&wire, 1);
	PUT(&wire, "\0\0\51\20\0\1\0\0\0\0\0"); /* 1 << 4 */
	assert_true(parse(&wire, &message));
	assert_int_equal(message.rcode, 16);
	dns_put_rcode(message.rcode, &out);
	assert_string_equal(text_str(&out), "BADVERS");
}

static void names_that_lead_in_circles_are_refused(void **state)
{
	static const struct {
		const char *name;
		size_t bytes;
	} names[] = {
		{ "\300\14", 2 },	 /* to itself */
		{ "\1a\300\14", 4 },	 /* to its own start */
		{ "\300\16\300\14", 4 }, /* forward, then back */
		{ "\300\377", 2 },	 /* beyond the end */
		{ "\100a", 2 },		 /* a kind of label that doesn't exist */
		{ "\200a", 2 },
	};
	struct dns_message message;

	(void)state;
	for (size_t n = 0; n < array_count(names); n++) {
		struct wire wire;

		put_head(&wire, 0, 1, 0, 0);
		put(&wire, names[n].name, names[n].bytes);
		PUT(&wire, "\0\1\0\1");
		assert_false(parse(&wire, &message));
	}
}

/* Each pointer leads to another pointer, all the way back: long, but it ends. */
static void a_long_way_back_ends(void **state)
{
	struct dns_message message;
	struct wire wire;

	(void)state;
	put_head(&wire, DNS_FLAG_qr, 0, 1, 0);
	PUT(&wire, "\0");
	for (unsigned int n = 0; n < 300; n++)
		put_u16(&wire, 0xc000 | (n ? 13 + 2 * (n - 1) : 12));
	assert_true(parse(&wire, &message));
	assert_true(message.cut);
}

static void a_name_of_more_than_255_bytes_is_refused(void **state)
{
	struct dns_message message;
	struct wire wire;

	(void)state;
	put_head(&wire, 0, 1, 0, 0);
	for (int n = 0; n < 4; n++) {
		PUT(&wire, "\77");
		for (int c = 0; c < 63; c++)
			PUT(&wire, "a");
	}
	PUT(&wire, "\0\0\1\0\1");
	assert_false(parse(&wire, &message));
}

static void odd_bytes_of_names_are_escaped(void **state)
{
	struct dns_message message;
	struct wire wire;

	(void)state;
	put_head(&wire, 0, 1, 0, 0);
	PUT(&wire, "\6a.b\\\0\377\1\n\0\0\1\0\1");
	assert_true(parse(&wire, &message));
	assert_question(&message, "a\\.b\\\\\\000\\255.\\010");
}

static void the_root_is_a_dot(void **state)
{
	struct dns_message message;
	struct wire wire;

	(void)state;
	put_head(&wire, 0, 1, 0, 0);
	PUT(&wire, "\0\0\2\0\1");
	assert_true(parse(&wire, &message));
	assert_question(&message, ".");
}

static void every_beginning_of_a_message_is_safe(void **state)
{
	struct dns_message message;
	struct wire wire;
	size_t whole;

	(void)state;
	put_head(&wire, DNS_FLAG_qr, 1, 2, 0);
	put_question(&wire, 15);
	RECORD(&wire, "\300\14", 15, "\0\5\4mail\300\21");
	RECORD(&wire, "\300\14", 16, "\5hello");
	whole = wire.bytes;
	for (wire.bytes = 0; wire.bytes < whole; wire.bytes++) {
		auto_text struct text out = { 0 };

		if (!parse(&wire, &message))
			continue;
		assert_true(message.cut);
		dns_put_answers(&message, 32, &out);
	}
	assert_true(parse(&wire, &message));
	assert_false(message.cut);
}

static void counts_that_lie_end_with_the_message(void **state)
{
	struct dns_message message;
	struct wire wire;

	(void)state;
	put_head(&wire, DNS_FLAG_qr, 1, 65535, 65535);
	put_question(&wire, 1);
	RECORD(&wire, "\300\14", 1, "\12\0\0\1");
	assert_true(parse(&wire, &message));
	assert_true(message.cut);
	assert_answers(&message, "[{\"name\":\"host.example\",\"type\":\"A\",\"ttl\":300,"
				 "\"data\":\"10.0.0.1\"}]");
}

static void assert_data(unsigned int type, const char *data, size_t bytes, const char *expected)
{
	auto_text struct text out = { 0 };

	dns_put_data((struct slice){ data, bytes }, 0, bytes, (uint16_t)type, &out);
	assert_string_equal(text_str(&out), expected);
}
#define DATA(type, data, expected) assert_data(type, "" data, sizeof(data) - 1, expected)

static void data_is_written_as_in_zone_files(void **state)
{
	(void)state;
	DATA(1, "\177\0\0\1", "127.0.0.1");
	DATA(28, "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\7", "2001:db8::7");
	DATA(2, "\2ns\0", "ns");
	DATA(15, "\0\12\4mail\0", "10 mail");
	DATA(33, "\0\1\0\2\0\120\1a\0", "1 2 80 a");
	DATA(6, "\1m\0\1r\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", "m r 1 2 3 4 5");
	DATA(16, "\2hi\3a\"b", "\"hi\" \"a\\\"b\"");
	DATA(16, "\1\n", "\"\\010\"");
	DATA(257, "\0\5issueca.example", "0 issue \"ca.example\"");
	DATA(65, "\0\1\0\0\1\0\6\2h2\2h3\0\3\0\2\1\273\0\4\0\4\1\2\3\4",
	     "1 . alpn=\"h2\" \"h3\" port=443 ipv4hint=1.2.3.4");
	DATA(64, "\0\1\0\0\5\0\1x\377\0\0\0", "1 . ech key65280");
}

static void data_that_is_not_as_its_type_says_is_hexadecimal(void **state)
{
	(void)state;
	DATA(1, "\1\2\3", "\\# 3 010203");
	DATA(1, "\1\2\3\4\5", "\\# 5 0102030405");
	DATA(15, "\0", "\\# 1 00");
	DATA(2, "\5a", "\\# 2 0561");
	DATA(16, "\5a", "\\# 2 0561");
	DATA(65, "\0\1\0\0\1\0\11x", "\\# 8 0001000001000978");
	DATA(43, "\1\2", "\\# 2 0102");
	DATA(99, "", "");
}

static void numbers_without_a_name_are_told(void **state)
{
	auto_text struct text out = { 0 };

	(void)state;
	dns_put_type(12345, &out);
	text_putc(&out, ' ');
	dns_put_class(7, &out);
	text_putc(&out, ' ');
	dns_put_opcode(15, &out);
	text_putc(&out, ' ');
	dns_put_flags(DNS_FLAG_qr | DNS_FLAG_aa | DNS_FLAG_cd, &out);
	assert_string_equal(text_str(&out), "TYPE12345 CLASS7 OPCODE15 aa cd");
}

/* --- the stream --- */

static void note_message(void *owner, struct slice message)
{
	text_put(owner, message);
	text_putc(owner, '|');
}

static const struct slice three = { "\0\3one\0\3two\0\5three", 17 };

static void take(struct dns_stream *stream, struct text *got, size_t from, size_t bytes)
{
	dns_stream_take(stream, 1000 + (uint32_t)from, (struct slice){ three.at + from, bytes },
			bytes, note_message, got);
}

static void a_stream_may_be_cut_anywhere(void **state)
{
	(void)state;
	for (size_t first = 0; first <= three.bytes; first++) {
		for (size_t second = first; second <= three.bytes; second++) {
			struct dns_stream stream = { 0 };
			auto_text struct text got = { 0 };

			take(&stream, &got, 0, first);
			take(&stream, &got, first, second - first);
			take(&stream, &got, second, three.bytes - second);
			assert_string_equal(text_str(&got), "one|two|three|");
			assert_int_equal(stream.gaps, 0);
			dns_stream_done(&stream);
		}
	}
}

static void what_comes_twice_counts_once(void **state)
{
	struct dns_stream stream = { 0 };
	auto_text struct text got = { 0 };

	(void)state;
	take(&stream, &got, 0, 7);
	take(&stream, &got, 0, 7);
	take(&stream, &got, 3, 9);
	take(&stream, &got, 10, 7);
	assert_string_equal(text_str(&got), "one|two|three|");
	dns_stream_done(&stream);
}

static void after_a_gap_a_message_begins_with_a_piece(void **state)
{
	struct dns_stream stream = { 0 };
	auto_text struct text got = { 0 };

	(void)state;
	take(&stream, &got, 0, 7);
	take(&stream, &got, 10, 7);
	assert_string_equal(text_str(&got), "one|three|");
	assert_int_equal(stream.gaps, 1);
	dns_stream_done(&stream);
}

/* What was caught is less than what was sent: the message is given as far as it is there. */
static void a_piece_may_have_been_cut(void **state)
{
	struct dns_stream stream = { 0 };
	auto_text struct text got = { 0 };

	(void)state;
	dns_stream_take(&stream, 5, SLICE("\0\12long"), 8, note_message, &got); /* 2 missing */
	dns_stream_take(&stream, 13, SLICE("rest\0\2hi"), 8, note_message, &got);
	assert_string_equal(text_str(&got), "long|hi|");
	dns_stream_done(&stream);
}

static void a_message_too_long_to_keep_is_stepped_over(void **state)
{
	static char big[2 + 40000 + 4];
	struct dns_stream stream = { 0 };
	auto_text struct text got = { 0 };

	(void)state;
	memset(big, 'x', sizeof(big));
	big[0] = (char)(40000 >> 8);
	big[1] = (char)(40000 & 0xff);
	memcpy(big + 40002, "\0\2hi", 4);
	for (size_t at = 0; at < sizeof(big); at += 1000) {
		size_t bytes = sizeof(big) - at < 1000 ? sizeof(big) - at : 1000;

		dns_stream_take(&stream, (uint32_t)at, (struct slice){ big + at, bytes }, bytes,
				note_message, &got);
		assert_true(stream.waiting.room <= 4 * DNS_STREAM_BYTES);
	}
	assert_true(slice_ends(text_slice(&got), SLICE("x|hi|")));
	assert_int_equal(stream.gaps, 0);
	dns_stream_done(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_read),
		cmocka_unit_test(a_chain_of_names_keeps_its_order),
		cmocka_unit_test(the_upper_bits_of_a_response_code_are_in_edns),
		cmocka_unit_test(names_that_lead_in_circles_are_refused),
		cmocka_unit_test(a_long_way_back_ends),
		cmocka_unit_test(a_name_of_more_than_255_bytes_is_refused),
		cmocka_unit_test(odd_bytes_of_names_are_escaped),
		cmocka_unit_test(the_root_is_a_dot),
		cmocka_unit_test(every_beginning_of_a_message_is_safe),
		cmocka_unit_test(counts_that_lie_end_with_the_message),
		cmocka_unit_test(data_is_written_as_in_zone_files),
		cmocka_unit_test(data_that_is_not_as_its_type_says_is_hexadecimal),
		cmocka_unit_test(numbers_without_a_name_are_told),
		cmocka_unit_test(a_stream_may_be_cut_anywhere),
		cmocka_unit_test(what_comes_twice_counts_once),
		cmocka_unit_test(after_a_gap_a_message_begins_with_a_piece),
		cmocka_unit_test(a_piece_may_have_been_cut),
		cmocka_unit_test(a_message_too_long_to_keep_is_stepped_over),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
