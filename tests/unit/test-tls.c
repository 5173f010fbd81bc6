/* SPDX-License-Identifier: Apache-2.0 */
/* TLS hellos as clients send them and as attackers make them; fingerprints against published ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sensor/tls/certificate.h"
#include "sensor/tls/hello.h"

/* --- hellos, put together --- */

struct wire {
	char at[8192];
	size_t bytes;
};

static void put_number(struct wire *wire, size_t bytes, size_t value)
{
	while (bytes--)
		wire->at[wire->bytes++] = (char)(value >> 8 * bytes);
}

static void put_bytes(struct wire *wire, const char *bytes, size_t count)
{
	memcpy(wire->at + wire->bytes, bytes, count);
	wire->bytes += count;
}

/* Makes room for a length, and fills it in when what it counts is there. */
static size_t open_vector(struct wire *wire, size_t head)
{
	wire->bytes += head;
	return wire->bytes;
}

static void close_vector(struct wire *wire, size_t head, size_t start)
{
	size_t bytes = wire->bytes - start;

	for (size_t n = 0; n < head; n++)
		wire->at[start - 1 - n] = (char)(bytes >> 8 * n);
}

static void put_list(struct wire *wire, size_t head, size_t each, const uint16_t *values,
		     size_t count)
{
	size_t start = open_vector(wire, head);

	for (size_t n = 0; n < count; n++)
		put_number(wire, each, values[n]);
	close_vector(wire, head, start);
}

struct parts {
	uint16_t version;
	const uint16_t *ciphers, *extensions, *groups, *formats, *signatures, *versions;
	size_t cipher_count, extension_count, group_count, format_count, signature_count,
		version_count;
	const char *name, *alpn; /* alpn: as on the wire */
};

static void put_extension(struct wire *wire, const struct parts *parts, uint16_t type)
{
	size_t start, inner;

	put_number(wire, 2, type);
	start = open_vector(wire, 2);
	if (type == 0 && parts->name) {
		inner = open_vector(wire, 2);
		put_number(wire, 1, 0);
		put_number(wire, 2, strlen(parts->name));
		put_bytes(wire, parts->name, strlen(parts->name));
		close_vector(wire, 2, inner);
	} else if (type == 10) {
		put_list(wire, 2, 2, parts->groups, parts->group_count);
	} else if (type == 11) {
		put_list(wire, 1, 1, parts->formats, parts->format_count);
	} else if (type == 13) {
		put_list(wire, 2, 2, parts->signatures, parts->signature_count);
	} else if (type == 16) {
		put_number(wire, 2, strlen(parts->alpn));
		put_bytes(wire, parts->alpn, strlen(parts->alpn));
	} else if (type == 43) {
		put_list(wire, 1, 2, parts->versions, parts->version_count);
	}
	close_vector(wire, 2, start);
}

/* The handshake message, without a record around it. */
static void put_hello(struct wire *wire, const struct parts *parts)
{
	size_t message, extensions;

	wire->bytes = 0;
	put_number(wire, 1, TLS_client_hello);
	message = open_vector(wire, 3);
	put_number(wire, 2, parts->version);
	memset(wire->at + wire->bytes, 7, 32);
	wire->bytes += 32;
	put_number(wire, 1, 0); /* session */
	put_list(wire, 2, 2, parts->ciphers, parts->cipher_count);
	put_number(wire, 2, 0x0100); /* compression: none */
	extensions = open_vector(wire, 2);
	for (size_t n = 0; n < parts->extension_count; n++)
		put_extension(wire, parts, parts->extensions[n]);
	close_vector(wire, 2, extensions);
	close_vector(wire, 3, message);
}

/* The same in records of at most `most` bytes. */
static void put_records(struct wire *wire, const struct wire *message, size_t most)
{
	wire->bytes = 0;
	for (size_t at = 0; at < message->bytes; at += most) {
		size_t bytes = message->bytes - at < most ? message->bytes - at : most;

		put_number(wire, 1, 22);
		put_number(wire, 2, 0x0301);
		put_number(wire, 2, bytes);
		put_bytes(wire, message->at + at, bytes);
	}
}

