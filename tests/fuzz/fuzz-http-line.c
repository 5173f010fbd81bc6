/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-http-line - any bytes as the start of an HTTP message. */
#include <assert.h>

#include "sensor/http_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void assert_inside(struct slice part, struct slice whole)
{
	assert(part.bytes == 0 ||
	       (part.at >= whole.at && part.at + part.bytes <= whole.at + whole.bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice text = { (const char *)data, bytes };
	struct http_request request;
	struct http_response response;

	if (http_parse_request(text, &request)) {
		assert(request.method.bytes >= 3 && request.target.bytes > 0);
		assert_inside(request.method, text);
		assert_inside(request.target, text);
		assert_inside(request.host, text);
		assert_inside(request.user_agent, text);
	}
	if (http_parse_response(text, &response))
		assert(response.status >= 100 && response.status <= 999);
	return 0;
}
