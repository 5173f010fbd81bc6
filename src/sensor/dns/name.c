/* SPDX-License-Identifier: Apache-2.0 */
/* Names and numbers. */
#include "sensor/dns/message.h"

#define DNS_NAME_BYTES 255 /* of one name on the wire (RFC 1035, 2.3.4) */

struct dns_word {
	uint16_t number;
	const char *word;
};

/* IANA's registry; types that never left an experiment are left out. */
static const struct dns_word dns_types[] = {
	{ 1, "A" },	 { 2, "NS" },	       { 5, "CNAME" },	  { 6, "SOA" },
	{ 12, "PTR" },	 { 13, "HINFO" },      { 15, "MX" },	  { 16, "TXT" },
	{ 17, "RP" },	 { 18, "AFSDB" },      { 24, "SIG" },	  { 25, "KEY" },
	{ 28, "AAAA" },	 { 29, "LOC" },	       { 33, "SRV" },	  { 35, "NAPTR" },
	{ 36, "KX" },	 { 37, "CERT" },       { 39, "DNAME" },	  { 41, "OPT" },
	{ 42, "APL" },	 { 43, "DS" },	       { 44, "SSHFP" },	  { 45, "IPSECKEY" },
	{ 46, "RRSIG" }, { 47, "NSEC" },       { 48, "DNSKEY" },  { 49, "DHCID" },
	{ 50, "NSEC3" }, { 51, "NSEC3PARAM" }, { 52, "TLSA" },	  { 53, "SMIMEA" },
	{ 55, "HIP" },	 { 59, "CDS" },	       { 60, "CDNSKEY" }, { 61, "OPENPGPKEY" },
	{ 62, "CSYNC" }, { 63, "ZONEMD" },     { 64, "SVCB" },	  { 65, "HTTPS" },
	{ 99, "SPF" },	 { 104, "NID" },       { 108, "EUI48" },  { 109, "EUI64" },
	{ 249, "TKEY" }, { 250, "TSIG" },      { 251, "IXFR" },	  { 252, "AXFR" },
	{ 255, "ANY" },	 { 256, "URI" },       { 257, "CAA" },	  { 32769, "DLV" },
};
static const struct dns_word dns_classes[] = {
	{ 1, "IN" }, { 3, "CH" }, { 4, "HS" }, { 254, "NONE" }, { 255, "ANY" },
};
static const struct dns_word dns_rcodes[] = {
	{ 0, "NOERROR" },    { 1, "FORMERR" }, { 2, "SERVFAIL" }, { 3, "NXDOMAIN" },
	{ 4, "NOTIMP" },     { 5, "REFUSED" }, { 6, "YXDOMAIN" }, { 7, "YXRRSET" },
	{ 8, "NXRRSET" },    { 9, "NOTAUTH" }, { 10, "NOTZONE" }, { 16, "BADVERS" },
	{ 23, "BADCOOKIE" },
};
static const struct dns_word dns_opcodes[] = {
	{ 0, "QUERY" },	 { 1, "IQUERY" }, { 2, "STATUS" },
	{ 4, "NOTIFY" }, { 5, "UPDATE" }, { 6, "DSO" },
};
static const struct dns_word dns_flags[] = {
	{ DNS_FLAG_aa, "aa" }, { DNS_FLAG_tc, "tc" }, { DNS_FLAG_rd, "rd" },
	{ DNS_FLAG_ra, "ra" }, { DNS_FLAG_ad, "ad" }, { DNS_FLAG_cd, "cd" },
};

static void dns_put_word(const struct dns_word *words, size_t count, uint16_t number,
			 const char *other, struct text *out)
{
	for (size_t n = 0; n < count; n++) {
		if (words[n].number == number) {
			text_put(out, slice_of(words[n].word));
			return;
		}
	}
	text_printf(out, "%s%u", other, number);
}

void dns_put_type(uint16_t type, struct text *out)
{
	dns_put_word(dns_types, array_count(dns_types), type, "TYPE", out);
}

void dns_put_class(uint16_t class, struct text *out)
{
	dns_put_word(dns_classes, array_count(dns_classes), class, "CLASS", out);
}

