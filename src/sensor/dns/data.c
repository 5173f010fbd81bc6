/* SPDX-License-Identifier: Apache-2.0 */
/* A record's data in words. */
#include <arpa/inet.h>

#include "sensor/dns/message.h"

static bool dns_put_name(struct dns_reader *reader, struct text *out)
{
	struct dns_name name;

	if (!dns_read_name(reader, &name))
		return false;
	text_put(out, (struct slice){ name.text, name.bytes });
	return true;
}

static bool dns_put_address(struct dns_reader *reader, int family, size_t bytes, struct text *out)
{
	char words[INET6_ADDRSTRLEN];
	struct slice address;

	if (!dns_read_bytes(reader, bytes, &address) ||
	    !inet_ntop(family, address.at, words, sizeof(words)))
		return false;
	text_put(out, slice_of(words));
	return true;
}

static bool dns_put_a(struct dns_reader *reader, struct text *out)
{
	return dns_put_address(reader, AF_INET, 4, out);
}

static bool dns_put_aaaa(struct dns_reader *reader, struct text *out)
{
	return dns_put_address(reader, AF_INET6, 16, out);
}

/* `count` numbers of 16 bits, each with a blank behind it. */
static bool dns_put_numbers(struct dns_reader *reader, size_t count, struct text *out)
{
	for (; count; count--) {
		uint16_t number;

		if (!dns_read_u16(reader, &number))
			return false;
		text_printf(out, "%u ", number);
	}
	return true;
}

static bool dns_put_mx(struct dns_reader *reader, struct text *out)
{
	return dns_put_numbers(reader, 1, out) && dns_put_name(reader, out);
}

static bool dns_put_srv(struct dns_reader *reader, struct text *out)
{
	return dns_put_numbers(reader, 3, out) && dns_put_name(reader, out);
}

static bool dns_put_soa(struct dns_reader *reader, struct text *out)
{
	if (!dns_put_name(reader, out))
		return false;
	text_putc(out, ' ');
	if (!dns_put_name(reader, out))
		return false;
	for (int n = 0; n < 5; n++) { /* serial, refresh, retry, expire, minimum */
		uint32_t number;

		if (!dns_read_u32(reader, &number))
			return false;
		text_printf(out, " %u", number);
	}
	return true;
}

static void dns_put_quoted(struct slice words, struct text *out)
{
	text_putc(out, '"');
	for (size_t n = 0; n < words.bytes; n++) {
		unsigned char c = (unsigned char)words.at[n];

		if (c == '"' || c == '\\')
			text_printf(out, "\\%c", c);
		else if (c >= ' ' && c < 0x7f)
			text_putc(out, (char)c);
		else
			text_printf(out, "\\%03u", c);
	}
	text_putc(out, '"');
}

static bool dns_put_txt(struct dns_reader *reader, struct text *out)
{
	const char *gap = "";

	while (reader->at < reader->end) {
		struct slice words;
		uint8_t bytes;

		if (!dns_read_u8(reader, &bytes) || !dns_read_bytes(reader, bytes, &words))
			return false;
		text_put(out, slice_of(gap));
		dns_put_quoted(words, out);
		gap = " ";
	}
	return true;
}

static bool dns_put_caa(struct dns_reader *reader, struct text *out)
{
	struct slice tag, value;
	uint8_t flags, bytes;

	if (!dns_read_u8(reader, &flags) || !dns_read_u8(reader, &bytes) ||
	    !dns_read_bytes(reader, bytes, &tag) ||
	    !dns_read_bytes(reader, reader->end - reader->at, &value))
		return false;
	text_printf(out, "%u ", flags);
	for (size_t n = 0; n < tag.bytes; n++)
		if (tag.at[n] > ' ' && tag.at[n] < 0x7f)
			text_putc(out, tag.at[n]);
	text_putc(out, ' ');
	dns_put_quoted(value, out);
	return true;
}

/* --- SVCB and HTTPS (RFC 9460) --- */

