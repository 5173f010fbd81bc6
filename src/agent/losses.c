/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/losses.h"

#include "base/clock.h"
#include "event/metrics.h"

#define LOSSES_LOOK_MS 1000

static const struct {
	enum metric_id metric;
	const char *place, *reason;
} losses_rows[LOSSES_COUNT] = {
	{ METRIC_kmsg_lost, "/dev/kmsg", "the kernel overwrote records before they were read" },
	{ METRIC_kmsg_invalid, "/dev/kmsg", "records could not be parsed" },
	{ METRIC_ring_lost, "BPF ring", "the ring buffer was full" },
	{ METRIC_process_evictions, "identity",
	  "a table was full; see identity.* in the settings" },
	{ METRIC_parked_late, "identity", "events went on without their container's name" },
	{ METRIC_detect_evictions, "detection", "the table of crash histories was full" },
	{ METRIC_tcp_lost, "TCP connections", "their table was full; see tcp.connections" },
	{ METRIC_udp_lost, "UDP traffic", "the table of UDP traffic was full" },
	{ METRIC_udp_owners_lost, "UDP traffic",
	  "the table of sockets' first users was full: theirs has no process" },
	{ METRIC_dns_evictions, "name lookups", "a table of lookups under way was full" },
	{ METRIC_tls_evictions, "TLS handshakes", "the table of those under way was full" },
	{ METRIC_http_evictions, "HTTP requests", "too many waited for their answers" },
	{ METRIC_syscall_lost, "system calls", "the table of counts was full" },
	{ METRIC_statsd_lost, "StatsD", "the socket's queue was full" },
	{ METRIC_statsd_evictions, "StatsD",
	  "too many gauges and sampled counters, or clients that are connected" },
	{ METRIC_osquery_rows_lost, "osquery", "rows were too many, or lacked their number" },
	{ METRIC_commands_lost, "Exec", "too many programs waited for their turn" },
	{ METRIC_files_held, "files", "a process caused more events than files.rate" },
	{ METRIC_files_lost, "files", "too many changes were under way" },
	{ METRIC_files_closes_lost, "files",
	  "too many watched files were open to tell of each when it is closed" },
	{ METRIC_rates_lost, "rates",
	  "the table of processes was full: events came without a limit" },
	{ METRIC_files_overflows, "files",
	  "fanotify's queue was full, each time of unknown events" },
	{ METRIC_files_unmarked, "files",
	  "directories got no mark: see files.max_directories, or the file system takes none" },
	{ METRIC_sink_lost, "sink", "a sink could not take or keep events" },
};

static void losses_tell(struct losses *losses, size_t n, uint64_t total)
{
	struct event event;

	event_init(&event, EVENT_loss, clock_wall_ns(), clock_boot_ns());
	event_text(&event, FIELD_loss_place, slice_of(losses_rows[n].place));
	event_text(&event, FIELD_loss_reason, slice_of(losses_rows[n].reason));
	event_number(&event, FIELD_loss_count, total - losses->told[n]);
	event_number(&event, FIELD_loss_total, total);
	losses->told[n] = total;
	losses->out->emit(losses->out, &event);
}

void losses_look(struct losses *losses)
{
	for (size_t n = 0; n < LOSSES_COUNT; n++) {
		uint64_t total = metrics_total(losses->metrics, losses_rows[n].metric);

		/* A sink that was closed takes its count along. */
		if (total < losses->told[n])
			losses->told[n] = total;
		if (total > losses->told[n])
			losses_tell(losses, n, total);
	}
}

static void losses_on_timer(struct loop_timer *timer)
{
	struct losses *losses = container_of(timer, struct losses, timer);

	losses_look(losses);
	loop_timer_set(losses->loop, &losses->timer, LOSSES_LOOK_MS * NS_PER_MS);
}

void losses_start(struct losses *losses, struct loop *loop, const struct metrics *metrics,
		  struct event_port *out)
{
	*losses = (struct losses){ .loop = loop, .metrics = metrics, .out = out };
	losses->timer.fire = losses_on_timer;
	loop_timer_set(loop, &losses->timer, LOSSES_LOOK_MS * NS_PER_MS);
}

void losses_stop(struct losses *losses)
{
	if (!losses->loop)
		return;
	loop_timer_clear(&losses->timer);
	losses_look(losses);
}
