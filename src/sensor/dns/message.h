/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message - DNS messages (RFC 1035, EDNS: RFC 6891), read.
 *
 * Pure. Messages come from whoever can send a packet: names may point into circles, counts may lie,
 * and the message may end anywhere. What can be read is read; `cut` says that there was more.
 */
#ifndef SENSOR_DNS_MESSAGE_H
#define SENSOR_DNS_MESSAGE_H

#include "base/json.h"
#include "base/slice.h"
#include "base/text.h"

/* A name of 255 bytes in words, each byte as \DDD in the worst case. */
#define DNS_NAME_ROOM 1024

struct dns_name {
	char text[DNS_NAME_ROOM];
	size_t bytes;
};

enum dns_flag {
	DNS_FLAG_cd = 0x10,
	DNS_FLAG_ad = 0x20,
	DNS_FLAG_ra = 0x80,
	DNS_FLAG_rd = 0x100,
	DNS_FLAG_tc = 0x200,
	DNS_FLAG_aa = 0x400,
	DNS_FLAG_qr = 0x8000
};

struct dns_message {
	struct slice whole;
	uint16_t id, flags;
	uint16_t opcode, rcode; /* rcode with EDNS's upper bits */
	uint16_t question_count, answer_count;
	struct dns_name question; /* the first; empty text where there is none */
	uint16_t type, class;
	uint16_t edns_bytes; /* what the sender can take; 0: no EDNS */
	size_t answers_at;   /* where the answers begin */
	bool cut;	     /* it ended before everything that it announced */
};

/* False when it is no DNS message: no whole header, or no whole question where one is announced. */
bool dns_parse(struct slice whole, struct dns_message *message);

/* The answers as a JSON array of {name, type, ttl, data}: at most `limit` of them. */
void dns_put_answers(const struct dns_message *message, size_t limit, struct text *out);

/* The flags that are set, such as "aa rd ra". */
void dns_put_flags(uint16_t flags, struct text *out);

/* Names of numbers; those without one become TYPE123, CLASS7, RCODE23, OPCODE9 (RFC 3597). */
void dns_put_type(uint16_t type, struct text *out);
void dns_put_class(uint16_t class, struct text *out);
void dns_put_rcode(uint16_t rcode, struct text *out);
void dns_put_opcode(uint16_t opcode, struct text *out);

/* --- for the parts of the parser --- */

/* Where it reads: `at` moves, `end` bounds it. */
struct dns_reader {
	struct slice whole; /* names point anywhere before themselves in it */
	size_t at, end;
};

bool dns_read_u8(struct dns_reader *reader, uint8_t *ret_value);
bool dns_read_u16(struct dns_reader *reader, uint16_t *ret_value);
bool dns_read_u32(struct dns_reader *reader, uint32_t *ret_value);
bool dns_read_bytes(struct dns_reader *reader, size_t bytes, struct slice *ret_slice);
bool dns_read_name(struct dns_reader *reader, struct dns_name *name);

/* A record's data in words, as zone files have it; what can't be read as its type says, and types
 * without a form of their own, as \# LENGTH HEX (RFC 3597). */
void dns_put_data(struct slice whole, size_t at, size_t bytes, uint16_t type, struct text *out);

#endif
