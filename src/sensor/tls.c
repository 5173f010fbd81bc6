/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls - which names, versions and ciphers TLS connections begin with.
 *
 * The kernel side passes on the start of what each end says. A connection waits here from its
 * ClientHello until the server has answered, and its certificate is read where that is not
 * encrypted; then that is one event.
 */
#include "sensor/sensor.h"

#include <errno.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "event/metrics.h"
#include "sensor/packet.h"
#include "sensor/socket.h"
#include "sensor/tls/certificate.h"
#include "sensor/tls/hello.h"

#define TLS_TALKS     512
#define TLS_WAY_BYTES 16384
#define TLS_WAIT_NS   (5 * NS_PER_S)
#define TLS_MESSAGES  4 /* of a server's flight that are looked at for its certificate */

/* What one end says. */
struct tls_way {
	bool begun, ended; /* ended: nothing more can be read */
	uint32_t next;	   /* sequence number */
	struct text bytes;
};

struct tls_talk {
	uint64_t cookie;
	struct list node; /* the oldest first */
	uint64_t begun_ns, answered_ns;
	struct ring_head owner;
	struct ring_ends ends;
	bool client_sends; /* the client is on this side */
	bool has_client, has_server, has_certificate, has_alert;
	unsigned int alert;
	struct tls_way ways[2]; /* received, sent */
	struct tls_hello client, server;
	struct tls_certificate_facts certificate;
};

struct tls_sensor {
	const struct sensor_env *env;
	struct programs *programs;
	unsigned int parts;
	struct map talks;
	struct list by_age;
	struct loop_timer timer;
	struct text room, words;
	struct metric evictions;
};

static struct slice tls_talk_key(const void *item)
{
	const struct tls_talk *talk = item;

	return (struct slice){ (const char *)&talk->cookie, sizeof(talk->cookie) };
}

static void tls_forget(struct tls_sensor *tls, struct tls_talk *talk)
{
	map_take(&tls->talks, tls_talk_key(talk));
	list_remove(&talk->node);
	text_done(&talk->ways[0].bytes);
	text_done(&talk->ways[1].bytes);
	free(talk);
}

/* --- the event --- */

static void tls_put_words(struct tls_sensor *tls, struct event *event, enum event_field field)
{
	if (tls->words.bytes)
		event_copy(event, field, text_slice(&tls->words));
	text_clear(&tls->words);
}

static void tls_put_client(struct tls_sensor *tls, struct event *event,
			   const struct tls_hello *client)
{
	char ja3[TLS_JA3_ROOM], ja4[TLS_JA4_ROOM];

	if (client->server_name_bytes)
		event_copy(event, FIELD_tls_server_name,
			   (struct slice){ client->server_name, client->server_name_bytes });
	if (client->alpn_bytes)
		event_copy(event, FIELD_tls_client_alpn,
			   (struct slice){ client->alpn, client->alpn_bytes });
	tls_put_versions(&client->versions, &tls->words);
	if (tls->words.bytes == 0)
		tls_put_version(client->version, &tls->words);
	tls_put_words(tls, event, FIELD_tls_client_versions);
	tls_put_ciphers(&client->ciphers, &tls->words);
	tls_put_words(tls, event, FIELD_tls_client_ciphers);
	tls_ja3(client, ja3);
	tls_ja4(client, ja4);
	if (ja3[0])
		event_copy(event, FIELD_tls_ja3, slice_of(ja3));
	event_copy(event, FIELD_tls_ja4, slice_of(ja4));
	if (client->encrypted)
		event_number(event, FIELD_tls_encrypted_hello, 1);
}

static void tls_put_server(struct tls_sensor *tls, struct event *event,
			   const struct tls_hello *server)
{
	char ja3s[TLS_JA3_ROOM];

	tls_put_version(server->version, &tls->words);
	tls_put_words(tls, event, FIELD_tls_version);
	tls_put_cipher(server->ciphers.at[0], &tls->words);
	tls_put_words(tls, event, FIELD_tls_cipher);
	if (server->alpn_bytes)
		event_copy(event, FIELD_tls_alpn,
			   (struct slice){ server->alpn, server->alpn_bytes });
	tls_ja3(server, ja3s);
	if (ja3s[0])
		event_copy(event, FIELD_tls_ja3s, slice_of(ja3s));
}

static void tls_put_certificate(struct event *event, const struct tls_certificate_facts *facts)
{
	event_copy(event, FIELD_tls_subject, slice_of(facts->subject));
	event_copy(event, FIELD_tls_issuer, slice_of(facts->issuer));
	if (facts->not_after_ns)
		event_number(event, FIELD_tls_not_after, facts->not_after_ns);
}