void dns_put_rcode(uint16_t rcode, struct text *out)
{
	dns_put_word(dns_rcodes, array_count(dns_rcodes), rcode, "RCODE", out);
}

void dns_put_opcode(uint16_t opcode, struct text *out)
{
	dns_put_word(dns_opcodes, array_count(dns_opcodes), opcode, "OPCODE", out);
}

void dns_put_flags(uint16_t flags, struct text *out)
{
	const char *gap = "";

	for (size_t n = 0; n < array_count(dns_flags); n++) {
		if (!(flags & dns_flags[n].number))
			continue;
		text_printf(out, "%s%s", gap, dns_flags[n].word);
		gap = " ";
	}
}

/* --- reading --- */

bool dns_read_bytes(struct dns_reader *reader, size_t bytes, struct slice *ret_slice)
{
	if (reader->at > reader->end || bytes > reader->end - reader->at)
		return false;
	*ret_slice = (struct slice){ reader->whole.at + reader->at, bytes };
	reader->at += bytes;
	return true;
}

bool dns_read_u8(struct dns_reader *reader, uint8_t *ret_value)
{
	struct slice slice;

	if (!dns_read_bytes(reader, 1, &slice))
		return false;
	*ret_value = (uint8_t)slice.at[0];
	return true;
}

bool dns_read_u16(struct dns_reader *reader, uint16_t *ret_value)
{
	uint8_t high, low;

	if (!dns_read_u8(reader, &high) || !dns_read_u8(reader, &low))
		return false;
	*ret_value = (uint16_t)(high << 8 | low);
	return true;
}

bool dns_read_u32(struct dns_reader *reader, uint32_t *ret_value)
{
	uint16_t high, low;

	if (!dns_read_u16(reader, &high) || !dns_read_u16(reader, &low))
		return false;
	*ret_value = (uint32_t)high << 16 | low;
	return true;
}

static void dns_name_putc(struct dns_name *name, unsigned char c)
{
	char *at = name->text + name->bytes;

	if (c > ' ' && c < 0x7f && c != '.' && c != '\\') {
		*at = (char)c;
		name->bytes++;
	} else if (c == '.' || c == '\\') {
		at[0] = '\\';
		at[1] = (char)c;
		name->bytes += 2;
	} else {
		at[0] = '\\';
		at[1] = (char)('0' + c / 100);
		at[2] = (char)('0' + c / 10 % 10);
		at[3] = (char)('0' + c % 10);
		name->bytes += 4;
	}
}

/* One label, or the root at the end, or a pointer to where the name goes on. */
static bool dns_read_label(struct dns_reader *reader, struct dns_name *name, size_t *wire_bytes,
			   size_t *jump, bool *ended)
{
	struct slice label;
	uint8_t head, low;

	*jump = SIZE_MAX;
	if (!dns_read_u8(reader, &head))
		return false;
	*ended = head == 0;
	if (head == 0)
		return true;
	if ((head & 0xc0) == 0xc0) {
		if (!dns_read_u8(reader, &low))
			return false;
		*jump = (size_t)(head & 0x3f) << 8 | low;
		return true;
	}
	*wire_bytes += 1u + head;
	if ((head & 0xc0) || *wire_bytes >= DNS_NAME_BYTES || !dns_read_bytes(reader, head, &label))
		return false;
	if (name->bytes)
		name->text[name->bytes++] = '.';
	for (size_t n = 0; n < label.bytes; n++)
		dns_name_putc(name, (unsigned char)label.at[n]);
	return true;
}

/* A pointer leads back, and further back than the one before: so there are no circles. */
bool dns_read_name(struct dns_reader *reader, struct dns_name *name)
{
	struct dns_reader at = *reader;
	size_t wire_bytes = 0, floor = reader->at, jump;
	bool jumped = false, ended = false;

	name->bytes = 0;
	while (!ended) {
		if (!dns_read_label(&at, name, &wire_bytes, &jump, &ended))
			return false;
		if (!jumped)
			reader->at = at.at;
		if (jump == SIZE_MAX)
			continue;
		if (jump >= floor)
			return false;
		jumped = true;
		floor = jump;
		at.at = jump;
		at.end = at.whole.bytes;
	}
	if (name->bytes == 0)
		name->text[name->bytes++] = '.'; /* the root */
	return true;
}
