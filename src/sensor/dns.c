/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns - names looked up: question, answer, how long it took, who asked.
 *
 * A question waits for its answer, which must come over the same socket, from the same peer, with
 * the same id and the same question; then both are one event. One that waits too long is an event
 * of its own, and so is an answer that nobody asked for.
 */
#include "sensor/sensor.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "event/metrics.h"
#include "sensor/dns/message.h"
#include "sensor/dns/stream.h"
#include "sensor/packet.h"
#include "sensor/socket.h"

#define DNS_PORT	53
#define DNS_ASKED	4096 /* questions that wait at once */
#define DNS_STREAMS	256
#define DNS_STREAM_IDLE (30 * NS_PER_S)
#define DNS_ANSWERS	32 /* records shown of an answer */

struct dns_key {
	uint64_t cookie;
	uint8_t peer[16];
	uint16_t peer_port, id;
	uint32_t pad;
};

/* A question that waits. */
struct dns_question {
	struct dns_key key;
	struct list node;	/* the oldest first */
	struct ring_head owner; /* its boot_ns: when it was asked */
	struct ring_ends ends;
	uint8_t protocol;
	bool sending;
	size_t message_bytes;
	uint16_t type, class, opcode, edns_bytes;
	size_t name_bytes;
	char name[];
};

struct dns_flow_key {
	uint64_t cookie;
	uint64_t sending;
};

struct dns_flow {
	struct dns_flow_key key;
	struct list node; /* the least recently used first */
	uint64_t used_ns;
	struct dns_stream stream;
};

enum dns_result { DNS_parsed, DNS_malformed, DNS_gap, DNS_RESULT_COUNT };

struct dns_sensor {
	const struct sensor_env *env;
	struct programs *programs;
	unsigned int parts;
	struct map asked, flows;
	struct list asked_by_age, flows_by_use;
	struct loop_timer timer;
	const struct ring_packet *packet; /* the one that is being read */
	struct text answers, words;
	struct metric results[DNS_RESULT_COUNT];
	struct metric asked_evictions, flow_evictions;
};

static struct slice dns_question_key(const void *item)
{
	const struct dns_question *question = item;

	return (struct slice){ (const char *)&question->key, sizeof(question->key) };
}

static struct slice dns_flow_key(const void *item)
{
	const struct dns_flow *flow = item;

	return (struct slice){ (const char *)&flow->key, sizeof(flow->key) };
}

/* --- events --- */

static struct slice dns_words(struct dns_sensor *dns, void (*put)(uint16_t value, struct text *out),
			      uint16_t value)
{
	text_clear(&dns->words);
	put(value, &dns->words);
	return text_slice(&dns->words);
}

static void dns_put_where(struct event *event, const struct ring_head *owner,
			  const struct ring_ends *ends, uint8_t protocol)
{
	/* Whoever has the port is the server; both may: then the question's direction tells. */
	enum ring_role role = ends->peer_port == DNS_PORT ? RING_ROLE_client : RING_ROLE_server;

	socket_put_owner(event, owner);
	socket_put_ends(event, ends, protocol == IPPROTO_TCP ? "tcp" : "udp", role);
}

static void dns_put_question(struct dns_sensor *dns, struct event *event, struct slice name,
			     uint16_t type, uint16_t class, uint16_t opcode)
{
	event_copy(event, FIELD_dns_question, name);
	event_copy(event, FIELD_dns_type, dns_words(dns, dns_put_type, type));
	if (class != 1)
		event_copy(event, FIELD_dns_class, dns_words(dns, dns_put_class, class));
	if (opcode != 0)
		event_copy(event, FIELD_dns_opcode, dns_words(dns, dns_put_opcode, opcode));
}

/* Without an owner it can't be told whether it is one of those asked for. */
static bool dns_is_wanted(const struct dns_sensor *dns, const struct ring_head *owner)
{
	return owner->pid || !sensor_needs_owner(dns->env->settings);
}

static void dns_tell_timeout(struct dns_sensor *dns, const struct dns_question *question)
{
	struct event event;

	if (!dns_is_wanted(dns, &question->owner))
		return;
	event_init(&event, EVENT_dns_timeout, clock_wall_ns(), clock_boot_ns());
	dns_put_where(&event, &question->owner, &question->ends, question->protocol);
	dns_put_question(dns, &event, (struct slice){ question->name, question->name_bytes },
			 question->type, question->class, question->opcode);
	event_number(&event, FIELD_dns_id, question->key.id);
	if (question->edns_bytes)
		event_number(&event, FIELD_dns_edns_bytes, question->edns_bytes);
	event_number(&event, question->sending ? FIELD_sent_bytes : FIELD_received_bytes,
		     question->message_bytes);
	dns->env->out->emit(dns->env->out, &event);
}