/* Tells what is known, and is done with it. */
static void tls_tell(struct tls_sensor *tls, struct tls_talk *talk)
{
	struct event event;

	if (!talk->has_client || (talk->owner.pid == 0 && sensor_needs_owner(tls->env->settings))) {
		tls_forget(tls, talk);
		return;
	}
	event_init(&event, EVENT_tls_handshake, clock_wall_of_boot(talk->begun_ns), talk->begun_ns);
	socket_put_owner(&event, &talk->owner);
	socket_put_ends(&event, &talk->ends, "tcp",
			talk->client_sends ? RING_ROLE_client : RING_ROLE_server);
	tls_put_client(tls, &event, &talk->client);
	if (talk->has_server)
		tls_put_server(tls, &event, &talk->server);
	if (talk->has_certificate)
		tls_put_certificate(&event, &talk->certificate);
	if (talk->has_alert) {
		tls_put_alert(talk->alert, &tls->words);
		tls_put_words(tls, &event, FIELD_tls_alert);
	}
	if (talk->answered_ns)
		event_number(&event, FIELD_tls_latency, talk->answered_ns - talk->begun_ns);
	tls->env->out->emit(tls->env->out, &event);
	tls_forget(tls, talk);
}

/* --- reading --- */

/* False: this is no TLS connection. */
static bool tls_look_at_client(struct tls_sensor *tls, struct tls_talk *talk, bool sending)
{
	struct tls_way *way = &talk->ways[sending];
	unsigned int type;
	struct slice body;
	enum tls_answer answer =
		tls_find_message(text_slice(&way->bytes), 0, &tls->room, &type, &body);

	if (answer == TLS_more)
		return true;
	if (answer == TLS_none || type != TLS_client_hello ||
	    !tls_read_hello(type, body, &talk->client))
		return false;
	talk->has_client = true;
	talk->client_sends = sending;
	way->ended = true;
	text_done(&way->bytes);
	way->bytes = (struct text){ 0 };
	return true;
}

/* Looks for the certificate behind the hello. True: there is nothing more to wait for. */
static bool tls_look_for_certificate(struct tls_sensor *tls, struct tls_talk *talk,
				     const struct tls_way *way)
{
	for (size_t n = 1; n < TLS_MESSAGES; n++) {
		unsigned int type;
		struct slice body, der;
		enum tls_answer answer =
			tls_find_message(text_slice(&way->bytes), n, &tls->room, &type, &body);

		if (answer != TLS_done)
			return answer == TLS_none || way->ended;
		if (type != TLS_certificate)
			continue;
		talk->has_certificate = tls_read_certificate(body, &der) &&
					tls_parse_certificate(der, &talk->certificate);
		return true;
	}
	return true;
}

/* True: there is nothing more to wait for. */
static bool tls_look_at_server(struct tls_sensor *tls, struct tls_talk *talk,
			       const struct tls_way *way, uint64_t boot_ns)
{
	unsigned int type;
	struct slice body;
	enum tls_answer answer;

	if (!talk->has_server) {
		answer = tls_find_message(text_slice(&way->bytes), 0, &tls->room, &type, &body);
		if (answer == TLS_more && !way->ended)
			return false;
		talk->answered_ns = boot_ns;
		talk->has_alert = tls_read_alert(text_slice(&way->bytes), &talk->alert);
		if (answer != TLS_done || type != TLS_server_hello ||
		    !tls_read_hello(type, body, &talk->server))
			return true;
		talk->has_server = true;
	}
	/* From 1.3 on the certificate is encrypted. */
	return talk->server.version >= 0x0304 || tls_look_for_certificate(tls, talk, way);
}

/* Takes a piece in where it belongs; false when it brings nothing new. */
static bool tls_way_take(struct tls_way *way, const struct ring_packet *packet)
{
	struct slice data = { (const char *)packet->data, packet->data_bytes };
	int32_t ahead = way->begun ? (int32_t)(packet->sequence - way->next) : 0;

	if (way->ended)
		return false;
	if (ahead < 0) {
		if ((uint64_t) - (int64_t)ahead >= packet->bytes)
			return false;
		data = slice_skip(data, (size_t) - (int64_t)ahead);
	}
	if (ahead > 0)
		way->ended = true; /* a piece is missing: what there is must do */
	else
		text_put(&way->bytes, slice_first(data, TLS_WAY_BYTES - way->bytes.bytes));
	way->begun = true;
	way->next = packet->sequence + packet->bytes;
	if (packet->data_bytes < packet->bytes || way->bytes.bytes >= TLS_WAY_BYTES)
		way->ended = true;
	return !way->bytes.failed;
}

/* Only what a client begins with opens one. */
static struct tls_talk *tls_talk_get(struct tls_sensor *tls, const struct ring_packet *packet)
{
	struct slice key = { (const char *)&packet->ends.cookie, sizeof(packet->ends.cookie) };
	struct tls_talk *talk = map_get(&tls->talks, key);

