/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_credentials - who we are for an S3 service: keys from the settings or the environment, else
 * asked of the token service with the pod's token (EKS), of the container's agent (ECS, EKS), or of
 * the machine's metadata service (IMDSv2), the first that the environment names.
 *
 * What was asked for is kept until five minutes before it expires.
 */
#ifndef SINK_S3_CREDENTIALS_H
#define SINK_S3_CREDENTIALS_H

#include "wire/http.h"

struct s3_credentials {
	/* The owner's: */
	struct http_client *client;
	const char *access_key, *secret_key, *session_token; /* of the settings; NULL: not there */
	const char *region;
	/* They are there, or err->code says why not. */
	void (*ready)(struct s3_credentials *credentials, const struct error *err);

	/* What came out. */
	struct text id, secret;
	struct text token; /* empty: none */

	/* The credentials' own. */
	uint64_t expires_ns; /* wall; 0: never */
	bool known;
	unsigned int step;
	struct http_request request;
	struct text url, header, session, role;
	const char *headers[2];
};

/* Leads to one `ready`, then or later. */
void s3_credentials_get(struct s3_credentials *credentials);
/* They were refused: ask anew next time. */
void s3_credentials_forget(struct s3_credentials *credentials);
void s3_credentials_done(struct s3_credentials *credentials);

/* Read an answer of the services above: in JSON, and the token service's in XML; pure. */
must_check int s3_credentials_parse(struct s3_credentials *credentials, struct slice json,
				    struct error *err);
must_check int s3_credentials_parse_xml(struct s3_credentials *credentials, struct slice xml,
					struct error *err);

/* The text of the first element of this name, or nothing. */
struct slice s3_xml_text(struct slice xml, const char *element);

#endif
