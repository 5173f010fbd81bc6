/* SPDX-License-Identifier: Apache-2.0 */
/* metrics - THE table of what Bulwark counts about itself; docs/metrics.md is printed from it. */
#ifndef EVENT_METRICS_H
#define EVENT_METRICS_H

#include "base/metric.h"

/* clang-format off */
/* X(id, name, type, label or NULL, help) */
#define METRICS(X)                                                                                 \
	X(events, "bulwark_events_total", counter, "kind",                                         \
	  "Events passed on to detectors and sinks")                                               \
	X(kmsg_records, "bulwark_kmsg_records_total", counter, NULL, "Kernel log records read")    \
	X(kmsg_lost, "bulwark_kmsg_lost_total", counter, NULL,                                     \
	  "Kernel log records overwritten before they could be read")                              \
	X(kmsg_invalid, "bulwark_kmsg_invalid_total", counter, NULL,                               \
	  "Kernel log records that could not be parsed")                                           \
	X(kmsg_suppressed, "bulwark_kmsg_suppressed_total", counter, NULL,                         \
	  "Messages that the kernel says it held back")                                            \
	X(ring_lost, "bulwark_ring_lost_total", counter, "record",                                 \
	  "Records that found the BPF ring buffer full")                                           \
	X(processes, "bulwark_identity_processes", gauge, NULL,                                    \
	  "Processes in the table, ended ones included")                                           \
	X(process_evictions, "bulwark_identity_evictions_total", counter, "table",                 \
	  "Entries thrown out because the table was full")                                         \
	X(containers, "bulwark_identity_containers", gauge, NULL, "Containers in the table")       \
	X(container_lookups, "bulwark_identity_lookups_total", counter, "result",                  \
	  "Questions to container engines")                                                        \
	X(parked, "bulwark_parked_events", gauge, NULL, "Events that wait for a container's name") \
	X(parked_late, "bulwark_parked_late_total", counter, NULL,                                 \
	  "Events passed on without a container's name, because it took too long or too many "     \
	  "waited")                                                                                \
	X(detections, "bulwark_detections_total", counter, "kind", "Detections raised")            \
	X(detect_evictions, "bulwark_detect_evictions_total", counter, NULL,                       \
	  "Crash histories thrown out because the table was full")                                 \
	X(detect_programs, "bulwark_detect_programs", gauge, NULL,                                 \
	  "Programs whose crash histories are kept")                                               \
	X(detect_dropped, "bulwark_detect_dropped_total", counter, NULL,                           \
	  "Crashes that had to leave early what a detection can show of events")                   \
	X(pipeline_events, "bulwark_pipeline_events_total", counter, "pipeline",                   \
	  "Events that a pipeline has got")                                                        \
	X(pipeline_dropped, "bulwark_pipeline_dropped_total", counter, "step",                     \
	  "Events that a step of a pipeline has left out, as it was told")                         \
	X(commands_run, "bulwark_commands_run_total", counter, "step",                             \
	  "Programs that a step Exec has started")                                                 \
	X(commands_failed, "bulwark_commands_failed_total", counter, "step",                       \
	  "Programs of a step Exec that could not be started, ended with other than 0, or took "   \
	  "too long")                                                                              \
	X(commands_lost, "bulwark_commands_lost_total", counter, "step",                           \
	  "Programs that a step Exec has not started because too many waited")                     \
	X(sink_events, "bulwark_sink_events_total", counter, "sink", "Events handed to a sink")    \
	X(sink_delivered, "bulwark_sink_delivered_total", counter, "sink",                         \
	  "Events that the sink's receiver has accepted")                                          \
	X(sink_lost, "bulwark_sink_lost_total", counter, "sink",                                   \
	  "Events that the sink had to give up")                                                   \
	X(sink_skipped, "bulwark_sink_skipped_total", counter, "sink",                             \
	  "Events that the sink's protocol has no words for")                                      \
	X(sink_failures, "bulwark_sink_failures_total", counter, "sink",                           \
	  "Attempts at delivery that failed and were repeated")                                    \
	X(sink_recovered, "bulwark_sink_recovered_total", counter, "sink",                         \
	  "Events found on disk at start, left by an earlier run")                                 \
	X(spool_damaged, "bulwark_spool_damaged_total", counter, "sink",                           \
	  "Damaged records found on disk and stepped over")                                        \
	X(spool_bytes, "bulwark_spool_bytes", gauge, "sink", "Bytes waiting on disk")              \
	X(spool_events, "bulwark_spool_events", gauge, "sink", "Events waiting on disk")           \
	X(tcp_lost, "bulwark_tcp_lost_total", counter, NULL,                                       \
	  "Connections told without their process, role and times because their table was full")   \
	X(udp_lost, "bulwark_udp_lost_total", counter, NULL,                                       \
	  "Datagrams not counted because the table of UDP traffic was full")                       \
	X(udp_owners_lost, "bulwark_udp_owners_lost_total", counter, NULL,                         \
	  "Sockets whose first datagrams were told without their process, because the table for "   \
	  "that was full")                                                                         \
	X(dns_messages, "bulwark_dns_messages_total", counter, "result",                           \
	  "DNS messages seen: parsed, malformed, or pieces of a TCP stream given up")              \
	X(dns_evictions, "bulwark_dns_evictions_total", counter, "table",                          \
	  "Questions and TCP streams thrown out because their table was full")                     \
	X(tls_evictions, "bulwark_tls_evictions_total", counter, NULL,                             \
	  "TLS handshakes given up because too many were under way")                               \
	X(http_evictions, "bulwark_http_evictions_total", counter, NULL,                           \
	  "HTTP requests given up because too many waited for their answers")                      \
	X(syscall_lost, "bulwark_syscall_lost_total", counter, NULL,                               \
	  "System calls not counted because the table was full")                                   \
	X(statsd_lines, "bulwark_statsd_lines_total", counter, "result",                           \
	  "Lines of StatsD clients: read or malformed")                                            \
	X(statsd_lost, "bulwark_statsd_lost_total", counter, NULL,                                 \
	  "Datagrams of StatsD clients that found the socket's queue full")                        \
	X(statsd_evictions, "bulwark_statsd_evictions_total", counter, "table",                    \
	  "Gauges and sampled counters forgotten, and connected clients turned out, because there " \
	  "are too many")                                                                          \
	X(statsd_tags_cut, "bulwark_statsd_tags_cut_total", counter, NULL,                         \
	  "Tags of StatsD clients left out because a line had too many")                           \
	X(osquery_runs, "bulwark_osquery_runs_total", counter, "result",                           \
	  "Queries put to osquery: ok or failed")                                                  \
	X(osquery_rows_lost, "bulwark_osquery_rows_lost_total", counter, NULL,                     \
	  "Rows of osquery's that were too many, or lacked their number")                          \
	X(privilege_held, "bulwark_privilege_suppressed_total", counter, NULL,                     \
	  "Privileged calls not told because their process made the same one more than once a second") \
	X(files_held, "bulwark_files_suppressed_total", counter, NULL,                             \
	  "Events of files not told because a process caused more than files.rate")                \
	X(files_lost, "bulwark_files_lost_total", counter, NULL,                                   \
	  "Changes of files not told because too many were under way")                             \
	X(files_closes_lost, "bulwark_files_closes_lost_total", counter, NULL,                     \
	  "Watched files whose closing, with what was read and written, can't be told: too many "  \
	  "were open")                                                                             \
	X(files_overflows, "bulwark_files_overflows_total", counter, NULL,                         \
	  "Times that fanotify's queue was full; each time events of files were lost")             \
	X(files_unmarked, "bulwark_files_unmarked_total", counter, NULL,                           \
	  "Directories and files not watched: beyond files.max_directories, or refused by the "    \
	  "kernel")                                                                                \
	X(files_directories, "bulwark_files_directories", gauge, NULL,                             \
	  "Directories that have a mark of fanotify's")                                            \
	X(rates_lost, "bulwark_rates_lost_total", counter, "sensor",                               \
	  "Events told without regard to how many their process causes, because the table for "   \
	  "that was full")                                                                         \
	X(setting_drifts, "bulwark_setting_drifts_total", counter, NULL,                           \
	  "Kernel settings found changed")
/* clang-format on */

enum metric_id {
#define X(id, ...) METRIC_##id,
	METRICS(X)
#undef X
		METRIC_COUNT
};

extern const struct metric_kind metric_kinds[METRIC_COUNT];

#endif
