/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syslog - events to a syslog daemon: on this machine, or over UDP, TCP or TLS.
 *
 * Syslog has no answers. A batch over TCP or TLS counts as delivered when the other side's kernel
 * has confirmed its last byte, a datagram when it is sent.
 */
#include "sink/courier.h"
#include "sink/syslog_message.h"
#include "wire/stream.h"

#include <errno.h>

#include "base/clock.h"

#define SYSLOG_BATCH_COUNT 500
#define SYSLOG_BATCH_BYTES (256u << 10)
#define SYSLOG_STALL_NS	   (30 * NS_PER_S)
#define SYSLOG_PORT_BYTES  300

/* Looking again whether the last bytes are confirmed: soon at first, then less often. */
#define SYSLOG_CONFIRM_MIN_NS (1 * NS_PER_MS)
#define SYSLOG_CONFIRM_MAX_NS (100 * NS_PER_MS)

/* A way to try, in this order for "default". */
struct syslog_way {
	unsigned int destinations; /* bits: the settings that have it */
	enum stream_kind kind;
	const char *path, *server; /* where the settings say nothing */
	unsigned int port;
};

#define SYSLOG_BIT(destination) (1u << SYSLOG_##destination)
static const struct syslog_way syslog_ways[] = {
	{ SYSLOG_BIT(default) | SYSLOG_BIT(unix), STREAM_unix_datagram, "/dev/log", NULL, 0 },
	{ SYSLOG_BIT(default) | SYSLOG_BIT(unix), STREAM_unix, "/dev/log", NULL, 0 },
	{ SYSLOG_BIT(default), STREAM_unix_datagram, "/var/run/syslog", NULL, 0 },
	{ SYSLOG_BIT(default) | SYSLOG_BIT(tcp), STREAM_tcp, NULL, "127.0.0.1", 601 },
	{ SYSLOG_BIT(default) | SYSLOG_BIT(udp), STREAM_udp, NULL, "127.0.0.1", 514 },
	{ SYSLOG_BIT(tls), STREAM_tls, NULL, NULL, 6514 },
};

struct syslog {
	struct courier courier;
	struct syslog_format format;
	enum syslog_framing framing;
	unsigned int destination; /* a bit */
	struct stream stream;
	struct stream_target target;
	struct http_tls tls;
	char server[SYSLOG_PORT_BYTES];
	size_t way;   /* the one that is open or tried; array_count(syslog_ways): none */
	bool open;    /* the stream is */
	bool writing; /* a batch is under way on it */
	const struct spool_item *items;
	size_t item_count, item_at;
	struct text message, frame; /* being put; being sent */
	size_t frame_sent;
	struct loop_timer stall, confirm;
	uint64_t confirm_ns;
	struct error refused; /* why the first way of this round failed */
};

static bool syslog_wanted(const struct sink_settings *settings)
{
	return settings->syslog.format >= 0;
}

/* --- the end of a batch --- */

static void syslog_finish(struct syslog *syslog, enum courier_verdict verdict,
			  const struct error *why)
{
	bool alone = stream_is_datagram(&syslog->target);

	loop_timer_clear(&syslog->stall);
	loop_timer_clear(&syslog->confirm);
	syslog->writing = false;
	/* Datagrams before the one that failed are with the daemon. (UDP: unless it is the failure
	 * that tells of an earlier one.) */
	if (verdict != COURIER_delivered && alone && syslog->item_at < syslog->item_count &&
	    (syslog->target.path || why->code == EMSGSIZE))
		courier_delivered(&syslog->courier, syslog->item_at);
	courier_tell(&syslog->courier, verdict, 0, why);
}

static void syslog_disconnect(struct syslog *syslog)
{
	stream_close(&syslog->stream);
	syslog->open = false;
	syslog->way = array_count(syslog_ways);
	text_clear(&syslog->frame);
}

static void syslog_on_stall(struct loop_timer *timer)
{
	struct syslog *syslog = container_of(timer, struct syslog, stall);
	auto_text struct text place = { 0 };
	struct error err;

	stream_put_place(&syslog->target, &place);
	error_say(&err, ETIMEDOUT, "send to '%s': the receiver takes nothing", text_str(&place));
	syslog_disconnect(syslog);
	syslog_finish(syslog, COURIER_failed, &err);
}

static void syslog_watch_stall(struct syslog *syslog)
{
	loop_timer_set(syslog->courier.sink->env->loop, &syslog->stall, SYSLOG_STALL_NS);
}

static void syslog_on_confirm(struct loop_timer *timer)
{
	struct syslog *syslog = container_of(timer, struct syslog, confirm);

	if (stream_unconfirmed(&syslog->stream) == 0) {
		syslog_finish(syslog, COURIER_delivered, NULL);
		return;
	}
	if (syslog->confirm_ns < SYSLOG_CONFIRM_MAX_NS)
		syslog->confirm_ns *= 2;
	loop_timer_set(syslog->courier.sink->env->loop, timer, syslog->confirm_ns);
}

