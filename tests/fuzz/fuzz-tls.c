/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-tls - any bytes as the start of a TLS connection. */
#include <assert.h>

#include "sensor/tls/certificate.h"
#include "sensor/tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void take_hello(const struct tls_hello *hello)
{
	auto_text struct text words = { 0 };
	char ja3[TLS_JA3_ROOM], ja4[TLS_JA4_ROOM];

	assert(hello->server_name_bytes < TLS_NAME && hello->alpn_bytes <= TLS_NAME);
	assert(hello->ciphers.count <= TLS_LIST && hello->extensions.count <= TLS_LIST);
	tls_put_versions(&hello->versions, &words);
	tls_put_ciphers(&hello->ciphers, &words);
	tls_ja3(hello, ja3);
	tls_ja4(hello, ja4);
	assert(strlen(ja4) == TLS_JA4_ROOM - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice input = { (const char *)data, bytes }, body, der;
	struct tls_certificate_facts facts;
	auto_text struct text room = { 0 };
	struct tls_hello hello;
	unsigned int type, alert;

	for (size_t n = 0; n < 4; n++) {
		if (tls_find_message(input, n, &room, &type, &body) != TLS_done)
			break;
		if (tls_read_hello(type, body, &hello))
			take_hello(&hello);
		if (tls_read_certificate(body, &der))
			(void)tls_parse_certificate(der, &facts);
	}
	(void)tls_read_alert(input, &alert);
	return 0;
}
