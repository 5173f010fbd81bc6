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
#include "event/metrics.h"
#include "kernel/bpf.h"
#include "sensor/packet.h"
#include "sensor/socket.h"

#define TCP_SWEEP_BYTES 32768 /* as many as the kernel has ready at once */
#define TCP_SWEEP_READS 16    /* then others have their turn */

struct tcp_sensor {
	const struct sensor_env *env;
	struct programs *programs;
	unsigned int parts;
	struct loop_timer sweep_timer;
	size_t sweep; /* which of tcp_sweeps */
	int sweep_fd; /* reads through the connections; -1: waits for the next time */
	struct metric lost;
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

static void tcp_put_traffic(struct event *event, const struct ring_tcp *record)
{
	event_number(event, FIELD_sent_bytes, record->sent_bytes);
	event_number(event, FIELD_received_bytes, record->received_bytes);
	event_number(event, FIELD_sent_packets, record->sent_segments);
	event_number(event, FIELD_received_packets, record->received_segments);
	if (record->duration_ns)
		event_number(event, FIELD_duration, record->duration_ns);
}

static void tcp_put_flow(struct event *event, const struct ring_tcp *record)
{
	tcp_put_traffic(event, record);
	event_number(event, FIELD_tcp_retransmits, record->retransmits);
	tcp_put_rtt(event, record);
}

static void tcp_put_close(struct event *event, const struct ring_tcp *record)
{
	static const char *const ends[RING_TCP_END_COUNT] = {
		[RING_TCP_END_fin] = "fin",
		[RING_TCP_END_reset_local] = "reset_local",
		[RING_TCP_END_reset_peer] = "reset_peer",
		[RING_TCP_END_timeout] = "timeout",
	};

	tcp_put_traffic(event, record);
	if (record->told_sent_bytes || record->told_received_bytes) {
		event_number(event, FIELD_tcp_untold_sent,
			     record->sent_bytes - record->told_sent_bytes);
		event_number(event, FIELD_tcp_untold_received,
			     record->received_bytes - record->told_received_bytes);
	}
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
	[RING_TCP_flow] = { EVENT_tcp_flow, tcp_put_flow },
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

/* --- connections that stay open --- */

/* Those that go through the notes, in slots and in the table. */
static const char *const tcp_sweeps[] = { "on_sweep_slots", "on_sweep" };

/* Takes some of what the kernel side has to say of them. False: that was all. */
static bool tcp_sweep_some(struct tcp_sensor *tcp)
{
	static __attribute__((aligned(8))) char bytes[TCP_SWEEP_BYTES];
	const size_t record_bytes = sizeof(struct ring_tcp);

	for (int n = 0; n < TCP_SWEEP_READS; n++) {
		ssize_t count =
			read(tcp->sweep_fd, bytes, sizeof(bytes) / record_bytes * record_bytes);

		if (count < 0 && errno == EAGAIN)
			continue;
		if (count <= 0)
			return false;
		for (ssize_t at = 0; at + (ssize_t)record_bytes <= count; at += record_bytes)
			tcp_on_record((void *)tcp->env, (const struct ring_head *)(bytes + at));
	}
	return true;
}

static void tcp_on_sweep(struct loop_timer *timer)
{
	struct tcp_sensor *tcp = container_of(timer, struct tcp_sensor, sweep_timer);
	struct error err;

	/* What the ring holds is older. */
	ring_drain(tcp->env->ring);
	for (; tcp->sweep < array_count(tcp_sweeps); tcp->sweep++) {
		if (tcp->sweep_fd < 0)
			tcp->sweep_fd =
				programs_read_begin(tcp->programs, tcp_sweeps[tcp->sweep], &err);
		if (tcp->sweep_fd >= 0 && tcp_sweep_some(tcp)) {
			loop_timer_set(tcp->env->loop, timer, 0);
			return;
		}
		if (tcp->sweep_fd >= 0)
			close(tcp->sweep_fd);
		tcp->sweep_fd = -1;
	}
	tcp->sweep = 0;
	loop_timer_set(tcp->env->loop, timer, tcp->env->settings->watch.tcp_interval_ns);
}

/* --- start and stop --- */

static uint64_t tcp_read_lost(const struct metric *metric)
{
	return packets_tcp_lost(metric->owner);
}

static int tcp_start_parts(struct sensor *sensor, unsigned int parts, struct error *err)
{
	struct tcp_sensor *tcp = sensor->state;
	int r;

	if (!sensor->env->settings->watch.tcp)
		return error_say(err, ENODATA, "not asked for (see sensors.tcp)");
	if (sensor->env->ring)
		ring_handle(sensor->env->ring, RING_tcp, tcp_on_record, (void *)sensor->env);
	r = programs_take(&tcp->programs, sensor->env, parts, err);
	if (r < 0)
		return r;
	tcp->env = sensor->env;
	tcp->parts = parts;
	tcp->sweep_fd = -1;
	tcp->sweep_timer.fire = tcp_on_sweep;
	metric_add_read(tcp->env->metrics, METRIC_tcp_lost, &tcp->lost, NULL, tcp_read_lost,
			tcp->programs);
	if (tcp->env->settings->watch.tcp_interval_ns)
		loop_timer_set(tcp->env->loop, &tcp->sweep_timer,
			       tcp->env->settings->watch.tcp_interval_ns);
	return 0;
}

static int tcp_start(struct sensor *sensor, struct error *err)
{
	return tcp_start_parts(sensor, PROGRAMS_tcp | PROGRAMS_use, err);
}

/* Kernels before 6.4 have no tracepoint where a socket is used. */
static int tcp_start_calls(struct sensor *sensor, struct error *err)
{
	return tcp_start_parts(sensor, PROGRAMS_tcp | PROGRAMS_use_call, err);
}

static int tcp_start_blind(struct sensor *sensor, struct error *err)
{
	return tcp_start_parts(sensor, PROGRAMS_tcp, err);
}

static void tcp_stop(struct sensor *sensor)
{
	struct tcp_sensor *tcp = sensor->state;

	if (sensor->env->ring)
		ring_handle(sensor->env->ring, RING_tcp, NULL, NULL);
	if (!tcp->env)
		return;
	loop_timer_clear(&tcp->sweep_timer);
	if (tcp->sweep_fd >= 0)
		close(tcp->sweep_fd);
	metric_remove(&tcp->lost);
	programs_give_back(tcp->programs, tcp->parts);
}

static const struct sensor_mechanism tcp_mechanisms[] = {
	{ .name = "tp_btf",
	  .costs = "connects that fail before the first packet",
	  .start = tcp_start },
	{ .name = "tp_btf and fentry",
	  .costs = "connects that fail before the first packet; who uses a connection by "
		   "sendfile(2) "
		   "alone",
	  .start = tcp_start_calls },
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
