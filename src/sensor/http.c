/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - requests of plain HTTP/1.x and what was answered.
 *
 * The kernel side passes on the start of what looks like a request or a response. Requests of one
 * connection are answered in their order; each waits here for its answer, then both are one event.
 */
#include "sensor/sensor.h"

#include <errno.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "event/metrics.h"
#include "sensor/http_line.h"
#include "sensor/packet.h"
#include "sensor/socket.h"

#define HTTP_ASKED    1024 /* requests that wait, of all connections */
#define HTTP_WAIT_NS  (30 * NS_PER_S)
#define HTTP_CONTINUE 200 /* statuses below are not the answer yet */

struct http_asked {
	struct list node; /* among those of its connection, the oldest first */
	struct list by_age;
	struct http_talk *talk;
	uint64_t boot_ns;
	struct http_request request; /* into `text` */
	size_t bytes;
	char text[];
};

struct http_talk {
	uint64_t cookie;
	bool client_sends;
	uint32_t next[2]; /* sequence numbers, to know what comes twice: received, sent */
	struct ring_head owner;
	struct ring_ends ends;
	struct list asked;
};

struct http_sensor {
	const struct sensor_env *env;
	struct programs *programs;
	unsigned int parts;
	struct map talks; /* those with requests that wait */
	struct list by_age;
	size_t asked_count;
	struct loop_timer timer;
	struct metric evictions;
};

static struct slice http_talk_key(const void *item)
{
	const struct http_talk *talk = item;

	return (struct slice){ (const char *)&talk->cookie, sizeof(talk->cookie) };
}

static void http_put_text(struct event *event, enum event_field field, struct slice text)
{
	if (text.bytes)
		event_copy(event, field, text);
}

/* `response` NULL: there was none. */
static void http_tell(struct http_sensor *http, const struct http_asked *asked,
		      const struct http_response *response, uint64_t boot_ns)
{
	const struct http_talk *talk = asked->talk;
	struct event event;

	if (talk->owner.pid == 0 && sensor_needs_owner(http->env->settings))
		return;
	event_init(&event, EVENT_http_request, clock_wall_of_boot(asked->boot_ns), asked->boot_ns);
	socket_put_owner(&event, &talk->owner);
	socket_put_ends(&event, &talk->ends, "tcp",
			talk->client_sends ? RING_ROLE_client : RING_ROLE_server);
	http_put_text(&event, FIELD_http_method, asked->request.method);
	http_put_text(&event, FIELD_url_path, asked->request.target);
	http_put_text(&event, FIELD_http_version, asked->request.version);
	http_put_text(&event, FIELD_http_host, asked->request.host);
	http_put_text(&event, FIELD_user_agent, asked->request.user_agent);
	if (response) {
		event_number(&event, FIELD_http_status, response->status);
		event_number(&event, FIELD_http_latency, boot_ns - asked->boot_ns);
	}
	http->env->out->emit(http->env->out, &event);
}

/* With the last request that waits its connection goes, too. */
static void http_forget(struct http_sensor *http, struct http_asked *asked)
{
	struct http_talk *talk = asked->talk;

	list_remove(&asked->node);
	list_remove(&asked->by_age);
	free(asked);
	http->asked_count--;
	if (!list_is_empty(&talk->asked))
		return;
	map_take(&http->talks, http_talk_key(talk));
	free(talk);
}

static struct http_talk *http_talk_new(struct http_sensor *http, const struct ring_packet *packet)
{
	struct http_talk *talk = calloc(1, sizeof(*talk));

	if (!talk)
		return NULL;
	talk->cookie = packet->ends.cookie;
	talk->client_sends = packet->sending;
	talk->owner = packet->head;
	talk->ends = packet->ends;
	list_init(&talk->asked);
	if (map_put(&http->talks, talk, NULL) == 0)
		return talk;
	free(talk);
	return NULL;
}

static struct http_asked *http_asked_new(struct slice text, uint64_t boot_ns)
{
	struct http_asked *asked = malloc(sizeof(*asked) + text.bytes);

	if (!asked)
		return NULL;
	asked->boot_ns = boot_ns;
	asked->bytes = text.bytes;
	memcpy(asked->text, text.at, text.bytes);
	if (http_parse_request((struct slice){ asked->text, text.bytes }, &asked->request))
		return asked;
	free(asked);
	return NULL;
}

static void http_on_request(struct http_sensor *http, struct http_talk *talk,
			    const struct ring_packet *packet, struct slice text)
{
	struct http_asked *asked = http_asked_new(text, packet->head.boot_ns);

	if (!asked)
		return;
	if (!talk)
		talk = http_talk_new(http, packet);
	if (!talk) {
		free(asked);
		return;
	}
	asked->talk = talk;
	list_append(&talk->asked, &asked->node);
	list_append(&http->by_age, &asked->by_age);
	if (http->asked_count++ >= HTTP_ASKED) {
		http->evictions.value++;
		http_forget(http, list_first(&http->by_age, struct http_asked, by_age));
	}
	if (!http->timer.due_ns)
		loop_timer_set(http->env->loop, &http->timer, HTTP_WAIT_NS);
}

