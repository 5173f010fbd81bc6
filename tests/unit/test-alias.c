/* SPDX-License-Identifier: Apache-2.0 */
/* How names are found for the containers inside a container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sysvisor/runc/dns.h"

#define HEAD "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"

static void test_port(void **unused)
{
	static const struct {
		const char *table;
		uint16_t port;
	} rows[] = {
		{ "", 0 },
		{ HEAD, 0 },
		{ HEAD "  12: 0B00007F:9C1A 00000000:0000 07 00000000:00000000 00:00000000 0\n",
		  0x9c1a },
		/* somebody who asks the resolver, then the resolver */
		{ HEAD "   0: 0B00007F:D431 0B00007F:9C1A 01 0:0\n"
		       "   1: 0B00007F:9C1B 00000000:0000 0A 0:0\n",
		  0x9c1b },
		{ HEAD "   0: 0100007F:0035 00000000:0000 07 0:0\n", 0 },
		/* the other end is not ours */
		{ HEAD "   0: 020011AC:8000 0B00007F:0035 01 0:0\n", 0 },
		{ HEAD "   0: 0B00007F:19C1A 00000000:0000 07\n", 0 },
		{ "0B00007F:", 0 },
	};

	(void)unused;
	for (size_t n = 0; n < array_count(rows); n++)
		assert_int_equal(dns_port(slice_of(rows[n].table)), rows[n].port);
}

static void test_rewrite(void **unused)
{
	static const struct {
		const char *before, *after; /* NULL: nothing to do */
	} rows[] = {
		{ "", NULL },
		{ "nameserver 8.8.8.8\n", NULL },
		{ "# nameserver 127.0.0.11\n", NULL },
		{ "nameserver 127.0.0.111\n", NULL },
		{ "nameserver 127.0.0.11\n", "nameserver 169.254.53.53\n" },
		{ "search a b\nnameserver\t127.0.0.11 \nnameserver 1.1.1.1\noptions ndots:0",
		  "search a b\nnameserver 169.254.53.53\nnameserver 1.1.1.1\noptions ndots:0\n" },
	};

	(void)unused;
	for (size_t n = 0; n < array_count(rows); n++) {
		auto_text struct text out = { 0 };
		bool found = dns_rewrite(slice_of(rows[n].before), &out);

		assert_int_equal(found, rows[n].after != NULL);
		if (found)
			assert_string_equal(text_str(&out), rows[n].after);
	}
}

static void test_rules(void **unused)
{
	auto_text struct text out = { 0 };

	(void)unused;
	dns_rules((struct dns_ports){ .udp = 1, .tcp = 2 }, &out);
	assert_string_equal(text_str(&out),
			    "*raw\n-A PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP\nCOMMIT\n*nat\n"
			    "-A PREROUTING -d 169.254.53.53/32 -p udp --dport 53 -j DNAT "
			    "--to-destination 127.0.0.11:1\n"
			    "-A PREROUTING -d 169.254.53.53/32 -p tcp --dport 53 -j DNAT "
			    "--to-destination 127.0.0.11:2\n"
			    "-A OUTPUT -d 169.254.53.53/32 -p udp --dport 53 -j DNAT "
			    "--to-destination 127.0.0.11:1\n"
			    "-A OUTPUT -d 169.254.53.53/32 -p tcp --dport 53 -j DNAT "
			    "--to-destination 127.0.0.11:2\n"
			    "COMMIT\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