static void dns_put_answer(struct dns_sensor *dns, struct event *event,
			   const struct dns_message *message)
{
	event_number(event, FIELD_dns_id, message->id);
	event_copy(event, FIELD_dns_rcode, dns_words(dns, dns_put_rcode, message->rcode));
	text_clear(&dns->answers);
	dns_put_answers(message, DNS_ANSWERS, &dns->answers);
	if (!dns->answers.failed)
		event_text(event, FIELD_dns_answers, text_slice(&dns->answers));
	event_number(event, FIELD_dns_answer_count, message->answer_count);
	event_copy(event, FIELD_dns_flags, dns_words(dns, dns_put_flags, message->flags));
}

static void dns_tell_lookup(struct dns_sensor *dns, const struct dns_message *message,
			    const struct dns_question *question)
{
	const struct ring_packet *packet = dns->packet;
	/* A question may come before anybody has used the server's socket. */
	const struct ring_head *owner =
		packet->head.pid || !question ? &packet->head : &question->owner;
	size_t bytes = message->whole.bytes;
	struct event event;

	if (!dns_is_wanted(dns, owner))
		return;
	if (packet->protocol == IPPROTO_UDP)
		bytes = packet->bytes; /* what was caught may be less */
	event_init(&event, EVENT_dns_lookup, clock_wall_of_boot(packet->head.boot_ns),
		   packet->head.boot_ns);
	dns_put_where(&event, owner, &packet->ends, packet->protocol);
	dns_put_question(dns, &event,
			 (struct slice){ message->question.text, message->question.bytes },
			 message->type, message->class, message->opcode);
	dns_put_answer(dns, &event, message);
	event_number(&event, packet->sending ? FIELD_sent_bytes : FIELD_received_bytes, bytes);
	if (question) {
		event_number(&event, packet->sending ? FIELD_received_bytes : FIELD_sent_bytes,
			     question->message_bytes);
		event_number(&event, FIELD_dns_latency,
			     packet->head.boot_ns - question->owner.boot_ns);
		if (question->edns_bytes)
			event_number(&event, FIELD_dns_edns_bytes, question->edns_bytes);
	} else {
		event_number(&event, FIELD_dns_unasked, 1);
	}
	dns->env->out->emit(dns->env->out, &event);
}

/* --- questions --- */

static void dns_forget(struct dns_sensor *dns, struct dns_question *question)
{
	map_take(&dns->asked, dns_question_key(question));
	list_remove(&question->node);
	free(question);
}

static struct dns_key dns_key_of(const struct ring_packet *packet, uint16_t id)
{
	struct dns_key key = { .cookie = packet->ends.cookie,
			       .peer_port = packet->ends.peer_port,
			       .id = id };

	memcpy(key.peer, packet->ends.peer, sizeof(key.peer));
	return key;
}

static void dns_ask(struct dns_sensor *dns, const struct dns_message *message)
{
	const struct ring_packet *packet = dns->packet;
	struct dns_key key = dns_key_of(packet, message->id);
	struct slice at = { (const char *)&key, sizeof(key) };
	struct dns_question *question;

	if (map_get(&dns->asked, at))
		return; /* asked again: it waits since the first time */
	if (dns->asked.count >= DNS_ASKED) {
		dns->asked_evictions.value++;
		dns_forget(dns, list_first(&dns->asked_by_age, struct dns_question, node));
	}
	question = malloc(sizeof(*question) + message->question.bytes);
	if (!question)
		return;
	*question = (struct dns_question){
		.key = key,
		.owner = packet->head,
		.ends = packet->ends,
		.protocol = packet->protocol,
		.sending = packet->sending,
		.message_bytes =
			packet->protocol == IPPROTO_UDP ? packet->bytes : message->whole.bytes,
		.type = message->type,
		.class = message->class,
		.opcode = message->opcode,
		.edns_bytes = message->edns_bytes,
		.name_bytes = message->question.bytes,
	};
	memcpy(question->name, message->question.text, message->question.bytes);
	if (map_put(&dns->asked, question, NULL) < 0) {
		free(question);
		return;
	}
	list_append(&dns->asked_by_age, &question->node);
	if (list_first(&dns->asked_by_age, struct dns_question, node) == question)
		loop_timer_set(dns->env->loop, &dns->timer,
			       dns->env->settings->watch.dns_timeout_ns);
}

