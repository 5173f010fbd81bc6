/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc_frame - the parts of gRPC's wire format that are its own: status codes, messages behind
 * their length, percent-encoded words. Pure. (grpc/doc/PROTOCOL-HTTP2.md)
 */
#ifndef WIRE_GRPC_FRAME_H
#define WIRE_GRPC_FRAME_H

#include "base/text.h"

#define GRPC_HEAD_BYTES	   5 /* a flag and the length, before each message */
#define GRPC_MESSAGE_BYTES (16u << 20)

/* The numbers are gRPC's (grpc/doc/statuscodes.md). */
#define GRPC_STATUSES(X)                                                                           \
	X(ok)                                                                                      \
	X(cancelled)                                                                               \
	X(unknown)                                                                                 \
	X(invalid_argument)                                                                        \
	X(deadline_exceeded)                                                                       \
	X(not_found)                                                                               \
	X(already_exists)                                                                          \
	X(permission_denied)                                                                       \
	X(resource_exhausted)                                                                      \
	X(failed_precondition)                                                                     \
	X(aborted)                                                                                 \
	X(out_of_range)                                                                            \
	X(unimplemented)                                                                           \
	X(internal)                                                                                \
	X(unavailable)                                                                             \
	X(data_loss)                                                                               \
	X(unauthenticated)

enum grpc_status {
#define X(name) GRPC_##name,
	GRPC_STATUSES(X)
#undef X
		GRPC_STATUS_COUNT
};

/* "not_found". */
const char *grpc_status_name(enum grpc_status status);

/* The status that stands for an answer without one: of an HTTP status, of an HTTP/2 error code. */
enum grpc_status grpc_status_of_http(unsigned int http_status);
enum grpc_status grpc_status_of_reset(uint32_t http2_code);

/* Takes a stream of messages apart, in whatever pieces it comes. */
struct grpc_reader {
	unsigned char head[GRPC_HEAD_BYTES];
	size_t head_bytes;  /* of the next message's, so far */
	size_t limit_bytes; /* of a message */
	struct text message;
};

/* Steps over what it takes from *bytes. 1: reader->message is whole, until the next call; 0: all
 * was taken; -EMSGSIZE: longer than the limit; -EPROTO: compressed, though we never offered to
 * read that; -ENOMEM. */
must_check int grpc_read(struct grpc_reader *reader, struct slice *bytes);
/* Whether it stands between two messages. */
bool grpc_read_ended(const struct grpc_reader *reader);

/* Milliseconds of a grpc-timeout ("20S", "150m"), rounded up; 0 when it is none. */
uint64_t grpc_timeout_ms(struct slice value);

/* Writes words as a grpc-message, terminated; what doesn't fit is left out. */
void grpc_encode_words(struct slice words, char *buffer, size_t room);
/* Decodes the words of a grpc-message; what is no valid code stays as it is. */
void grpc_decode_words(struct slice words, struct text *out);

#endif