static void http_on_response(struct http_sensor *http, struct http_talk *talk,
			     const struct ring_packet *packet, struct slice text)
{
	struct http_response response;
	struct http_asked *asked;

	if (!talk || packet->sending == talk->client_sends ||
	    !http_parse_response(text, &response) || response.status < HTTP_CONTINUE)
		return;
	asked = list_first(&talk->asked, struct http_asked, node);
	http_tell(http, asked, &response, packet->head.boot_ns);
	http_forget(http, asked);
}

static void http_on_packet(void *owner, const struct ring_head *head)
{
	const struct ring_packet *packet = (const struct ring_packet *)head;
	struct slice text = { (const char *)packet->data, packet->data_bytes };
	struct http_sensor *http = owner;
	struct http_talk *talk =
		map_get(&http->talks, (struct slice){ (const char *)&packet->ends.cookie,
						      sizeof(packet->ends.cookie) });

	if (talk) {
		uint32_t *next = &talk->next[packet->sending];

		if (*next && (int32_t)(packet->sequence - *next) < 0)
			return; /* sent again */
		*next = packet->sequence + packet->bytes;
		if (head->pid)
			talk->owner = *head;
	}
	if (slice_starts(text, SLICE("HTTP/")))
		http_on_response(http, talk, packet, text);
	else
		http_on_request(http, talk, packet, text);
}

static void http_on_timer(struct loop_timer *timer)
{
	struct http_sensor *http = container_of(timer, struct http_sensor, timer);
	uint64_t now_ns = clock_boot_ns();
	struct http_asked *asked;

	while ((asked = list_first(&http->by_age, struct http_asked, by_age)) &&
	       asked->boot_ns + HTTP_WAIT_NS <= now_ns) {
		http_tell(http, asked, NULL, 0);
		http_forget(http, asked);
	}
	if (asked)
		loop_timer_set(http->env->loop, timer, asked->boot_ns + HTTP_WAIT_NS - now_ns);
}

static int http_start_parts(struct sensor *sensor, unsigned int parts, struct error *err)
{
	struct http_sensor *http = sensor->state;
	int r;

	if (!sensor->env->settings->watch.http)
		return error_say(err, ENODATA, "not asked for (see sensors.http)");
	r = programs_take(&http->programs, sensor->env, parts, err);
	if (r < 0)
		return r;
	http->env = sensor->env;
	http->parts = parts;
	http->timer.fire = http_on_timer;
	map_init(&http->talks, http_talk_key);
	list_init(&http->by_age);
	metric_add(http->env->metrics, METRIC_http_evictions, &http->evictions, NULL);
	ring_handle(http->env->ring, RING_http, http_on_packet, http);
	return 0;
}

static int http_start(struct sensor *sensor, struct error *err)
{
	return http_start_parts(sensor, PACKET_FULL_PARTS, err);
}

static int http_start_calls(struct sensor *sensor, struct error *err)
{
	return http_start_parts(sensor, PACKET_CALLS_PARTS, err);
}

static int http_start_blind(struct sensor *sensor, struct error *err)
{
	return http_start_parts(sensor, PACKET_BLIND_PARTS, err);
}

static void http_stop(struct sensor *sensor)
{
	struct http_sensor *http = sensor->state;
	struct http_asked *asked;

	if (!http->env)
		return;
	ring_handle(http->env->ring, RING_http, NULL, NULL);
	programs_give_back(http->programs, http->parts);
	loop_timer_clear(&http->timer);
	while ((asked = list_first(&http->by_age, struct http_asked, by_age))) {
		http_tell(http, asked, NULL, 0);
		http_forget(http, asked);
	}
	map_done(&http->talks);
	metric_remove(&http->evictions);
}

static const struct sensor_mechanism http_mechanisms[] = {
	{ .name = PACKET_FULL, .costs = "HTTP/2 and what is inside TLS", .start = http_start },
	{ .name = PACKET_CALLS,
	  .costs = "HTTP/2 and what is inside TLS",
	  .start = http_start_calls },
	{ .name = PACKET_BLIND, .costs = PACKET_BLIND_COSTS, .start = http_start_blind },
};

const struct sensor_kind sensor_http = {
	.name = "http",
	.help = "requests of plain HTTP/1.x",
	.state_bytes = sizeof(struct http_sensor),
	.mechanisms = http_mechanisms,
	.mechanism_count = array_count(http_mechanisms),
	.behind = true,
	.same = packets_same,
	.stop = http_stop,
};