	if (talk || packet->data_bytes == 0 || packet->data[0] != 22)
		return talk;
	if (tls->talks.count >= TLS_TALKS) {
		tls->evictions.value++;
		tls_forget(tls, list_first(&tls->by_age, struct tls_talk, node));
	}
	talk = calloc(1, sizeof(*talk));
	if (!talk)
		return NULL;
	talk->cookie = packet->ends.cookie;
	talk->begun_ns = packet->head.boot_ns;
	talk->owner = packet->head;
	talk->ends = packet->ends;
	if (map_put(&tls->talks, talk, NULL) < 0) {
		free(talk);
		return NULL;
	}
	list_append(&tls->by_age, &talk->node);
	if (!tls->timer.due_ns)
		loop_timer_set(tls->env->loop, &tls->timer, TLS_WAIT_NS);
	return talk;
}

static void tls_on_packet(void *owner, const struct ring_head *head)
{
	const struct ring_packet *packet = (const struct ring_packet *)head;
	struct tls_sensor *tls = owner;
	struct tls_talk *talk = tls_talk_get(tls, packet);
	bool sending = packet->sending;

	if (!talk)
		return;
	if (packet->head.pid)
		talk->owner = packet->head;
	if (!tls_way_take(&talk->ways[sending], packet))
		return;
	if (!talk->has_client) {
		if (!tls_look_at_client(tls, talk, sending))
			tls_forget(tls, talk);
		return;
	}
	if (sending != talk->client_sends &&
	    tls_look_at_server(tls, talk, &talk->ways[sending], head->boot_ns))
		tls_tell(tls, talk);
}

static void tls_on_timer(struct loop_timer *timer)
{
	struct tls_sensor *tls = container_of(timer, struct tls_sensor, timer);
	uint64_t now_ns = clock_boot_ns();
	struct tls_talk *talk;

	while ((talk = list_first(&tls->by_age, struct tls_talk, node)) &&
	       talk->begun_ns + TLS_WAIT_NS <= now_ns)
		tls_tell(tls, talk);
	if (talk)
		loop_timer_set(tls->env->loop, timer, talk->begun_ns + TLS_WAIT_NS - now_ns);
}

/* --- start --- */

static int tls_start_parts(struct sensor *sensor, unsigned int parts, struct error *err)
{
	struct tls_sensor *tls = sensor->state;
	int r;

	if (!sensor->env->settings->watch.tls)
		return error_say(err, ENODATA, "not asked for (see sensors.tls)");
	r = packets_check_interface(sensor->env->settings->watch.tls_interface, err);
	if (r == 0)
		r = programs_take(&tls->programs, sensor->env, parts, err);
	if (r < 0)
		return r;
	tls->env = sensor->env;
	tls->parts = parts;
	tls->timer.fire = tls_on_timer;
	map_init(&tls->talks, tls_talk_key);
	list_init(&tls->by_age);
	metric_add(tls->env->metrics, METRIC_tls_evictions, &tls->evictions, NULL);
	ring_handle(tls->env->ring, RING_tls, tls_on_packet, tls);
	return 0;
}

static int tls_start(struct sensor *sensor, struct error *err)
{
	return tls_start_parts(sensor, PACKET_FULL_PARTS, err);
}

static int tls_start_calls(struct sensor *sensor, struct error *err)
{
	return tls_start_parts(sensor, PACKET_CALLS_PARTS, err);
}

static int tls_start_blind(struct sensor *sensor, struct error *err)
{
	return tls_start_parts(sensor, PACKET_BLIND_PARTS, err);
}

static void tls_stop(struct sensor *sensor)
{
	struct tls_sensor *tls = sensor->state;
	struct tls_talk *talk;

	if (!tls->env)
		return;
	ring_handle(tls->env->ring, RING_tls, NULL, NULL);
	programs_give_back(tls->programs, tls->parts);
	loop_timer_clear(&tls->timer);
	while ((talk = list_first(&tls->by_age, struct tls_talk, node)))
		tls_tell(tls, talk);
	map_done(&tls->talks);
	text_done(&tls->room);
	text_done(&tls->words);
	metric_remove(&tls->evictions);
}

static const struct sensor_mechanism tls_mechanisms[] = {
	{ .name = PACKET_FULL,
	  .costs = "QUIC; certificates of TLS 1.3, which are encrypted",
	  .start = tls_start },
	{ .name = PACKET_CALLS,
	  .costs = "QUIC; certificates of TLS 1.3, which are encrypted",
	  .start = tls_start_calls },
	{ .name = PACKET_BLIND, .costs = PACKET_BLIND_COSTS, .start = tls_start_blind },
};

const struct sensor_kind sensor_tls = {
	.name = "tls",
	.help = "names, versions and ciphers that TLS connections begin with",
	.state_bytes = sizeof(struct tls_sensor),
	.mechanisms = tls_mechanisms,
	.mechanism_count = array_count(tls_mechanisms),
	.behind = true,
	.same = packets_same,
	.stop = tls_stop,
};
