/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statsd - events as numbers to a StatsD server, over UDP or TCP.
 *
 * StatsD has no answers: a datagram counts as delivered when it is sent and nobody has refused it
 * at once, a batch over TCP when the other side's kernel has confirmed its last byte.
 */
#include "sink/courier.h"
#include "sink/statsd_line.h"
#include "wire/stream.h"

#include <errno.h>

#include "base/clock.h"

#define STATSD_BATCH_COUNT 2000
#define STATSD_BATCH_BYTES (128u << 10)
#define STATSD_STALL_NS	   (30 * NS_PER_S)
#define STATSD_FLUSH_NS	   (100 * NS_PER_MS) /* for datagrams to fill */

/* Looking again whether the last bytes are confirmed: soon at first, then less often. */
#define STATSD_CONFIRM_MIN_NS (2 * NS_PER_MS)
#define STATSD_CONFIRM_MAX_NS (100 * NS_PER_MS)

struct statsd {
	struct courier courier;
	struct slice prefix;
	enum statsd_tags tags;
	size_t packet_bytes;
	struct stream stream;
	struct stream_target target;
	char server[300];
	bool open, writing;
	const struct spool_item *items;
	size_t item_count, item_at; /* item_at: the first that is in no packet yet */
	struct text line, packet;
	size_t packet_sent;
	struct loop_timer stall, confirm;
	uint64_t confirm_ns;
};

static bool statsd_wanted(const struct sink_settings *settings)
{
	return settings->statsd.host != NULL;
}

/* --- the end of a batch --- */

static void statsd_finish(struct statsd *statsd, enum courier_verdict verdict,
			  const struct error *why)
{
	loop_timer_clear(&statsd->stall);
	loop_timer_clear(&statsd->confirm);
	statsd->writing = false;
	courier_tell(&statsd->courier, verdict, 0, why);
}

static void statsd_disconnect(struct statsd *statsd)
{
	stream_close(&statsd->stream);
	statsd->open = false;
}

static void statsd_on_stall(struct loop_timer *timer)
{
	struct statsd *statsd = container_of(timer, struct statsd, stall);
	struct error err;

	error_say(&err, ETIMEDOUT, "send to '%s': the receiver takes nothing", statsd->server);
	statsd_disconnect(statsd);
	statsd_finish(statsd, COURIER_failed, &err);
}

static void statsd_watch_stall(struct statsd *statsd)
{
	loop_timer_set(statsd->courier.sink->env->loop, &statsd->stall, STATSD_STALL_NS);
}

static void statsd_on_confirm(struct loop_timer *timer)
{
	struct statsd *statsd = container_of(timer, struct statsd, confirm);

	if (stream_unconfirmed(&statsd->stream) == 0) {
		statsd_finish(statsd, COURIER_delivered, NULL);
		return;
	}
	if (statsd->confirm_ns < STATSD_CONFIRM_MAX_NS)
		statsd->confirm_ns *= 2;
	loop_timer_set(statsd->courier.sink->env->loop, timer, statsd->confirm_ns);
}

/* --- writing --- */

/* Fills a packet with as many lines as it holds, at least one. */
static void statsd_next_packet(struct statsd *statsd)
{
	struct text *packet = &statsd->packet;

	text_clear(packet);
	statsd->packet_sent = 0;
	while (statsd->item_at < statsd->item_count) {
		struct slice line = statsd->items[statsd->item_at].payload;

		if (packet->bytes && packet->bytes + line.bytes + 1 > statsd->packet_bytes)
			return;
		text_put(packet, line);
		text_putc(packet, '\n');
		statsd->item_at++;
	}
}

static void statsd_write(struct statsd *statsd)
{
	for (;;) {
		struct slice rest = slice_skip(text_slice(&statsd->packet), statsd->packet_sent);
		struct error err;
		ssize_t n;

		if (rest.bytes == 0) {
			statsd_next_packet(statsd);
			rest = text_slice(&statsd->packet);
		}
		if (rest.bytes == 0)
			break;
		n = stream_write(&statsd->stream, rest);
		if (n == -EMSGSIZE) {
			error_errno(&err, EMSGSIZE, "send a packet of %zu bytes", rest.bytes);
			statsd_finish(statsd, COURIER_refused, &err);
		}
		if (n <= 0)
			return; /* goes on when writable, or ends when broken */
		statsd_watch_stall(statsd);
		statsd->packet_sent += (size_t)n;
	}
	/* Not at once: a refusal of what was just sent has to come in first. */
	statsd->confirm_ns = STATSD_CONFIRM_MIN_NS;
	loop_timer_set(statsd->courier.sink->env->loop, &statsd->confirm, statsd->confirm_ns);
}

static void statsd_on_writable(struct stream *stream)
{
	struct statsd *statsd = container_of(stream, struct statsd, stream);

	if (statsd->writing && !statsd->confirm.due_ns)
		statsd_write(statsd);
}