/* A browser's, from the description of JA4; with made-up values among the true ones. */
static const uint16_t browser_ciphers[] = { 0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f,
					    0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
					    0x009c, 0x009d, 0x002f, 0x0035 };
static const uint16_t browser_extensions[] = { 0x1a1a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469,
					       0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
					       0x002b, 0xff01, 0x000b, 0x000a, 0x0015 };
static const uint16_t browser_signatures[] = { 0x0403, 0x0804, 0x0401, 0x0503,
					       0x0805, 0x0501, 0x0806, 0x0601 };
static const uint16_t browser_groups[] = { 0x2a2a, 29, 23, 24 };
static const uint16_t browser_versions[] = { 0x3a3a, 0x0304, 0x0303 };
static const uint16_t formats[] = { 0 };

#define LIST(member, list) .member##s = (list), .member##_count = array_count(list)

static const struct parts browser = {
	.version = 0x0303,
	LIST(cipher, browser_ciphers),
	LIST(extension, browser_extensions),
	LIST(group, browser_groups),
	LIST(format, formats),
	LIST(signature, browser_signatures),
	LIST(version, browser_versions),
	.name = "www.example",
	.alpn = "\2h2\10http/1.1",
};

static enum tls_answer find(struct slice from, struct tls_hello *hello)
{
	auto_text struct text room = { 0 };
	unsigned int type;
	struct slice body;
	enum tls_answer answer = tls_find_message(from, 0, &room, &type, &body);

	if (answer == TLS_done && !tls_read_hello(type, body, hello))
		return TLS_none;
	return answer;
}

static enum tls_answer find_in(const struct parts *parts, size_t most, struct tls_hello *hello)
{
	struct wire message, records;

	put_hello(&message, parts);
	put_records(&records, &message, most);
	return find((struct slice){ records.at, records.bytes }, hello);
}

static void a_hello_is_read(void **state)
{
	auto_text struct text words = { 0 };
	struct tls_hello hello;

	(void)state;
	assert_int_equal(find_in(&browser, 16384, &hello), TLS_done);
	assert_int_equal(hello.type, TLS_client_hello);
	assert_int_equal(hello.version, 0x0304);
	assert_string_equal(hello.server_name, "www.example");
	assert_int_equal(hello.alpn_bytes, strlen("h2,http/1.1"));
	assert_memory_equal(hello.alpn, "h2,http/1.1", hello.alpn_bytes);
	tls_put_versions(&hello.versions, &words);
	assert_string_equal(text_str(&words), "1.3,1.2");
}

