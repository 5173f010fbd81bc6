/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_upload - brings one object into a bucket: at once, or in parts when it is large.
 *
 * In parts: POST ?uploads= begins and names the upload, PUT ?partNumber=N&uploadId=ID stores a
 * part, POST ?uploadId=ID makes the object of them; DELETE ?uploadId=ID gives the parts up when
 * something failed (Amazon S3 API, "Multipart upload").
 */
#ifndef SINK_S3_UPLOAD_H
#define SINK_S3_UPLOAD_H

#include "base/sha256.h"
#include "sink/courier.h"
#include "sink/s3_credentials.h"
#include "wire/http.h"

#define S3_PARTS_MAX 10000 /* as the protocol has it */

enum s3_stage { S3_STAGE_put, S3_STAGE_begin, S3_STAGE_part, S3_STAGE_complete, S3_STAGE_abort };

struct s3_upload {
	/* The owner's: */
	struct http_client *client;
	const char *signature;		      /* "aws:amz:REGION:s3" */
	const char *user_agent;		      /* header */
	uint64_t threshold_bytes, part_bytes; /* larger than the first: in parts of the second */
	/* What became of it; `status` of the answer that decided, 0: none came. */
	void (*done)(struct s3_upload *upload, enum courier_verdict verdict, unsigned int status,
		     const struct error *err);

	/* The upload's own: */
	struct http_request request;
	enum s3_stage stage;
	struct slice body;
	const char *type;   /* header */
	struct text object; /* its URL */
	struct text url, token, id;
	struct text finish;	      /* the parts, as they are told at the end */
	struct text etag;	      /* of the part that was stored last */
	size_t part;		      /* that is under way, from 1 */
	enum courier_verdict verdict; /* while it is given up */
	unsigned int status;
	struct error why;
	char hash[sizeof("x-amz-content-sha256: ") + SHA256_HEX_BYTES];
	const char *headers[6];
};

/* Leads to one `done`, then or later; the body, type and credentials must live until then. */
void s3_upload_start(struct s3_upload *upload, struct slice url,
		     struct s3_credentials *credentials);
void s3_upload_done(struct s3_upload *upload);

#endif
