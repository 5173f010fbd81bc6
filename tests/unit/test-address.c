/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in words, against what the C library says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "sensor/address.h"

static void ip4_is_written_as_the_library_does(void **state)
{
	static const char *const texts[] = { "0.0.0.0", "127.0.0.1", "10.99.100.9", "1.20.0.255",
					     "255.255.255.255" };

	(void)state;
	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
		uint8_t address[ADDRESS_BYTES] = { [10] = 0xff, [11] = 0xff };
		char words[ADDRESS_ROOM + 1] = "";

		assert_int_equal(inet_pton(AF_INET, texts[n], address + 12), 1);
		assert_true(address_is_ip4(address));
		*address_write(words, address) = '\0';
		assert_string_equal(words, texts[n]);
	}
}

static void ip6_is_written_as_rfc_5952_has_it(void **state)
{
	static const char *const texts[] = { "::", "::1", "2001:db8::8a2e:370:7334",
					     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
					     "fe80::1:0:0:1" };

	(void)state;
	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
		uint8_t address[ADDRESS_BYTES];
		char words[ADDRESS_ROOM + 1] = "";

		assert_int_equal(inet_pton(AF_INET6, texts[n], address), 1);
		assert_false(address_is_ip4(address));
		*address_write(words, address) = '\0';
		assert_string_equal(words, texts[n]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_is_written_as_the_library_does),
		cmocka_unit_test(ip6_is_written_as_rfc_5952_has_it),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
