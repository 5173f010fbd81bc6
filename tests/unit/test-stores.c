/* SPDX-License-Identifier: Apache-2.0 */
/* What S3, StatsD, OpenTelemetry and NATS are told, without a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/sha256.h"
#include "event/measure.h"
#include "sink/nats_message.h"
#include "sink/otlp_message.h"
#include "sink/s3_credentials.h"
#include "sink/s3_key.h"
#include "sink/statsd_line.h"
#include "wire/protobuf.h"

/* FIPS 180-4's examples, and lengths around the ends of blocks. */
static void hashes_are_right(void **state)
{
	static const struct {
		struct slice text;
		const char *hex;
	} rows[] = {
		{ SLICE(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		  { SLICE("abc"),
			  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		    { SLICE("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
			    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		      { SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
			      "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
		    };
	char hex[SHA256_HEX_BYTES];

	(void)state;
	for (size_t n = 0; n < array_count(rows); n++) {
		sha256_hex(rows[n].text, hex);
		assert_string_equal(hex, rows[n].hex);
	}
}

/* --- S3 --- */

static void check_key(const char *template, const char *expected)
{
	const struct s3_key key = {
		.host = SLICE("web 1"),
			      .node = SLICE("n1"), .wall_ns = 1795359047123456789ull, .file = 0x1f,
					    .offset = 0xab,
					    .ext = SLICE(".json.gz"),
							 .pipeline =
								 SLICE("store"),
								       .program = SLICE("ingraind"),
								       };
	auto_text struct text text = { 0 };
	struct error err;

	if (s3_key_check(slice_of(template), &err) < 0)
		fail_msg("%s", err.text);
	s3_put_key(slice_of(template), &key, &text);
	assert_string_equal(text_str(&text), expected);
}

static void keys_follow_their_template(void **state)
{
	(void)state;
	check_key("{host}_{ns}-{id}{ext}", "web%201_1795359047123456789-1f-ab.json.gz");
	check_key("{node}/{year}/{month}/{day}/{hour}{minute}/{id}", "n1/2026/11/22/1450/1f-ab");
	check_key("{pipeline}/{program}/{second}/{id}", "store/ingraind/47/1f-ab");
	check_key("a+b&c=\xc3\xa4/{id}", "a%2Bb%26c%3D%C3%A4/1f-ab");
}

static void templates_are_checked(void **state)
{
	struct error err;

	(void)state;
	assert_true(s3_key_check(SLICE("{hots}-{id}"), &err) < 0);
	assert_non_null(strstr(err.text, "'{hots}' is not known; use {host}"));
	assert_true(s3_key_check(SLICE("{host}"), &err) < 0);
	assert_non_null(strstr(err.text, "lacks {id}"));
	assert_true(s3_key_check(SLICE("{id"), &err) < 0);
	assert_non_null(strstr(err.text, "lacks its '}'"));
}

static void answers_hold_keys(void **state)
{
	struct s3_credentials credentials = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(s3_credentials_parse(&credentials,
					      SLICE("{\"Code\":\"Success\",\"AccessKeyId\":\"A\","
				       "\"SecretAccessKey\":\"S\",\"Token\":\"T\","
				       "\"Expiration\":\"2026-11-22T14:50:47Z\"}"),
						    &err),
					      0);
	assert_string_equal(text_str(&credentials.id), "A");
	assert_string_equal(text_str(&credentials.secret), "S");
	assert_string_equal(text_str(&credentials.token), "T");
	assert_int_equal(credentials.expires_ns, 1795359047ull * NS_PER_S);
	assert_int_equal(s3_credentials_parse(&credentials,
					      SLICE("{\"AccessKeyId\":\"B:C\","
						    "\"SecretAccessKey\":\"R\"}"),
						    &err),
					      0);
	assert_string_equal(text_str(&credentials.id), "B:C");
	assert_string_equal(text_str(&credentials.secret), "R");
	assert_int_equal(credentials.token.bytes, 0);
	assert_int_equal(credentials.expires_ns, 0);
	assert_true(s3_credentials_parse(&credentials, SLICE("<html>"), &err) < 0);
	assert_true(s3_credentials_parse(&credentials, SLICE(""), &err) < 0);
	assert_true(s3_credentials_parse(&credentials, SLICE("{\"AccessKeyId\":5}"), &err) < 0);
	assert_int_equal(s3_credentials_parse_xml(
		&credentials,
		SLICE("<R xmlns=\"x\"><Credentials><AccessKeyId>A</AccessKeyId>"
			      "<SecretAccessKey>S+/=</SecretAccessKey><SessionToken> T\n"
			      "</SessionToken><Expiration>2026-11-22T14:50:47Z</Expiration>"
			      "</Credentials></R>"),
		      &err),
		0);
	assert_string_equal(text_str(&credentials.id), "A");
	assert_string_equal(text_str(&credentials.secret), "S+/=");
	assert_string_equal(text_str(&credentials.token), "T");
	assert_int_equal(credentials.expires_ns, 1795359047ull * NS_PER_S);
	assert_true(s3_credentials_parse_xml(&credentials, SLICE("<AccessKeyId>A"), &err) < 0);
	assert_true(s3_credentials_parse_xml(&credentials, SLICE(""), &err) < 0);
	/* Nothing of an answer can begin a header of its own. */
	assert_true(s3_credentials_parse(&credentials,
					 SLICE("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\","
					       "\"Token\":\"T\\nX: y\"}"),
					       &err) < 0);
	s3_credentials_done(&credentials);
}

/* --- StatsD --- */

static struct event_pair pairs[] = {
	{ SLICE("process_str"), SLICE("a:b|c#d") },
	  { SLICE("empty"), SLICE("") },
	    { SLICE("d_ip"), SLICE("10.0.0.1") },
	  };

static void check_line(struct measure measure, enum statsd_tags tags, const char *expected)
{
	auto_text struct text text = { 0 };
	static struct event event;

	measure_make(&event, &measure, 1);
	statsd_put_line(&event, SLICE("ingraind.metrics."), tags, &text);
	assert_string_equal(text_str(&text), expected);
}

static void lines_have_types(void **state)
{
	struct measure measure = {
		.name = SLICE("volume.out"),
			      .unit = SLICE("byte"), .kinds = MEASURE_COUNTER | MEASURE_HISTOGRAM,
					    .value = 4096 };

	(void)state;
	check_line(measure, STATSD_no_tags, "ingraind.metrics.volume.out:4096|c");
	measure.kinds = MEASURE_GAUGE;
	check_line(measure, STATSD_no_tags, "ingraind.metrics.volume.out:4096|g");
	measure.kinds = MEASURE_PERCENTILE;
	check_line(measure, STATSD_no_tags, "ingraind.metrics.volume.out:4096|g");
	measure.kinds = MEASURE_TIMER;
	measure.unit = SLICE("duration");
	measure.value = 1500 * NS_PER_US;
	check_line(measure, STATSD_no_tags, "ingraind.metrics.volume.out:1.500|ms");
	measure.value = 2 * NS_PER_S;
	check_line(measure, STATSD_no_tags, "ingraind.metrics.volume.out:2000|ms");
}

/* A sign in front would make them a step from where the server's gauge stands. */
static void gauges_may_be_negative(void **state)
{
	struct measure measure = { .name = SLICE("g"), .unit = SLICE("count"), .value = -5 };

	(void)state;
	measure.kinds = MEASURE_GAUGE;
	check_line(measure, STATSD_no_tags, "ingraind.metrics.g:0|g\ningraind.metrics.g:-5|g");
	measure.kinds = MEASURE_COUNTER;
	check_line(measure, STATSD_no_tags, "ingraind.metrics.g:-5|c");
}

static void sums_of_spans_are_told_as_their_mean(void **state)
{
	struct measure measure = { .name = SLICE("connection"),
						 .unit = SLICE("duration"), .kinds = MEASURE_TIMER,
							       .value = 30 * NS_PER_MS };
	auto_text struct text text = { 0 };
	static struct event event;

	(void)state;
	measure_make(&event, &measure, 1);
	event_number(&event, FIELD_measure_samples, 4);
	statsd_put_line(&event, SLICE("p."), STATSD_no_tags, &text);
	assert_string_equal(text_str(&text), "p.connection:7.500|ms|@0.25");
}

static void lines_cannot_be_broken(void **state)
{
	struct measure measure = { .name = SLICE("a:b|c\n#d e"),
						 .unit = SLICE("count"), .kinds = MEASURE_COUNTER,
							       .value = 1, .tags = { pairs, 3 } };

	(void)state;
	check_line(measure, STATSD_no_tags, "ingraind.metrics.a_b_c__d_e:1|c");
	check_line(measure, STATSD_dogstatsd,
		   "ingraind.metrics.a_b_c__d_e:1|c|#process_str:a_b_c_d,d_ip:10.0.0.1");
	check_line(measure, STATSD_graphite,
		   "ingraind.metrics.a_b_c__d_e;process_str=a_b_c_d;d_ip=10.0.0.1:1|c");
}

/* --- OpenTelemetry --- */

static void messages_nest(void **state)
{
	auto_text struct text text = { 0 };
	size_t outer, inner;

	(void)state;
	outer = protobuf_open(&text, 1);
	protobuf_u64(&text, 2, 300);
	inner = protobuf_open(&text, 3);
	for (unsigned int n = 0; n < 200; n++)
		text_putc(&text, 'x');
	protobuf_close(&text, inner);
	protobuf_close(&text, outer);
	assert_int_equal(text.bytes, 1 + 2 + 3 + 1 + 2 + 200);
	/* 206 bytes; field 2 is 300; field 3 is 200 bytes */
	assert_memory_equal(text.at, "\x0a\xce\x01\x10\xac\x02\x1a\xc8\x01xx", 11);
	text_clear(&text);
	protobuf_close(&text, protobuf_open(&text, 1));
	assert_int_equal(text.bytes, 2);
	assert_memory_equal(text.at, "\x0a\x00", 2);
	text_clear(&text);
	protobuf_fixed64(&text, 1, 0x0102030405060708);
	assert_memory_equal(text.at, "\x09\x08\x07\x06\x05\x04\x03\x02\x01", 9);
	text_clear(&text);
	protobuf_varint(&text, UINT64_MAX);
	assert_memory_equal(text.at, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
}

static void logs_are_utf_8(void **state)
{
	const struct event_origin origin = { .run_id = "00112233445566aa" };
	auto_text struct text text = { 0 };
	static struct event event;

	(void)state;
	event_init(&event, EVENT_process_exec, 1, 0);
	event_text(&event, FIELD_comm, SLICE("a\xff\xc3\xa4"));
	otlp_put_log(&event, &origin, &text);
	assert_true(slice_find(text_slice(&text), SLICE("a\xef\xbf\xbd\xc3\xa4")) > 0);
	assert_true(slice_find(text_slice(&text), SLICE("\xff")) < 0);
}

static void metrics_have_units_and_spans(void **state)
{
	struct measure measure = { .name = SLICE("volume.out"),
						 .unit = SLICE("byte"), .kinds = MEASURE_COUNTER,
							       .value = 5 };
	auto_text struct text text = { 0 };
	static struct event event;

	(void)state;
	measure_make(&event, &measure, 0x20);
	event_number(&event, FIELD_measure_span, 0x10);
	otlp_put_metric(&event, &text);
	assert_int_equal(text.bytes, 12 + 4 + 2 + 29 + 4);
	assert_memory_equal(text.at,
			    "\x0a\x0avolume.out\x1a\x02"
			    "By\x3a\x21\x0a\x1b\x11\x10\0\0\0\0\0\0\0\x19\x20\0\0\0\0\0\0\0"
			    "\x31\x05\0\0\0\0\0\0\0\x10\x01\x18\x01",
			    text.bytes);
}

/* --- NATS --- */

static void subjects_follow_their_template(void **state)
{
	const struct event_origin origin = { .host = "web.1 x", .node_id = "n*1" };
	auto_text struct text text = { 0 };
	static struct event event;
	struct error err;

	(void)state;
	event_init(&event, EVENT_process_exec, 1, 0);
	nats_put_subject(SLICE("a.{host}.{kind}.{node}"), &event, &origin, &text);
	assert_string_equal(text_str(&text), "a.web_1_x.process.exec.n_1");
	assert_int_equal(nats_check_subject(SLICE("a.{host}.{kind}"), &err), 0);
	assert_true(nats_check_subject(SLICE("a..b"), &err) < 0);
	assert_true(nats_check_subject(SLICE("a."), &err) < 0);
	assert_true(nats_check_subject(SLICE(""), &err) < 0);
	assert_true(nats_check_subject(SLICE("a b"), &err) < 0);
	assert_true(nats_check_subject(SLICE("a.>"), &err) < 0);
	assert_true(nats_check_subject(SLICE("a.{hots}"), &err) < 0);
	assert_non_null(strstr(err.text, "use {kind}, {host} or {node}"));
}

static void streams_answer(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(nats_read_ack(SLICE("{\"stream\":\"S\",\"seq\":7}"), &err),
				       COURIER_delivered);
	assert_int_equal(nats_read_ack(
		SLICE("{\"stream\":\"S\",\"seq\":7,\"duplicate\":true}"), &err), COURIER_delivered);
	assert_int_equal(nats_read_ack(SLICE("{\"error\":{\"code\":400,\"err_code\":10054,"
					     "\"description\":\"message size exceeds maximum "
					     "allowed\"}}"),
					     &err),
				       COURIER_refused);
	assert_string_equal(err.text, "JetStream: message size exceeds maximum allowed (10054)");
	assert_int_equal(nats_read_ack(
		SLICE("{\"error\":{\"code\":503,\"err_code\":10077}}"), &err), COURIER_failed);
	assert_int_equal(nats_read_ack(SLICE("pong"), &err), COURIER_failed);
	assert_int_equal(nats_read_ack(SLICE(""), &err), COURIER_failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_right),
		cmocka_unit_test(keys_follow_their_template),
		cmocka_unit_test(templates_are_checked),
		cmocka_unit_test(answers_hold_keys),
		cmocka_unit_test(lines_have_types),
		cmocka_unit_test(gauges_may_be_negative),
		cmocka_unit_test(sums_of_spans_are_told_as_their_mean),
		cmocka_unit_test(lines_cannot_be_broken),
		cmocka_unit_test(messages_nest),
		cmocka_unit_test(logs_are_utf_8),
		cmocka_unit_test(metrics_have_units_and_spans),
		cmocka_unit_test(subjects_follow_their_template),
		cmocka_unit_test(streams_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
