/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tls/hello.h"

enum {
	TLS_RECORD_alert = 21,
	TLS_RECORD_handshake = 22,
	TLS_RECORD_HEAD = 5,
	TLS_RECORD_BYTES = 16384 + 2048,
};

/* --- numbers and lists, in network order with their length before them --- */

static bool tls_read(struct slice *from, size_t bytes, uint32_t *ret_value)
{
	*ret_value = 0;
	if (from->bytes < bytes)
		return false;
	for (size_t n = 0; n < bytes; n++)
		*ret_value = *ret_value << 8 | (unsigned char)from->at[n];
	*from = slice_skip(*from, bytes);
	return true;
}

/* A vector: its length in `head` bytes, then so many. */
static bool tls_read_vector(struct slice *from, size_t head, struct slice *ret_vector)
{
	uint32_t bytes;

	if (!tls_read(from, head, &bytes) || bytes > from->bytes)
		return false;
	*ret_vector = slice_first(*from, bytes);
	*from = slice_skip(*from, bytes);
	return true;
}

static void tls_list_add(struct tls_list *list, uint32_t value)
{
	if (list->count < TLS_LIST)
		list->at[list->count++] = (uint16_t)value;
}

static void tls_read_list(struct slice from, size_t bytes, struct tls_list *list)
{
	uint32_t value;

	while (tls_read(&from, bytes, &value))
		tls_list_add(list, value);
}

bool tls_is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/* --- records --- */

/* The next handshake record's content, or as much of it as is there. */
static enum tls_answer tls_next_record(struct slice *from, struct slice *content)
{
	uint32_t type, version, bytes;
	struct slice head = *from;

	if (from->bytes == 0)
		return TLS_more;
	if (from->at[0] != TLS_RECORD_handshake)
		return TLS_none;
	if (!tls_read(&head, 1, &type) || !tls_read(&head, 2, &version) ||
	    !tls_read(&head, 2, &bytes))
		return TLS_more;
	if (version >> 8 != 3 || bytes == 0 || bytes > TLS_RECORD_BYTES)
		return TLS_none;
	*content = slice_first(head, bytes);
	*from = slice_skip(head, bytes);
	return TLS_done;
}

/* The message at the front of the handshake bytes. */
static enum tls_answer tls_next_message(struct slice *from, unsigned int *type, struct slice *body)
{
	struct slice head = *from;
	uint32_t type_, bytes;

	if (!tls_read(&head, 1, &type_))
		return TLS_more;
	*type = type_;
	if (!tls_read(&head, 3, &bytes) || bytes > head.bytes)
		return TLS_more;
	*body = slice_first(head, bytes);
	*from = slice_skip(head, bytes);
	return TLS_done;
}

enum tls_answer tls_find_message(struct slice from, size_t index, struct text *room,
				 unsigned int *ret_type, struct slice *ret_body)
{
	enum tls_answer answer;
	struct slice content, messages;

	text_clear(room);
	*ret_type = 0;
	while ((answer = tls_next_record(&from, &content)) == TLS_done)
		text_put(room, content);
	if (room->failed)
		return TLS_none;
	messages = text_slice(room);
	for (size_t n = 0; n <= index; n++)
		if (tls_next_message(&messages, ret_type, ret_body) != TLS_done)
			return answer; /* none: something else follows where it should go on */
	return TLS_done;
}

/* --- extensions --- */

static void tls_read_server_name(struct slice data, struct tls_hello *hello)
{
	struct slice list, name;
	uint32_t type;

	hello->has_server_name = true;
	if (!tls_read_vector(&data, 2, &list) || !tls_read(&list, 1, &type) || type != 0 ||
	    !tls_read_vector(&list, 2, &name))
		return;
	hello->server_name_bytes = slice_copy(name, hello->server_name, sizeof(hello->server_name));
}

static void tls_read_alpn(struct slice data, struct tls_hello *hello)
{
	struct slice list, protocol;

	if (!tls_read_vector(&data, 2, &list))
		return;
	while (tls_read_vector(&list, 1, &protocol)) {
		if (hello->alpn_bytes + protocol.bytes + 2 > sizeof(hello->alpn))
			return;
		if (hello->alpn_bytes)
			hello->alpn[hello->alpn_bytes++] = ',';
		else
			hello->alpn_first_bytes = protocol.bytes;
		memcpy(hello->alpn + hello->alpn_bytes, protocol.at, protocol.bytes);
		hello->alpn_bytes += protocol.bytes;
	}
}