static bool dns_put_hints(struct dns_reader *reader, int family, size_t bytes, struct text *out)
{
	const char *gap = "";

	while (reader->at < reader->end) {
		text_put(out, slice_of(gap));
		if (!dns_put_address(reader, family, bytes, out))
			return false;
		gap = ",";
	}
	return true;
}

static bool dns_put_hints4(struct dns_reader *reader, struct text *out)
{
	return dns_put_hints(reader, AF_INET, 4, out);
}

static bool dns_put_hints6(struct dns_reader *reader, struct text *out)
{
	return dns_put_hints(reader, AF_INET6, 16, out);
}

static bool dns_put_port(struct dns_reader *reader, struct text *out)
{
	uint16_t port;

	if (!dns_read_u16(reader, &port))
		return false;
	text_printf(out, "%u", port);
	return true;
}

static const struct {
	const char *name;
	bool (*put)(struct dns_reader *reader, struct text *out);
} dns_parameters[] = {
	[0] = { "mandatory", NULL },	      [1] = { "alpn", dns_put_txt },
	[2] = { "no-default-alpn", NULL },    [3] = { "port", dns_put_port },
	[4] = { "ipv4hint", dns_put_hints4 }, [5] = { "ech", NULL },
	[6] = { "ipv6hint", dns_put_hints6 }, [7] = { "dohpath", NULL },
};

static bool dns_put_parameter(struct dns_reader *reader, struct text *out)
{
	struct dns_reader value = *reader;
	struct slice skipped;
	uint16_t key, bytes;

	if (!dns_read_u16(reader, &key) || !dns_read_u16(reader, &bytes))
		return false;
	value.at = reader->at;
	if (!dns_read_bytes(reader, bytes, &skipped))
		return false;
	value.end = reader->at;
	text_putc(out, ' ');
	if (key >= array_count(dns_parameters)) {
		text_printf(out, "key%u", key);
		return true;
	}
	text_put(out, slice_of(dns_parameters[key].name));
	if (!dns_parameters[key].put)
		return true;
	text_putc(out, '=');
	return dns_parameters[key].put(&value, out);
}

static bool dns_put_svcb(struct dns_reader *reader, struct text *out)
{
	if (!dns_put_numbers(reader, 1, out) || !dns_put_name(reader, out))
		return false;
	while (reader->at < reader->end)
		if (!dns_put_parameter(reader, out))
			return false;
	return true;
}

static const struct {
	uint16_t type;
	bool (*put)(struct dns_reader *reader, struct text *out);
} dns_datas[] = {
	{ 1, dns_put_a },     { 2, dns_put_name },  { 5, dns_put_name },  { 6, dns_put_soa },
	{ 12, dns_put_name }, { 15, dns_put_mx },   { 16, dns_put_txt },  { 28, dns_put_aaaa },
	{ 33, dns_put_srv },  { 39, dns_put_name }, { 64, dns_put_svcb }, { 65, dns_put_svcb },
	{ 99, dns_put_txt },  { 257, dns_put_caa },
};

#define DNS_HEX_BYTES 256 /* more of unknown data is left out */

static void dns_put_hex(struct slice data, struct text *out)
{
	text_printf(out, "\\# %zu", data.bytes);
	if (data.bytes)
		text_putc(out, ' ');
	for (size_t n = 0; n < data.bytes && n < DNS_HEX_BYTES; n++)
		text_printf(out, "%02x", (unsigned char)data.at[n]);
	if (data.bytes > DNS_HEX_BYTES)
		text_put(out, SLICE("..."));
}

void dns_put_data(struct slice whole, size_t at, size_t bytes, uint16_t type, struct text *out)
{
	struct dns_reader reader = { .whole = whole, .at = at, .end = at + bytes };
	size_t before = out->bytes;

	for (size_t n = 0; n < array_count(dns_datas); n++) {
		if (dns_datas[n].type != type)
			continue;
		if (dns_datas[n].put(&reader, out) && reader.at == reader.end)
			return;
		out->bytes = before;
		break;
	}
	dns_put_hex((struct slice){ whole.at + at, bytes }, out);
}