static void fingerprints_are_those_published(void **state)
{
	/* The example of JA3's description. */
	static const uint16_t ciphers[] = {
		47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4
	};
	static const uint16_t extensions[] = { 0, 10, 11 };
	static const uint16_t groups[] = { 23, 24, 25 };
	static const struct parts old = {
		.version = 0x0301,
		LIST(cipher, ciphers),
		LIST(extension, extensions),
		LIST(group, groups),
		LIST(format, formats),
		.name = "a",
	};
	struct tls_hello hello;
	char ja3[TLS_JA3_ROOM], ja4[TLS_JA4_ROOM];

	(void)state;
	assert_int_equal(find_in(&old, 16384, &hello), TLS_done);
	tls_ja3(&hello, ja3);
	assert_string_equal(ja3, "ada70206e40642a3e4461f35503241d5");
	assert_int_equal(find_in(&browser, 16384, &hello), TLS_done);
	tls_ja4(&hello, ja4);
	assert_string_equal(ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

static void a_hello_may_be_spread_over_records(void **state)
{
	(void)state;
	for (size_t most = 1; most < 300; most++) {
		struct tls_hello hello;

		assert_int_equal(find_in(&browser, most, &hello), TLS_done);
		assert_string_equal(hello.server_name, "www.example");
	}
}

static void every_beginning_waits_for_more(void **state)
{
	struct wire message, records;
	struct tls_hello hello;

	(void)state;
	put_hello(&message, &browser);
	put_records(&records, &message, 100);
	for (size_t bytes = 0; bytes < records.bytes; bytes++)
		assert_int_equal(find((struct slice){ records.at, bytes }, &hello), TLS_more);
}

static void lengths_that_lie_are_refused(void **state)
{
	struct wire message, records;
	struct tls_hello hello;

	(void)state;
	put_hello(&message, &browser);
	/* Whatever byte says something else, reading stays inside. */
	for (size_t at = 0; at < message.bytes; at++) {
		char before = message.at[at];

		message.at[at] = (char)0xff;
		put_records(&records, &message, 16384);
		(void)find((struct slice){ records.at, records.bytes }, &hello);
		message.at[at] = before;
	}
	assert_int_equal(find(SLICE("GET / HTTP/1.1\r\n\r\n"), &hello), TLS_none);
	assert_int_equal(find(SLICE("\26\2\0\0\4\1\0\0\0"), &hello), TLS_none);
	assert_int_equal(find(SLICE("\26\3\1\0\0"), &hello), TLS_none);
	assert_int_equal(find(SLICE("\26\3\1\0\4\1\0\0\0"), &hello), TLS_none);
}

static void lists_are_bounded(void **state)
{
	static uint16_t many[1000];
	struct parts parts = browser;
	struct tls_hello hello;

	(void)state;
	for (size_t n = 0; n < array_count(many); n++)
		many[n] = (uint16_t)(n + 1);
	parts.ciphers = many;
	parts.cipher_count = array_count(many);
	assert_int_equal(find_in(&parts, 16384, &hello), TLS_done);
	assert_int_equal(hello.ciphers.count, TLS_LIST);
	assert_string_equal(hello.server_name, "www.example");
}

static void a_server_names_its_choice(void **state)
{
	static const char body[] = "\3\3"
				   "01234567890123456789012345678901"
				   "\0\23\1\0"
				   "\0\6\0\53\0\2\3\4";
	auto_text struct text words = { 0 };
	struct tls_hello hello;

	(void)state;
	assert_true(
		tls_read_hello(TLS_server_hello, (struct slice){ body, sizeof(body) - 1 }, &hello));
	tls_put_version(hello.version, &words);
	text_putc(&words, ' ');
	tls_put_cipher(hello.ciphers.at[0], &words);
	assert_string_equal(text_str(&words), "1.3 TLS_AES_128_GCM_SHA256");
}

static void an_alert_is_named(void **state)
{
	auto_text struct text words = { 0 };
	unsigned int alert;

	(void)state;
	assert_true(tls_read_alert(SLICE("\25\3\3\0\2\2\50"), &alert));
	tls_put_alert(alert, &words);
	tls_put_alert(200, &words);
	assert_string_equal(text_str(&words), "handshake_failure200");
	assert_false(tls_read_alert(SLICE("\25\3\3\0\2\2"), &alert));
	assert_false(tls_read_alert(SLICE("\26\3\3\0\2\2\50"), &alert));
}

static void what_is_no_certificate_is_refused(void **state)
{
	struct tls_certificate_facts facts;
	struct slice der;

	(void)state;
	assert_true(tls_read_certificate(SLICE("\0\0\5\0\0\2ab"), &der));
	assert_int_equal(der.bytes, 2);
	assert_false(tls_parse_certificate(der, &facts));
	assert_false(tls_read_certificate(SLICE("\0\0\5\0\0\3ab"), &der));
	assert_false(tls_read_certificate(SLICE("\0\0"), &der));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_is_read),
		cmocka_unit_test(fingerprints_are_those_published),
		cmocka_unit_test(a_hello_may_be_spread_over_records),
		cmocka_unit_test(every_beginning_waits_for_more),
		cmocka_unit_test(lengths_that_lie_are_refused),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(a_server_names_its_choice),
		cmocka_unit_test(an_alert_is_named),
		cmocka_unit_test(what_is_no_certificate_is_refused),
	};

	return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