static void tls_read_groups(struct slice data, struct tls_hello *hello)
{
	struct slice list;

	if (tls_read_vector(&data, 2, &list))
		tls_read_list(list, 2, &hello->groups);
}

static void tls_read_formats(struct slice data, struct tls_hello *hello)
{
	struct slice list;

	if (tls_read_vector(&data, 1, &list))
		tls_read_list(list, 1, &hello->formats);
}

static void tls_read_signatures(struct slice data, struct tls_hello *hello)
{
	struct slice list;

	if (tls_read_vector(&data, 2, &list))
		tls_read_list(list, 2, &hello->signatures);
}

/* A client lists versions, a server names one. */
static void tls_read_versions(struct slice data, struct tls_hello *hello)
{
	struct slice list;
	uint32_t version;

	if (hello->type == TLS_server_hello) {
		if (tls_read(&data, 2, &version))
			hello->version = (uint16_t)version;
		return;
	}
	if (!tls_read_vector(&data, 1, &list))
		return;
	tls_read_list(list, 2, &hello->versions);
	hello->version = 0;
	for (size_t n = 0; n < hello->versions.count; n++)
		if (!tls_is_grease(hello->versions.at[n]) && hello->versions.at[n] > hello->version)
			hello->version = hello->versions.at[n];
}

static void tls_read_encrypted(struct slice data, struct tls_hello *hello)
{
	(void)data;
	hello->encrypted = true;
}

static const struct {
	uint16_t type;
	void (*read)(struct slice data, struct tls_hello *hello);
} tls_extensions[] = {
	{ 0, tls_read_server_name },	{ 10, tls_read_groups }, { 11, tls_read_formats },
	{ 13, tls_read_signatures },	{ 16, tls_read_alpn },	 { 43, tls_read_versions },
	{ 0xfe0d, tls_read_encrypted },
};

static bool tls_read_extensions(struct slice body, struct tls_hello *hello)
{
	struct slice extensions, data;
	uint32_t type;

	if (body.bytes == 0)
		return true; /* before TLS 1.2 there may be none */
	if (!tls_read_vector(&body, 2, &extensions))
		return false;
	while (tls_read(&extensions, 2, &type)) {
		if (!tls_read_vector(&extensions, 2, &data))
			return false;
		tls_list_add(&hello->extensions, type);
		for (size_t n = 0; n < array_count(tls_extensions); n++)
			if (tls_extensions[n].type == type)
				tls_extensions[n].read(data, hello);
	}
	return true;
}

/* --- hellos --- */

static bool tls_read_ciphers(struct slice *body, struct tls_hello *hello)
{
	struct slice list;
	uint32_t cipher, compression;

	if (hello->type == TLS_server_hello) {
		if (!tls_read(body, 2, &cipher) || !tls_read(body, 1, &compression))
			return false;
		tls_list_add(&hello->ciphers, cipher);
		return true;
	}
	if (!tls_read_vector(body, 2, &list))
		return false;
	tls_read_list(list, 2, &hello->ciphers);
	return tls_read_vector(body, 1, &list); /* compression methods */
}

bool tls_read_hello(unsigned int type, struct slice body, struct tls_hello *hello)
{
	struct slice session;
	uint32_t version;

	if (type != TLS_client_hello && type != TLS_server_hello)
		return false;
	*hello = (struct tls_hello){ .type = type };
	if (!tls_read(&body, 2, &version) || version >> 8 != 3 || body.bytes < 32)
		return false;
	hello->legacy_version = hello->version = (uint16_t)version;
	body = slice_skip(body, 32); /* random bytes */
	return tls_read_vector(&body, 1, &session) && tls_read_ciphers(&body, hello) &&
	       tls_read_extensions(body, hello);
}

bool tls_read_certificate(struct slice body, struct slice *ret_der)
{
	struct slice list;

	return tls_read_vector(&body, 3, &list) && tls_read_vector(&list, 3, ret_der);
}

bool tls_read_alert(struct slice from, unsigned int *ret_alert)
{
	if (from.bytes < TLS_RECORD_HEAD + 2 || from.at[0] != TLS_RECORD_alert || from.at[1] != 3 ||
	    from.at[3] != 0 || from.at[4] != 2)
		return false;
	*ret_alert = (unsigned char)from.at[6];
	return true;
}
