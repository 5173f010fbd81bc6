/* SPDX-License-Identifier: Apache-2.0 */
/* certificate - whose a server's certificate is, and until when. */
#ifndef SENSOR_TLS_CERTIFICATE_H
#define SENSOR_TLS_CERTIFICATE_H

#include "base/slice.h"

struct tls_certificate_facts {
	char subject[512], issuer[512]; /* as RFC 2253 has them; cut when longer */
	uint64_t not_after_ns;		/* since 1970; 0: can't be told */
};

/* False when it is no X.509 certificate. */
bool tls_parse_certificate(struct slice der, struct tls_certificate_facts *facts);

#endif
