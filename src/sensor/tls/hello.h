/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello - the start of a TLS connection (RFC 5246, RFC 8446), read from one direction's bytes.
 *
 * Pure. The bytes come from whoever can open a connection: lengths may lie, and a hello may be
 * spread over records and segments at will.
 */
#ifndef SENSOR_TLS_HELLO_H
#define SENSOR_TLS_HELLO_H

#include "base/slice.h"
#include "base/text.h"

enum tls_answer {
	TLS_more, /* a good start; the rest is yet to come */
	TLS_done, /* read */
	TLS_none, /* no hello */
};

enum tls_message { TLS_client_hello = 1, TLS_server_hello = 2, TLS_certificate = 11 };

#define TLS_LIST     128 /* entries kept of each list; a hello with more than that is no honest one */
#define TLS_NAME     256
#define TLS_JA3_ROOM 33
#define TLS_JA4_ROOM 37

struct tls_list {
	uint16_t at[TLS_LIST];
	size_t count;
};

struct tls_hello {
	enum tls_message type;
	uint16_t legacy_version;
	uint16_t version;	  /* the best offered, or the one chosen */
	struct tls_list versions; /* offered in supported_versions */
	struct tls_list ciphers;  /* offered; or the one chosen */
	struct tls_list extensions, groups, formats, signatures;
	char server_name[TLS_NAME];
	size_t server_name_bytes;
	bool has_server_name;
	char alpn[TLS_NAME]; /* protocols, separated by commas */
	size_t alpn_bytes, alpn_first_bytes;
	bool encrypted; /* the true hello is inside (ECH) */
};

/* Reads the handshake out of its records: `from` is all bytes of the direction so far. Finds the
 * message with this index (0: the first) and gives its type and body; the body may be in `room`,
 * put together from several records. */
enum tls_answer tls_find_message(struct slice from, size_t index, struct text *room,
				 unsigned int *ret_type, struct slice *ret_body);

/* A hello's body. False when it isn't one. */
bool tls_read_hello(unsigned int type, struct slice body, struct tls_hello *hello);

/* The first certificate of a Certificate message of TLS 1.2 and before, in DER. */
bool tls_read_certificate(struct slice body, struct slice *ret_der);

/* An alert in the clear, where the handshake should begin: its number. */
bool tls_read_alert(struct slice from, unsigned int *ret_alert);

/* Values that clients make up so that servers don't get used to the known ones (RFC 8701). */
bool tls_is_grease(uint16_t value);

/* "1.3", "1.2", "1.1", "1.0", "3.0"; others as hexadecimal. */
void tls_put_version(uint16_t version, struct text *out);
void tls_put_versions(const struct tls_list *list, struct text *out);
/* IANA's name where it is a common one, else "0x1301". */
void tls_put_cipher(uint16_t cipher, struct text *out);
void tls_put_ciphers(const struct tls_list *list, struct text *out);
/* "handshake_failure", or its number. */
void tls_put_alert(unsigned int alert, struct text *out);

/* Fingerprints of the client (JA3, JA4) and of the server (JA3S), in hexadecimal. JA4 is by FoxIO's
 * description of 2023, for TCP. */
void tls_ja3(const struct tls_hello *hello, char out[TLS_JA3_ROOM]);
void tls_ja4(const struct tls_hello *hello, char out[TLS_JA4_ROOM]);

#endif
