/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp - who sends datagrams to whom, how many and how large.
 *
 * They are counted in the kernel, for each process, socket and peer, and reported once in a while:
 * there is no event for a datagram. Two tables take turns, so that nothing is counted in one while
 * it is read.
 */
#include "sensor/sensor.h"

#include <errno.h>

#include "base/clock.h"
#include "event/metrics.h"
#include "sensor/packet.h"
#include "sensor/socket.h"
#include "sensor/turns.h"

struct udp_sensor {
	const struct sensor_env *env;
	struct programs *programs;
	unsigned int parts;
	struct turns turns;
	struct metric lost, owners_lost;
};

static void udp_on_flow(void *owner, const struct ring_udp_key *key,
			const struct ring_udp_flow *flow)
{
	const struct udp_sensor *udp = owner;
	struct ring_ends ends = {
		.local_port = flow->local_port,
		.peer_port = key->peer_port,
		.cookie = key->cookie,
	};
	struct event event;

	/* Nobody has used the socket: it can't be told whether it is one of those asked for. */
	if (flow->owner.pid == 0 && sensor_needs_owner(udp->env->settings))
		return;
	memcpy(ends.local, flow->local, sizeof(ends.local));
	memcpy(ends.peer, key->peer, sizeof(ends.peer));
	event_init(&event, EVENT_udp_flow, clock_wall_of_boot(flow->last_ns), flow->last_ns);
	socket_put_owner(&event, &flow->owner);
	socket_put_ends(&event, &ends, "udp", RING_ROLE_unknown);
	event_number(&event, FIELD_sent_bytes, flow->sent_bytes);
	event_number(&event, FIELD_received_bytes, flow->received_bytes);
	event_number(&event, FIELD_sent_packets, flow->sent_count);
	event_number(&event, FIELD_received_packets, flow->received_count);
	if (flow->dropped_count)
		event_number(&event, FIELD_dropped_packets, flow->dropped_count);
	event_number(&event, FIELD_duration, flow->last_ns - flow->first_ns);
	udp->env->out->emit(udp->env->out, &event);
}

static void udp_turn(struct turns *turns)
{
	packets_turn(container_of(turns, struct udp_sensor, turns)->programs);
}

static void udp_drain(struct turns *turns)
{
	struct udp_sensor *udp = container_of(turns, struct udp_sensor, turns);

	packets_drain(udp->programs, udp_on_flow, udp);
}

static uint64_t udp_read_lost(const struct metric *metric)
{
	return packets_udp_lost(metric->owner);
}

static uint64_t udp_read_owners_lost(const struct metric *metric)
{
	return packets_udp_owners_lost(metric->owner);
}

static int udp_start_parts(struct sensor *sensor, unsigned int parts, struct error *err)
{
	struct udp_sensor *udp = sensor->state;
	int r;

	if (!sensor->env->settings->watch.udp)
		return error_say(err, ENODATA, "not asked for (see sensors.udp)");
	r = programs_take(&udp->programs, sensor->env, parts, err);
	if (r < 0)
		return r;
	udp->env = sensor->env;
	udp->parts = parts;
	udp->turns.interval_ns = &udp->env->settings->watch.udp_interval_ns;
	udp->turns.turn = udp_turn;
	udp->turns.drain = udp_drain;
	metric_add_read(udp->env->metrics, METRIC_udp_lost, &udp->lost, NULL, udp_read_lost,
			udp->programs);
	metric_add_read(udp->env->metrics, METRIC_udp_owners_lost, &udp->owners_lost, NULL,
			udp_read_owners_lost, udp->programs);
	turns_start(&udp->turns, udp->env->loop);
	return 0;
}

static int udp_start(struct sensor *sensor, struct error *err)
{
	return udp_start_parts(sensor, PACKET_FULL_PARTS | PROGRAMS_drop, err);
}

static int udp_start_calls(struct sensor *sensor, struct error *err)
{
	return udp_start_parts(sensor, PACKET_CALLS_PARTS, err);
}

static int udp_start_blind(struct sensor *sensor, struct error *err)
{
	return udp_start_parts(sensor, PACKET_BLIND_PARTS, err);
}

static void udp_stop(struct sensor *sensor)
{
	struct udp_sensor *udp = sensor->state;

	if (!udp->env)
		return;
	turns_stop(&udp->turns);
	metric_remove(&udp->lost);
	metric_remove(&udp->owners_lost);
	programs_give_back(udp->programs, udp->parts);
}

static const struct sensor_mechanism udp_mechanisms[] = {
	{ .name = PACKET_FULL, .start = udp_start },
	{ .name = PACKET_CALLS, .costs = PACKET_CALLS_COSTS, .start = udp_start_calls },
	{ .name = PACKET_BLIND, .costs = PACKET_BLIND_COSTS, .start = udp_start_blind },
};

const struct sensor_kind sensor_udp = {
	.name = "udp",
	.help = "UDP datagrams, counted for each process and peer",
	.state_bytes = sizeof(struct udp_sensor),
	.mechanisms = udp_mechanisms,
	.mechanism_count = array_count(udp_mechanisms),
	.behind = true,
	.same = packets_same,
	.stop = udp_stop,
};
