/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns/message.h"

#define DNS_TYPE_OPT 41

struct dns_record {
	struct dns_name name;
	uint16_t type, class;
	uint32_t ttl;
	size_t data_at, data_bytes;
};

static bool dns_read_record(struct dns_reader *reader, struct dns_record *record)
{
	struct slice data;
	uint16_t bytes;

	if (!dns_read_name(reader, &record->name) || !dns_read_u16(reader, &record->type) ||
	    !dns_read_u16(reader, &record->class) || !dns_read_u32(reader, &record->ttl) ||
	    !dns_read_u16(reader, &bytes))
		return false;
	record->data_at = reader->at;
	record->data_bytes = bytes;
	return dns_read_bytes(reader, bytes, &data);
}

static bool dns_read_questions(struct dns_reader *reader, struct dns_message *message)
{
	for (unsigned int n = 0; n < message->question_count; n++) {
		struct dns_name name;
		uint16_t type, class;

		if (!dns_read_name(reader, &name) || !dns_read_u16(reader, &type) ||
		    !dns_read_u16(reader, &class))
			return false;
		if (n > 0)
			continue;
		message->question = name;
		message->type = type;
		message->class = class;
	}
	return true;
}

/* Answers, authority and additional records: EDNS hides its words in one of these. */
static void dns_read_records(struct dns_reader *reader, struct dns_message *message, size_t count)
{
	struct dns_record record;

	for (size_t n = 0; n < count; n++) {
		if (!dns_read_record(reader, &record)) {
			message->cut = true;
			return;
		}
		if (record.type != DNS_TYPE_OPT)
			continue;
		message->edns_bytes = record.class;
		message->rcode = (uint16_t)(message->rcode | record.ttl >> 24 << 4);
	}
}

bool dns_parse(struct slice whole, struct dns_message *message)
{
	struct dns_reader reader = { .whole = whole, .end = whole.bytes };
	uint16_t authority_count, additional_count;

	message->whole = whole;
	message->question.bytes = 0;
	message->type = message->class = message->edns_bytes = 0;
	message->cut = false;
	if (!dns_read_u16(&reader, &message->id) || !dns_read_u16(&reader, &message->flags) ||
	    !dns_read_u16(&reader, &message->question_count) ||
	    !dns_read_u16(&reader, &message->answer_count) ||
	    !dns_read_u16(&reader, &authority_count) || !dns_read_u16(&reader, &additional_count))
		return false;
	message->opcode = message->flags >> 11 & 0xf;
	message->rcode = message->flags & 0xf;
	if (!dns_read_questions(&reader, message))
		return false;
	message->answers_at = reader.at;
	dns_read_records(&reader, message,
			 (size_t)message->answer_count + authority_count + additional_count);
	return true;
}

static void dns_put_answer(const struct dns_message *message, const struct dns_record *record,
			   struct text *words, struct json *json)
{
	json_open(json, '{');
	json_key(json, SLICE("name"));
	json_text(json, (struct slice){ record->name.text, record->name.bytes });
	json_key(json, SLICE("type"));
	text_clear(words);
	dns_put_type(record->type, words);
	json_text(json, text_slice(words));
	json_key(json, SLICE("ttl"));
	json_u64(json, record->ttl);
	json_key(json, SLICE("data"));
	text_clear(words);
	dns_put_data(message->whole, record->data_at, record->data_bytes, record->type, words);
	json_text(json, text_slice(words));
	json_close(json, '}');
}

void dns_put_answers(const struct dns_message *message, size_t limit, struct text *out)
{
	struct dns_reader reader = { .whole = message->whole,
				     .at = message->answers_at,
				     .end = message->whole.bytes };
	auto_text struct text words = { 0 };
	struct json json = { .out = out };
	struct dns_record record;

	json_open(&json, '[');
	for (size_t n = 0; n < message->answer_count && n < limit; n++) {
		if (!dns_read_record(&reader, &record))
			break;
		dns_put_answer(message, &record, &words, &json);
	}
	json_close(&json, ']');
}
