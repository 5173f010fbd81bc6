/* SPDX-License-Identifier: Apache-2.0 */
/* What a hello says, in words and fingerprints. */
#include <openssl/evp.h>

#include "sensor/tls/hello.h"

struct tls_word {
	unsigned int number;
	const char *word;
};

/* Those that are met; the registry has hundreds. */
static const struct tls_word tls_ciphers[] = {
	{ 0x1301, "TLS_AES_128_GCM_SHA256" },
	{ 0x1302, "TLS_AES_256_GCM_SHA384" },
	{ 0x1303, "TLS_CHACHA20_POLY1305_SHA256" },
	{ 0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
	{ 0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" },
	{ 0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" },
	{ 0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA" },
	{ 0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" },
	{ 0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA" },
	{ 0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA" },
	{ 0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA" },
	{ 0x0005, "TLS_RSA_WITH_RC4_128_SHA" },
};
static const struct tls_word tls_versions[] = {
	{ 0x0300, "3.0" }, { 0x0301, "1.0" }, { 0x0302, "1.1" },
	{ 0x0303, "1.2" }, { 0x0304, "1.3" },
};
/* RFC 8446, B.2 */
static const struct tls_word tls_alerts[] = {
	{ 0, "close_notify" },
	{ 10, "unexpected_message" },
	{ 20, "bad_record_mac" },
	{ 22, "record_overflow" },
	{ 40, "handshake_failure" },
	{ 42, "bad_certificate" },
	{ 43, "unsupported_certificate" },
	{ 44, "certificate_revoked" },
	{ 45, "certificate_expired" },
	{ 46, "certificate_unknown" },
	{ 47, "illegal_parameter" },
	{ 48, "unknown_ca" },
	{ 49, "access_denied" },
	{ 50, "decode_error" },
	{ 51, "decrypt_error" },
	{ 70, "protocol_version" },
	{ 71, "insufficient_security" },
	{ 80, "internal_error" },
	{ 86, "inappropriate_fallback" },
	{ 90, "user_canceled" },
	{ 109, "missing_extension" },
	{ 110, "unsupported_extension" },
	{ 112, "unrecognized_name" },
	{ 116, "certificate_required" },
	{ 120, "no_application_protocol" },
};

static const char *tls_word(const struct tls_word *words, size_t count, unsigned int number)
{
	for (size_t n = 0; n < count; n++)
		if (words[n].number == number)
			return words[n].word;
	return NULL;
}

void tls_put_version(uint16_t version, struct text *out)
{
	const char *word = tls_word(tls_versions, array_count(tls_versions), version);

	if (word)
		text_put(out, slice_of(word));
	else
		text_printf(out, "0x%04x", version);
}

void tls_put_cipher(uint16_t cipher, struct text *out)
{
	const char *word = tls_word(tls_ciphers, array_count(tls_ciphers), cipher);

	if (word)
		text_put(out, slice_of(word));
	else
		text_printf(out, "0x%04x", cipher);
}

static void tls_put_list(const struct tls_list *list, void (*put)(uint16_t value, struct text *out),
			 struct text *out)
{
	const char *gap = "";

	for (size_t n = 0; n < list->count; n++) {
		if (tls_is_grease(list->at[n]))
			continue;
		text_put(out, slice_of(gap));
		put(list->at[n], out);
		gap = ",";
	}
}

void tls_put_versions(const struct tls_list *list, struct text *out)
{
	tls_put_list(list, tls_put_version, out);
}

static void tls_put_hex(uint16_t value, struct text *out)
{
	text_printf(out, "%04x", value);
}

static void tls_put_decimal(uint16_t value, struct text *out)
{
	text_u64(out, value, 0);
}

void tls_put_ciphers(const struct tls_list *list, struct text *out)
{
	tls_put_list(list, tls_put_hex, out);
}

void tls_put_alert(unsigned int alert, struct text *out)
{
	const char *word = tls_word(tls_alerts, array_count(tls_alerts), alert);

	if (word)
		text_put(out, slice_of(word));
	else
		text_u64(out, alert, 0);
}

/* --- fingerprints --- */

/* The first `digits` of a digest in hexadecimal, terminated; empty when there is no such digest (a
 * library in FIPS mode has no MD5). */
static void tls_digest(const EVP_MD *kind, struct slice words, size_t digits, char *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int bytes = 0;

	*out = '\0';
	if (EVP_Digest(words.at, words.bytes, digest, &bytes, kind, NULL) != 1)
		return;
	for (size_t n = 0; n < digits / 2 && n < bytes; n++)
		snprintf(out + 2 * n, 3, "%02x", digest[n]);
}

static void tls_put_dashed(const struct tls_list *list, struct text *out)
{
	const char *gap = "";

	for (size_t n = 0; n < list->count; n++) {
		if (tls_is_grease(list->at[n]))
			continue;
		text_put(out, slice_of(gap));
		tls_put_decimal(list->at[n], out);
		gap = "-";
	}
}

void tls_ja3(const struct tls_hello *hello, char out[TLS_JA3_ROOM])
{
	auto_text struct text words = { 0 };

	tls_put_decimal(hello->legacy_version, &words);
	text_putc(&words, ',');
	tls_put_dashed(&hello->ciphers, &words);
	text_putc(&words, ',');
	tls_put_dashed(&hello->extensions, &words);
	if (hello->type == TLS_client_hello) {
		text_putc(&words, ',');
		tls_put_dashed(&hello->groups, &words);
		text_putc(&words, ',');
		tls_put_dashed(&hello->formats, &words);
	}
	tls_digest(EVP_md5(), text_slice(&words), 32, out);
}

static int tls_compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Without made-up values; sorted, since clients shuffle; without `skip` values. */
static struct tls_list tls_sorted(const struct tls_list *list, bool skip_names)
{
	struct tls_list sorted = { .count = 0 };

	for (size_t n = 0; n < list->count; n++) {
		uint16_t value = list->at[n];

		if (!tls_is_grease(value) && !(skip_names && (value == 0 || value == 16)))
			sorted.at[sorted.count++] = value;
	}
	qsort(sorted.at, sorted.count, sizeof(sorted.at[0]), tls_compare);
	return sorted;
}

static size_t tls_count(const struct tls_list *list)
{
	size_t count = 0;

	for (size_t n = 0; n < list->count; n++)
		count += !tls_is_grease(list->at[n]);
	return count < 99 ? count : 99;
}

static bool tls_is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* First and last letter of the first protocol; where one is no letter, of its hexadecimal form. */
static void tls_ja4_protocol(const struct tls_hello *hello, char out[2])
{
	char first, last;

	out[0] = out[1] = '0';
	if (hello->alpn_first_bytes == 0)
		return;
	first = hello->alpn[0];
	last = hello->alpn[hello->alpn_first_bytes - 1];
	if (tls_is_alnum(first) && tls_is_alnum(last)) {
		out[0] = first;
		out[1] = last;
		return;
	}
	out[0] = "0123456789abcdef"[(unsigned char)first >> 4];
	out[1] = "0123456789abcdef"[(unsigned char)last & 0xf];
}

static void tls_ja4_hash(const struct tls_list *list, const struct tls_list *signatures, char *out)
{
	auto_text struct text words = { 0 };

	if (list->count == 0) {
		memcpy(out, "000000000000", 13);
		return;
	}
	tls_put_ciphers(list, &words);
	if (signatures && signatures->count) {
		text_putc(&words, '_');
		tls_put_ciphers(signatures, &words);
	}
	tls_digest(EVP_sha256(), text_slice(&words), 12, out);
}

void tls_ja4(const struct tls_hello *hello, char out[TLS_JA4_ROOM])
{
	static const struct tls_word versions[] = {
		{ 0x0300, "s3" }, { 0x0301, "10" }, { 0x0302, "11" },
		{ 0x0303, "12" }, { 0x0304, "13" },
	};
	const char *version = tls_word(versions, array_count(versions), hello->version);
	struct tls_list ciphers = tls_sorted(&hello->ciphers, false);
	struct tls_list extensions = tls_sorted(&hello->extensions, true);
	char cipher_hash[13], extension_hash[13], protocol[2];

	tls_ja4_protocol(hello, protocol);
	tls_ja4_hash(&ciphers, NULL, cipher_hash);
	tls_ja4_hash(&extensions, &hello->signatures, extension_hash);
	snprintf(out, TLS_JA4_ROOM, "t%s%c%02zu%02zu%.2s_%s_%s", version ? version : "00",
		 hello->has_server_name ? 'd' : 'i', tls_count(&hello->ciphers),
		 tls_count(&hello->extensions), protocol, cipher_hash, extension_hash);
}