/* --- writing --- */

/* The next message as the stream wants it; what is in the frame then is sent first. */
static void syslog_next_frame(struct syslog *syslog)
{
	struct slice message = syslog->items[syslog->item_at].payload;

	text_clear(&syslog->frame);
	syslog->frame_sent = 0;
	if (stream_is_datagram(&syslog->target)) {
		text_put(&syslog->frame, message);
	} else if (syslog->target.kind == STREAM_unix) {
		text_put(&syslog->frame, message);
		text_putc(&syslog->frame, '\0'); /* as syslog(3) does */
	} else {
		syslog_put_frame(syslog->framing, message, &syslog->frame);
	}
}

static void syslog_refuse_long(struct syslog *syslog)
{
	struct error err;

	error_errno(&err, EMSGSIZE, "send a message of %zu bytes", syslog->frame.bytes);
	syslog_finish(syslog, COURIER_refused, &err);
}

static void syslog_write(struct syslog *syslog)
{
	while (syslog->item_at < syslog->item_count) {
		struct slice rest = slice_skip(text_slice(&syslog->frame), syslog->frame_sent);
		ssize_t n;

		if (rest.bytes == 0) {
			syslog_next_frame(syslog);
			rest = text_slice(&syslog->frame);
		}
		n = stream_write(&syslog->stream, rest);
		if (n == -EMSGSIZE)
			syslog_refuse_long(syslog);
		if (n <= 0)
			return; /* goes on when writable, or ends when broken */
		syslog_watch_stall(syslog);
		syslog->frame_sent += (size_t)n;
		syslog->item_at += syslog->frame_sent == syslog->frame.bytes;
	}
	/* Not at once: a refusal of what was just sent has to come in first. */
	syslog->confirm_ns = SYSLOG_CONFIRM_MIN_NS;
	loop_timer_set(syslog->courier.sink->env->loop, &syslog->confirm, syslog->confirm_ns);
}

static void syslog_on_writable(struct stream *stream)
{
	struct syslog *syslog = container_of(stream, struct syslog, stream);

	if (syslog->writing && !syslog->confirm.due_ns)
		syslog_write(syslog);
}

/* --- connecting --- */

/* "host", "host:port", "[address]" or "[address]:port": completes the port. */
static void syslog_set_server(struct syslog *syslog, const struct syslog_way *way)
{
	const char *server = syslog->courier.sink->env->settings->syslog.server;
	struct slice name = slice_of(server ? server : way->server);

	if (slice_find_last(name, SLICE(":")) > slice_find_last(name, SLICE("]")))
		slice_copy(name, syslog->server, sizeof(syslog->server));
	else
		snprintf(syslog->server, sizeof(syslog->server), "%.*s:%u", SLICE_ARG(name),
			 way->port);
}

static void syslog_set_target(struct syslog *syslog, const struct syslog_way *way)
{
	const struct sink_settings *settings = syslog->courier.sink->env->settings;

	syslog->target = (struct stream_target){ .kind = way->kind };
	if (way->path) {
		syslog->target.path = settings->syslog.path ? settings->syslog.path : way->path;
		return;
	}
	syslog_set_server(syslog, way);
	syslog->target.server = syslog->server;
	syslog->target.local = settings->syslog.local;
	syslog->target.tls = syslog->tls;
}

/* Tries the next way from `way` on that the settings permit. */
static void syslog_connect(struct syslog *syslog, size_t way)
{
	const struct sink_env *env = syslog->courier.sink->env;
	struct error err;

	for (; way < array_count(syslog_ways); way++) {
		if (!(syslog_ways[way].destinations & syslog->destination))
			continue;
		syslog->way = way;
		syslog_set_target(syslog, &syslog_ways[way]);
		if (stream_open(&syslog->stream, env->http(env->owner, NULL), &syslog->target,
				&err) == 0)
			return;
		syslog->refused = err;
	}
	syslog->way = way;
	syslog_finish(syslog, COURIER_failed, &syslog->refused);
}

static void syslog_on_opened(struct stream *stream)
{
	struct syslog *syslog = container_of(stream, struct syslog, stream);

	syslog->open = true;
	if (!syslog->writing)
		return;
	syslog_watch_stall(syslog);
	syslog_write(syslog);
}

static void syslog_on_broken(struct stream *stream, const struct error *err)
{
	struct syslog *syslog = container_of(stream, struct syslog, stream);
	size_t way = syslog->way;
	bool was_open = syslog->open;

	syslog_disconnect(syslog);
	if (!syslog->writing)
		return; /* the next batch connects anew */
	if (!syslog->refused.code)
		syslog->refused = *err;
	if (was_open)
		syslog_finish(syslog, COURIER_failed, err);
	else
		syslog_connect(syslog, way + 1);
}