/* Upper and lower case are the same, and some resolvers play with it. */
static bool dns_is_same_question(const struct dns_question *question,
				 const struct dns_message *message)
{
	return question->type == message->type && question->class == message->class &&
	       question->name_bytes == message->question.bytes &&
	       strncasecmp(question->name, message->question.text, question->name_bytes) == 0;
}

static void dns_answer(struct dns_sensor *dns, const struct dns_message *message)
{
	struct dns_key key = dns_key_of(dns->packet, message->id);
	struct slice at = { (const char *)&key, sizeof(key) };
	struct dns_question *question = map_get(&dns->asked, at);

	/* Servers may leave the question out when something is wrong with it. */
	if (question && message->question_count && !dns_is_same_question(question, message))
		question = NULL;
	dns_tell_lookup(dns, message, question);
	if (question)
		dns_forget(dns, question);
}

static void dns_on_message(void *owner, struct slice whole)
{
	struct dns_sensor *dns = owner;
	struct dns_message message;

	if (!dns_parse(whole, &message)) {
		dns->results[DNS_malformed].value++;
		return;
	}
	dns->results[DNS_parsed].value++;
	if (message.flags & DNS_FLAG_qr)
		dns_answer(dns, &message);
	else
		dns_ask(dns, &message);
}

/* --- TCP --- */

static void dns_flow_free(struct dns_sensor *dns, struct dns_flow *flow)
{
	map_take(&dns->flows, dns_flow_key(flow));
	list_remove(&flow->node);
	dns_stream_done(&flow->stream);
	free(flow);
}

static struct dns_flow *dns_flow_get(struct dns_sensor *dns, const struct ring_packet *packet)
{
	struct dns_flow_key key = { packet->ends.cookie, packet->sending };
	struct dns_flow *flow =
		map_get(&dns->flows, (struct slice){ (const char *)&key, sizeof(key) });

	if (flow) {
		list_remove(&flow->node);
		list_append(&dns->flows_by_use, &flow->node);
		return flow;
	}
	if (dns->flows.count >= DNS_STREAMS) {
		dns->flow_evictions.value++;
		dns_flow_free(dns, list_first(&dns->flows_by_use, struct dns_flow, node));
	}
	flow = calloc(1, sizeof(*flow));
	if (!flow)
		return NULL;
	flow->key = key;
	if (map_put(&dns->flows, flow, NULL) < 0) {
		free(flow);
		return NULL;
	}
	list_append(&dns->flows_by_use, &flow->node);
	return flow;
}

static void dns_take_piece(struct dns_sensor *dns, const struct ring_packet *packet,
			   struct slice data)
{
	struct dns_flow *flow = dns_flow_get(dns, packet);
	uint64_t gaps;

	if (!flow)
		return;
	gaps = flow->stream.gaps;
	flow->used_ns = packet->head.boot_ns;
	dns_stream_take(&flow->stream, packet->sequence, data, packet->bytes, dns_on_message, dns);
	dns->results[DNS_gap].value += flow->stream.gaps - gaps;
	if (!dns->timer.due_ns)
		loop_timer_set(dns->env->loop, &dns->timer,
			       dns->env->settings->watch.dns_timeout_ns);
}

static void dns_on_packet(void *owner, const struct ring_head *head)
{
	const struct ring_packet *packet = (const struct ring_packet *)head;
	struct slice data = { (const char *)packet->data, packet->data_bytes };
	struct dns_sensor *dns = owner;

	dns->packet = packet;
	if (packet->protocol == IPPROTO_TCP)
		dns_take_piece(dns, packet, data);
	else
		dns_on_message(dns, data);
}

/* --- time --- */

