/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp - connections: made, accepted, refused, ended, and what went over them.
 *
 * The kernel counts bytes and segments for each connection anyway; they are read once, when it
 * ends.
 */
#include "sensor/sensor.h"

#include <errno.h>

#include "base/clock.h"
#include "kernel/bpf.h"
#include "sensor/packet.h"
#include "sensor/programs.h"
#include "sensor/socket.h"

struct tcp_sensor {
	struct programs *programs;
	unsigned int parts;
};

static void tcp_put_error(struct event *event, uint32_t error)
{
	if (error)
		event_copy(event, FIELD_error_type, slice_of(bpf_errno_name((int)error)));
}

static void tcp_put_latency(struct event *event, const struct ring_tcp *record)
{
	if (record->latency_ns)
		event_number(event, FIELD_connect_latency, record->latency_ns);
}

static void tcp_put_rtt(struct event *event, const struct ring_tcp *record)
{
	if (record->rtt_us)
		event_number(event, FIELD_tcp_rtt, record->rtt_us * NS_PER_US);
}

static void tcp_put_connect(struct event *event, const struct ring_tcp *record)
{
	tcp_put_latency(event, record);
	tcp_put_rtt(event, record);
}

static void tcp_put_fail(struct event *event, const struct ring_tcp *record)
{
	tcp_put_latency(event, record);
	tcp_put_error(event, record->error);
	event_number(event, FIELD_tcp_retransmits, record->retransmits);
}

static void tcp_put_close(struct event *event, const struct ring_tcp *record)
{
	static const char *const ends[RING_TCP_END_COUNT] = {
		[RING_TCP_END_fin] = "fin",
		[RING_TCP_END_reset_local] = "reset_local",
		[RING_TCP_END_reset_peer] = "reset_peer",
		[RING_TCP_END_timeout] = "timeout",
	};

	event_number(event, FIELD_sent_bytes, record->sent_bytes);
	event_number(event, FIELD_received_bytes, record->received_bytes);
	event_number(event, FIELD_sent_packets, record->sent_segments);
	event_number(event, FIELD_received_packets, record->received_segments);
	if (record->duration_ns)
		event_number(event, FIELD_duration, record->duration_ns);
	tcp_put_latency(event, record);
	tcp_put_error(event, record->error);
	if (record->end < RING_TCP_END_COUNT)
		event_text(event, FIELD_tcp_end, slice_of(ends[record->end]));
	event_number(event, FIELD_tcp_retransmits, record->retransmits);
	tcp_put_rtt(event, record);
}

static const struct {
	enum event_kind kind;
	void (*put)(struct event *event, const struct ring_tcp *record);
} tcp_whats[] = {
	[RING_TCP_connect] = { EVENT_tcp_connect, tcp_put_connect },
	[RING_TCP_accept] = { EVENT_tcp_accept, tcp_put_rtt },
	[RING_TCP_close] = { EVENT_tcp_close, tcp_put_close },
	[RING_TCP_fail] = { EVENT_tcp_connect_failed, tcp_put_fail },
};

static void tcp_on_record(void *owner, const struct ring_head *head)
{
	const struct ring_tcp *record = (const struct ring_tcp *)head;
	const struct sensor_env *env = owner;
	struct event event;

	if (record->what >= array_count(tcp_whats))
		return;
	event_init(&event, tcp_whats[record->what].kind, clock_wall_of_boot(head->boot_ns),
		   head->boot_ns);
	socket_put_owner(&event, head);
	socket_put_ends(&event, &record->ends, "tcp", record->role);
	tcp_whats[record->what].put(&event, record);
	env->out->emit(env->out, &event);
}

static int tcp_start_parts(struct sensor *sensor, unsigned int parts, struct error *err)
{
	struct tcp_sensor *tcp = sensor->state;

	if (!sensor->env->settings->watch.tcp)
		return error_say(err, ENODATA, "not asked for (see sensors.tcp)");
	if (sensor->env->ring)
		ring_handle(sensor->env->ring, RING_tcp, tcp_on_record, (void *)sensor->env);
	tcp->parts = parts;
	return programs_take(&tcp->programs, sensor->env, parts, err);
}

static int tcp_start(struct sensor *sensor, struct error *err)
{
	return tcp_start_parts(sensor, PROGRAMS_tcp | PROGRAMS_use, err);
}

/* Kernels before 6.4 have no tracepoint where a socket is used. */
static int tcp_start_blind(struct sensor *sensor, struct error *err)
{
	return tcp_start_parts(sensor, PROGRAMS_tcp, err);
}

static void tcp_stop(struct sensor *sensor)
{
	struct tcp_sensor *tcp = sensor->state;

	programs_give_back(tcp->programs, tcp->parts);
	if (sensor->env->ring)
		ring_handle(sensor->env->ring, RING_tcp, NULL, NULL);
}

static const struct sensor_mechanism tcp_mechanisms[] = {
	{ .name = "tp_btf",
	  .costs = "connects that fail before the first packet",
	  .start = tcp_start },
	{ .name = "tp_btf, state changes only",
	  .costs = "who accepted a connection, until it is closed; who got it from another process",
	  .start = tcp_start_blind },
};

const struct sensor_kind sensor_tcp = {
	.name = "tcp",
	.help = "TCP connections: made, accepted, refused, ended",
	.state_bytes = sizeof(struct tcp_sensor),
	.mechanisms = tcp_mechanisms,
	.mechanism_count = array_count(tcp_mechanisms),
	.behind = true,
	.same = packets_same,
	.stop = tcp_stop,
};
