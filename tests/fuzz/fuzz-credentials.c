/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of services that give out keys: refused, or kept whole. */
#include "sink/s3_credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct slice answer = { (const char *)data, bytes };
	struct s3_credentials credentials = { 0 };
	struct error err = { 0 };

	if (s3_credentials_parse(&credentials, answer, &err) == 0 &&
	    (credentials.id.bytes == 0 || credentials.secret.bytes == 0))
		abort();
	if (s3_credentials_parse_xml(&credentials, answer, &err) == 0 &&
	    credentials.token.bytes == 0)
		abort();
	s3_credentials_done(&credentials);
	return 0;
}