static void syslog_deliver(struct courier *courier, const struct spool_item *items, size_t count)
{
	struct syslog *syslog = container_of(courier, struct syslog, courier);

	syslog->items = items;
	syslog->item_count = count;
	syslog->item_at = 0;
	syslog->writing = true;
	syslog->refused = (struct error){ 0 };
	text_clear(&syslog->frame);
	syslog->frame_sent = 0;
	if (!syslog->open) {
		syslog_connect(syslog, 0);
		return;
	}
	syslog_watch_stall(syslog);
	syslog_write(syslog);
}

/* --- the sink --- */

static int syslog_check(const struct sink_settings *settings, const char **ret_key,
			struct error *err)
{
	struct slice server = slice_of(settings->syslog.server);
	int destination = settings->syslog.destination;

	*ret_key = server.bytes ? "syslog.server" : "syslog.destination";
	if (server.bytes && (destination == SYSLOG_default || destination == SYSLOG_unix))
		return error_say(err, EINVAL,
				 "'syslog.server' is set: 'syslog.destination' has to be tcp, udp "
				 "or tls");
	if (destination == SYSLOG_tls && !server.bytes)
		return error_say(err, EINVAL, "destination 'tls' needs 'syslog.server'");
	if (server.bytes > SYSLOG_PORT_BYTES - 8)
		return error_say(err, EINVAL, "'syslog.server' is too long");
	for (size_t n = 0; n < server.bytes; n++)
		if (server.at[n] <= ' ' || strchr("/@?#\\", server.at[n]))
			return error_say(err, EINVAL,
					 "'syslog.server' is '%s', should be HOST:PORT", server.at);
	return 0;
}

static int syslog_open(struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	struct syslog *syslog = sink->state;
	bool local = settings->syslog.destination == SYSLOG_default ||
		     settings->syslog.destination == SYSLOG_unix;
	int r = sink_set_tls(&settings->syslog.tls, &syslog->tls, err);
	if (r < 0)
		return r;
	if (!sink->env->http(sink->env->owner, err))
		return -EIO;
	sink->measures = settings->syslog.format == FORMAT_measurement;
	syslog->destination = 1u << settings->syslog.destination;
	if (settings->syslog.path && syslog->destination == SYSLOG_BIT(default))
		syslog->destination = SYSLOG_BIT(unix);
	syslog->framing = (enum syslog_framing)settings->syslog.framing;
	syslog->format = (struct syslog_format){
		.rfc = settings->syslog.rfc >= 0 ? (enum syslog_rfc)settings->syslog.rfc
		       : local			 ? SYSLOG_rfc3164
						 : SYSLOG_rfc5424,
		.local = local,
		.facility = (unsigned int)settings->syslog.facility,
		.pid = getpid(),
		.format = (enum event_format)settings->syslog.format,
	};
	syslog->way = array_count(syslog_ways);
	syslog->stream.opened = syslog_on_opened;
	syslog->stream.writable = syslog_on_writable;
	syslog->stream.broken = syslog_on_broken;
	syslog->stall.fire = syslog_on_stall;
	syslog->confirm.fire = syslog_on_confirm;
	syslog->courier.flush_count = 1;
	syslog->courier.batch_count = SYSLOG_BATCH_COUNT;
	syslog->courier.batch_bytes = SYSLOG_BATCH_BYTES;
	syslog->courier.deliver = syslog_deliver;
	return courier_open(&syslog->courier, sink, err);
}

static void syslog_put(struct sink *sink, const struct event *event)
{
	struct syslog *syslog = sink->state;

	text_clear(&syslog->message);
	syslog_put_message(&syslog->format, event, sink->env->origin, &syslog->message);
	if (syslog->message.failed)
		sink->lost.value++;
	else
		courier_put(&syslog->courier, text_slice(&syslog->message));
}

static void syslog_flush(struct sink *sink)
{
	courier_flush(&((struct syslog *)sink->state)->courier);
}

static bool syslog_busy(const struct sink *sink)
{
	return courier_busy(&((const struct syslog *)sink->state)->courier);
}

static void syslog_close(struct sink *sink)
{
	struct syslog *syslog = sink->state;

	courier_close(&syslog->courier);
	stream_close(&syslog->stream);
	loop_timer_clear(&syslog->stall);
	loop_timer_clear(&syslog->confirm);
	text_done(&syslog->message);
	text_done(&syslog->frame);
}

const struct sink_kind sink_syslog = {
	.name = "syslog",
	.help = "events to a syslog daemon, here or over UDP, TCP or TLS",
	.state_bytes = sizeof(struct syslog),
	.wanted = syslog_wanted,
	.check = syslog_check,
	.open = syslog_open,
	.put = syslog_put,
	.flush = syslog_flush,
	.busy = syslog_busy,
	.close = syslog_close,
};
