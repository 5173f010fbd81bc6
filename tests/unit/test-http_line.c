/* SPDX-License-Identifier: Apache-2.0 */
/* The first lines of HTTP messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sensor/http_line.h"

static void assert_slice(struct slice got, const char *expected)
{
	assert_int_equal(got.bytes, strlen(expected));
	assert_memory_equal(got.at, expected, got.bytes);
}

static void a_request_is_read(void **state)
{
	struct http_request request;

	(void)state;
	assert_true(http_parse_request(SLICE("POST /a?b=c HTTP/1.1\r\nAccept: */*\r\nHOST:  "
					     "www.example:80 \r\nUser-Agent: x y\r\n\r\nHost: no"),
					     &request));
	assert_slice(request.method, "POST");
	assert_slice(request.target, "/a?b=c");
	assert_slice(request.version, "1.1");
	assert_slice(request.host, "www.example:80");
	assert_slice(request.user_agent, "x y");
}

static void a_request_may_be_cut_anywhere(void **state)
{
	static const struct slice whole = { "GET /abc HTTP/1.0\nHost: h\n\n", 27 };
	struct http_request request;

	(void)state;
	for (size_t bytes = 0; bytes <= whole.bytes; bytes++)
		(void)http_parse_request(slice_first(whole, bytes), &request);
	assert_true(http_parse_request(SLICE("GET /a/very/long"), &request));
	assert_slice(request.target, "/a/very/long");
	assert_slice(request.version, "");
}

static void what_is_no_request_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"GET",
		"GET ",
		"GET /\r\n\r\n",
		"get / HTTP/1.1",
		"GET / HTTP/2.0\r\n",
		"GET / HTTP/1.1 x\r\n",
		"GET / FTP/1.1\r\n",
		"GET \1 HTTP/1.1\r\n",
		"SSH-2.0-x\r\n",
		"HTTP/1.1 200 OK\r\n",
	};
	struct http_request request;

	(void)state;
	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++)
		assert_false(http_parse_request(slice_of(texts[n]), &request));
}

static void a_response_is_read(void **state)
{
	struct http_response response;

	(void)state;
	assert_true(http_parse_response(SLICE("HTTP/1.0 404 Not Found\r\n"), &response));
	assert_int_equal(response.status, 404);
	assert_slice(response.version, "1.0");
	assert_true(http_parse_response(SLICE("HTTP/1.1 200"), &response));
	assert_false(http_parse_response(SLICE("HTTP/1.1 20"), &response));
	assert_false(http_parse_response(SLICE("HTTP/1.1 099 x"), &response));
	assert_false(http_parse_response(SLICE("HTTP/1.1 2x0"), &response));
	assert_false(http_parse_response(SLICE("GET / HTTP/1.1"), &response));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read),
		cmocka_unit_test(a_request_may_be_cut_anywhere),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(a_response_is_read),
	};

	return cmocka_run_group_tests_name("http_line", tests, NULL, NULL);
}