static void dns_on_timer(struct loop_timer *timer)
{
	struct dns_sensor *dns = container_of(timer, struct dns_sensor, timer);
	uint64_t timeout_ns = dns->env->settings->watch.dns_timeout_ns;
	uint64_t now_ns = clock_boot_ns();
	struct dns_question *question;
	struct dns_flow *flow;

	while ((question = list_first(&dns->asked_by_age, struct dns_question, node)) &&
	       question->owner.boot_ns + timeout_ns <= now_ns) {
		dns_tell_timeout(dns, question);
		dns_forget(dns, question);
	}
	while ((flow = list_first(&dns->flows_by_use, struct dns_flow, node)) &&
	       flow->used_ns + DNS_STREAM_IDLE <= now_ns)
		dns_flow_free(dns, flow);
	if (question)
		loop_timer_set(dns->env->loop, timer,
			       question->owner.boot_ns + timeout_ns - now_ns);
	else if (flow)
		loop_timer_set(dns->env->loop, timer, flow->used_ns + DNS_STREAM_IDLE - now_ns);
}

/* --- start --- */

static void dns_add_metrics(struct dns_sensor *dns)
{
	static const char *const names[DNS_RESULT_COUNT] = { "parsed", "malformed", "gap" };

	for (size_t n = 0; n < DNS_RESULT_COUNT; n++)
		metric_add(dns->env->metrics, METRIC_dns_messages, &dns->results[n], names[n]);
	metric_add(dns->env->metrics, METRIC_dns_evictions, &dns->asked_evictions, "questions");
	metric_add(dns->env->metrics, METRIC_dns_evictions, &dns->flow_evictions, "streams");
}

static int dns_start_parts(struct sensor *sensor, unsigned int parts, struct error *err)
{
	struct dns_sensor *dns = sensor->state;
	int r;

	if (!sensor->env->settings->watch.dns)
		return error_say(err, ENODATA, "not asked for (see sensors.dns)");
	r = packets_check_interface(sensor->env->settings->watch.dns_interface, err);
	if (r == 0)
		r = programs_take(&dns->programs, sensor->env, parts, err);
	if (r < 0)
		return r;
	dns->env = sensor->env;
	dns->parts = parts;
	dns->timer.fire = dns_on_timer;
	map_init(&dns->asked, dns_question_key);
	map_init(&dns->flows, dns_flow_key);
	list_init(&dns->asked_by_age);
	list_init(&dns->flows_by_use);
	dns_add_metrics(dns);
	ring_handle(dns->env->ring, RING_dns, dns_on_packet, dns);
	return 0;
}

static int dns_start(struct sensor *sensor, struct error *err)
{
	return dns_start_parts(sensor, PACKET_FULL_PARTS, err);
}

static int dns_start_calls(struct sensor *sensor, struct error *err)
{
	return dns_start_parts(sensor, PACKET_CALLS_PARTS, err);
}

static int dns_start_blind(struct sensor *sensor, struct error *err)
{
	return dns_start_parts(sensor, PACKET_BLIND_PARTS, err);
}

static void dns_stop(struct sensor *sensor)
{
	struct dns_sensor *dns = sensor->state;
	struct dns_question *question;
	struct dns_flow *flow;

	if (!dns->env)
		return;
	ring_handle(dns->env->ring, RING_dns, NULL, NULL);
	programs_give_back(dns->programs, dns->parts);
	loop_timer_clear(&dns->timer);
	while ((question = list_first(&dns->asked_by_age, struct dns_question, node)))
		dns_forget(dns, question);
	while ((flow = list_first(&dns->flows_by_use, struct dns_flow, node)))
		dns_flow_free(dns, flow);
	map_done(&dns->asked);
	map_done(&dns->flows);
	text_done(&dns->answers);
	text_done(&dns->words);
	for (size_t n = 0; n < DNS_RESULT_COUNT; n++)
		metric_remove(&dns->results[n]);
	metric_remove(&dns->asked_evictions);
	metric_remove(&dns->flow_evictions);
}

static const struct sensor_mechanism dns_mechanisms[] = {
	{ .name = PACKET_FULL, .start = dns_start },
	{ .name = PACKET_CALLS, .start = dns_start_calls },
	{ .name = PACKET_BLIND, .costs = PACKET_BLIND_COSTS, .start = dns_start_blind },
};

const struct sensor_kind sensor_dns = {
	.name = "dns",
	.help = "names looked up over UDP and TCP",
	.state_bytes = sizeof(struct dns_sensor),
	.mechanisms = dns_mechanisms,
	.mechanism_count = array_count(dns_mechanisms),
	.behind = true,
	.same = packets_same,
	.stop = dns_stop,
};