static void statsd_on_opened(struct stream *stream)
{
	struct statsd *statsd = container_of(stream, struct statsd, stream);

	statsd->open = true;
	if (!statsd->writing)
		return;
	statsd_watch_stall(statsd);
	statsd_write(statsd);
}

static void statsd_on_broken(struct stream *stream, const struct error *err)
{
	struct statsd *statsd = container_of(stream, struct statsd, stream);

	statsd_disconnect(statsd);
	if (statsd->writing)
		statsd_finish(statsd, COURIER_failed, err);
}

static void statsd_deliver(struct courier *courier, const struct spool_item *items, size_t count)
{
	struct statsd *statsd = container_of(courier, struct statsd, courier);
	const struct sink_env *env = courier->sink->env;
	struct error err;

	statsd->items = items;
	statsd->item_count = count;
	statsd->item_at = 0;
	statsd->writing = true;
	text_clear(&statsd->packet);
	statsd->packet_sent = 0;
	statsd_watch_stall(statsd);
	if (statsd->open)
		statsd_write(statsd);
	else if (stream_open(&statsd->stream, env->http(env->owner, NULL), &statsd->target, &err) <
		 0)
		statsd_finish(statsd, COURIER_failed, &err);
}

/* --- the sink --- */

static int statsd_check(const struct sink_settings *settings, struct error *err)
{
	struct slice host = slice_of(settings->statsd.host);

	for (size_t n = 0; n < host.bytes; n++)
		if (host.at[n] <= ' ' || strchr("/@?#\\", host.at[n]))
			return error_say(err, EINVAL,
					 "'statsd.host' is '%s', should be a name or address",
					 host.at);
	return host.bytes > 250 ? error_say(err, EINVAL, "'statsd.host' is too long") : 0;
}

static void statsd_prepare(struct statsd *statsd, const struct sink_settings *settings)
{
	const char *host = settings->statsd.host;
	bool bare = strchr(host, ':') && host[0] != '['; /* an IPv6 address */

	statsd->prefix = slice_of(settings->statsd.prefix);
	statsd->tags = settings->statsd.use_tags ? STATSD_dogstatsd
						 : (enum statsd_tags)settings->statsd.tags;
	statsd->packet_bytes = settings->statsd.packet_bytes;
	snprintf(statsd->server, sizeof(statsd->server), bare ? "[%s]:%llu" : "%s:%llu", host,
		 (unsigned long long)settings->statsd.port);
	statsd->target.kind = settings->statsd.transport == STATSD_tcp ? STREAM_tcp : STREAM_udp;
	statsd->target.server = statsd->server;
	statsd->stream.opened = statsd_on_opened;
	statsd->stream.writable = statsd_on_writable;
	statsd->stream.broken = statsd_on_broken;
	statsd->stall.fire = statsd_on_stall;
	statsd->confirm.fire = statsd_on_confirm;
	statsd->courier.flush_count = STATSD_BATCH_COUNT / 2;
	statsd->courier.flush_ns = STATSD_FLUSH_NS;
	statsd->courier.batch_count = STATSD_BATCH_COUNT;
	statsd->courier.batch_bytes = STATSD_BATCH_BYTES;
	statsd->courier.deliver = statsd_deliver;
}

static int statsd_open(struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	struct statsd *statsd = sink->state;
	int r = statsd_check(settings, err);

	if (r < 0)
		return r;
	if (!sink->env->http(sink->env->owner, err))
		return -EIO;
	sink->measures = true;
	statsd_prepare(statsd, settings);
	return courier_open(&statsd->courier, sink, err);
}

static void statsd_put(struct sink *sink, const struct event *event)
{
	struct statsd *statsd = sink->state;

	text_clear(&statsd->line);
	statsd_put_line(event, statsd->prefix, statsd->tags, &statsd->line);
	if (statsd->line.failed)
		sink->lost.value++;
	else
		courier_put(&statsd->courier, text_slice(&statsd->line));
}

static void statsd_flush(struct sink *sink)
{
	courier_flush(&((struct statsd *)sink->state)->courier);
}

static bool statsd_busy(const struct sink *sink)
{
	return courier_busy(&((const struct statsd *)sink->state)->courier);
}

static void statsd_close(struct sink *sink)
{
	struct statsd *statsd = sink->state;

	courier_close(&statsd->courier);
	stream_close(&statsd->stream);
	loop_timer_clear(&statsd->stall);
	loop_timer_clear(&statsd->confirm);
	text_done(&statsd->line);
	text_done(&statsd->packet);
}

const struct sink_kind sink_statsd = {
	.name = "statsd",
	.help = "events as numbers to a StatsD server",
	.state_bytes = sizeof(struct statsd),
	.wanted = statsd_wanted,
	.open = statsd_open,
	.put = statsd_put,
	.flush = statsd_flush,
	.busy = statsd_busy,
	.close = statsd_close,
};
