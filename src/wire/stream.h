/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - a connection that bytes are written to: TCP, TLS, UDP or a unix socket.
 *
 * libcurl resolves the name, connects and does TLS, all without blocking (its CONNECT_ONLY mode);
 * what the peer sends is read and thrown away. A stream is the caller's; after `broken` it is
 * closed and may be opened again. None of the callbacks is called from within a call.
 */
#ifndef WIRE_STREAM_H
#define WIRE_STREAM_H

#include "base/text.h"
#include "wire/http_client.h"

enum stream_kind { STREAM_unix_datagram, STREAM_unix, STREAM_udp, STREAM_tcp, STREAM_tls };

/* Borrowed until the stream is closed. */
struct stream_target {
	enum stream_kind kind;
	const char *path;   /* of a unix socket */
	const char *server; /* otherwise: "host:port" */
	const char *local;  /* own "address" or "address:port" to send from; NULL: any */
	struct http_tls tls;
};

/* At most so much is taken and not sent yet; TLS needs its bytes to stay where they are. */
#define STREAM_CHUNK_BYTES 16384

struct stream {
	void (*opened)(struct stream *stream);
	/* After stream_write() took less than it was given: it may take more now. */
	void (*writable)(struct stream *stream);
	/* It could not be opened, or has ended. */
	void (*broken)(struct stream *stream, const struct error *err);

	/* The stream's own. */
	const struct stream_target *target;
	struct loop *loop;
	struct http_transfer transfer;
	struct loop_fd socket;
	struct loop_timer settle;
	struct loop_deferred report; /* of an error found while writing */
	struct error why;
	bool open;
	size_t chunk_bytes, chunk_sent;
	char chunk[STREAM_CHUNK_BYTES];
};

/* Whether each write is a message of its own, whole or not at all. */
static inline bool stream_is_datagram(const struct stream_target *target)
{
	return target->kind == STREAM_unix_datagram || target->kind == STREAM_udp;
}

must_check int stream_open(struct stream *stream, struct http_client *client,
			   const struct stream_target *target, struct error *err);
/* Drops what is not sent. Harmless when it isn't open. */
void stream_close(struct stream *stream);

/*
 * Takes bytes; returns how many, 0 when it is full (see `writable`), or -errno. A datagram that is
 * too long is refused with -EMSGSIZE; every other error also leads to `broken`.
 */
must_check ssize_t stream_write(struct stream *stream, struct slice bytes);

/* Bytes taken that the other side's kernel has not confirmed yet (unix sockets: that nobody has
 * read yet). Datagrams have nobody who confirms: 0. */
uint64_t stream_unconfirmed(const struct stream *stream);

/* The target for people: "tls://host:6514", "unix:/dev/log". */
void stream_put_place(const struct stream_target *target, struct text *out);

#endif
