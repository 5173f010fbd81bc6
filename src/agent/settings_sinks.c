/* SPDX-License-Identifier: Apache-2.0 */
/* settings_sinks - the part of the settings' table that is about stores of events and numbers, and
 * ingraind's own words for what every program has. */
#include "agent/settings.h"

#include "base/clock.h"
#include "event/encode.h"

#define AT(member)    .at = offsetof(struct agent_settings, member)
#define PIPES	      .programs = PROGRAM_bulwark | PROGRAM_ingraind
#define BULWARK_ONLY  .programs = PROGRAM_bulwark
#define INGRAIND_ONLY .programs = PROGRAM_ingraind

static const char *const s3_compressions[] = { "gzip", "zstd", "none", NULL };
static const char *const s3_bodies[] = { "ndjson", "json-array", NULL };
static const char *const statsd_transports[] = { "udp", "tcp", NULL };
static const char *const statsd_tag_forms[] = { "none", "dogstatsd", "graphite", NULL };
static const char *const otlp_protocols[] = { "http", "grpc", NULL };
static const char *const otlp_signal_names[] = { "both", "logs", "metrics", NULL };

/* clang-format off */
#define TLS_ROWS(name, sink)                                                                       \
	{ .key = name ".ca_file", .type = SETTING_text, AT(sinks.sink.tls.ca_file), PIPES,         \
	  .argument = "PATH",                                                                      \
	  .help = "Certificates that may sign the receiver's, in PEM; without it the system's" },  \
	{ .key = name ".cert_file", .type = SETTING_text, AT(sinks.sink.tls.cert_file), PIPES,     \
	  .argument = "PATH", .needs = name ".key_file",                                           \
	  .help = "The agent's own certificate for the receiver, in PEM" },                        \
	{ .key = name ".key_file", .type = SETTING_text, AT(sinks.sink.tls.key_file), PIPES,       \
	  .argument = "PATH", .needs = name ".cert_file",                                          \
	  .help = "The private key of that certificate, in PEM" },

#define FLUSH_ROWS(name, sink, count, seconds)                                                     \
	{ .key = name ".flush_event_count", .type = SETTING_count, AT(sinks.sink.flush_count),     \
	  PIPES, .fallback = count, .min = 1, .max = 100000,                                       \
	  .help = "Send when so many events wait" },                                               \
	{ .key = name ".interval", .type = SETTING_duration, AT(sinks.sink.flush_ns), PIPES,       \
	  .scale = NS_PER_S, .fallback = seconds, .max = 86400 * NS_PER_S,                         \
	  .help = "Send when an event has waited so long" },

const struct setting agent_sink_rows[] = {
	{ .option = "config", .type = SETTING_text, AT(config_file), INGRAIND_ONLY,
	  .argument = "PATH",
	  .help = "Read settings, probes and pipelines from this TOML file; options take precedence" },
	{ .key = "console.format", .option = "console", .type = SETTING_choice,
	  AT(sinks.console.format), INGRAIND_ONLY, .choices = event_format_names,
	  .help = "Write events to standard output in this format" },
	{ .key = "spool.directory", .option = "spool-directory", .type = SETTING_text,
	  AT(sinks.spool.directory), INGRAIND_ONLY, .fallback = "/var/lib/ingraind/spool",
	  .argument = "PATH",
	  .help = "Events for sinks behind a network wait here until they are delivered" },
	{ .key = "metrics.listen", .option = "listen", .type = SETTING_text, AT(listen),
	  INGRAIND_ONLY, .fallback = "127.0.0.1:9470", .argument = "ADDRESS:PORT",
	  .help = "Serve /metrics and /healthz here; \"off\" for nowhere" },
	{ .key = "http.format", .type = SETTING_choice, AT(sinks.http.format),
	  .programs = PROGRAM_bulwark | PROGRAM_polytect, .choices = event_format_names,
	  .fallback = "json",
	  .help = "The form of an event in what is sent" },
	{ .key = "http.format", .type = SETTING_choice, AT(sinks.http.format), INGRAIND_ONLY,
	  .choices = event_format_names, .fallback = "measurement",
	  .help = "The form of an event in what is sent" },
	{ .key = "http.body", .option = "http-body", .type = SETTING_choice, AT(sinks.http.body),
	  INGRAIND_ONLY, .choices = s3_bodies, .fallback = "json-array", .needs = "http.url",
	  .help = "One event a line, or an array" },

	{ .key = "s3.bucket", .option = "s3-bucket", .type = SETTING_text, AT(sinks.s3.bucket),
	  PIPES, .argument = "NAME",
	  .help = "Store events as objects in this S3 bucket" },
	{ .key = "s3.endpoint", .option = "s3-endpoint", .type = SETTING_text,
	  AT(sinks.s3.endpoint), PIPES, .argument = "URL", .needs = "s3.bucket",
	  .help = "The service; without it $AWS_ENDPOINT_URL, else Amazon's for the region" },
	{ .key = "s3.region", .option = "s3-region", .type = SETTING_text, AT(sinks.s3.region),
	  PIPES, .argument = "NAME",
	  .help = "Its region; without it $AWS_REGION or $AWS_DEFAULT_REGION, else eu-west-2" },
	{ .key = "s3.key", .type = SETTING_text, AT(sinks.s3.key), PIPES,
	  .fallback = "{host}_{ns}-{id}{ext}", .argument = "TEMPLATE",
	  .help = "What objects are called: {host}, {node}, {pipeline}, {program}, {ns}, {id}, {ext}, {year}, {month}, {day}, {hour}, {minute} and {second} are replaced" },
	{ .key = "s3.format", .type = SETTING_choice, AT(sinks.s3.format), BULWARK_ONLY,
	  .choices = event_format_names, .fallback = "json",
	  .help = "The form of an event in an object" },
	{ .key = "s3.format", .type = SETTING_choice, AT(sinks.s3.format), INGRAIND_ONLY,
	  .choices = event_format_names, .fallback = "measurement",
	  .help = "The form of an event in an object" },
	{ .key = "s3.body", .option = "s3-body", .type = SETTING_choice, AT(sinks.s3.body),
	  BULWARK_ONLY, .choices = s3_bodies, .fallback = "ndjson",
	  .help = "One event a line, or an array" },
	{ .key = "s3.body", .option = "s3-body", .type = SETTING_choice, AT(sinks.s3.body),
	  INGRAIND_ONLY, .choices = s3_bodies, .fallback = "json-array",
	  .help = "One event a line, or an array" },
	{ .key = "s3.compression", .type = SETTING_choice, AT(sinks.s3.compression), PIPES,
	  .choices = s3_compressions, .fallback = "gzip",
	  .help = "How objects are compressed" },
	{ .key = "s3.object_size", .type = SETTING_bytes, AT(sinks.s3.object_bytes), PIPES,
	  .fallback = "8M", .min = 64 << 10, .max = 16 << 20,
	  .help = "How large an object may become before it is compressed; no larger than a sixteenth of spool.size" },
	{ .key = "s3.multipart_threshold", .type = SETTING_bytes,
	  AT(sinks.s3.multipart_threshold), PIPES, .fallback = "8M", .min = 5 << 20,
	  .help = "Upload larger objects in parts" },
	{ .key = "s3.part_size", .type = SETTING_bytes, AT(sinks.s3.part_bytes), PIPES,
	  .fallback = "5M", .min = 5 << 20, .max = 16 << 20,
	  .help = "How large such a part is" },
	{ .key = "s3.access_key", .type = SETTING_text, AT(sinks.s3.access_key), PIPES,
	  .argument = "ID", .needs = "s3.secret_key",
	  .help = "Who signs; without it $AWS_ACCESS_KEY_ID, else the role of the container or machine" },
	{ .key = "s3.secret_key", .type = SETTING_secret, AT(sinks.s3.secret_key), PIPES,
	  .argument = "SECRET", .needs = "s3.access_key",
	  .help = "The secret that belongs to it" },
	{ .key = "s3.session_token", .type = SETTING_secret, AT(sinks.s3.session_token), PIPES,
	  .argument = "TOKEN", .needs = "s3.access_key",
	  .help = "The token of temporary keys" },
	FLUSH_ROWS("s3", s3, "100000", "60s")
	TLS_ROWS("s3", s3)

	{ .key = "statsd.host", .option = "statsd", .type = SETTING_text, AT(sinks.statsd.host),
	  PIPES, .argument = "HOST",
	  .help = "Send events as numbers to the StatsD server on this host" },
	{ .key = "statsd.port", .option = "statsd-port", .type = SETTING_count,
	  AT(sinks.statsd.port), PIPES, .fallback = "8125", .min = 1, .max = 65535,
	  .help = "Its port" },
	{ .key = "statsd.transport", .option = "statsd-transport", .type = SETTING_choice,
	  AT(sinks.statsd.transport), PIPES, .choices = statsd_transports, .fallback = "udp",
	  .help = "How to reach it" },
	{ .key = "statsd.tags", .option = "statsd-tags", .type = SETTING_choice,
	  AT(sinks.statsd.tags), PIPES, .choices = statsd_tag_forms, .fallback = "none",
	  .help = "How tags are written, for a server that takes them" },
	{ .key = "statsd.use_tags", .type = SETTING_flag, AT(sinks.statsd.use_tags), PIPES,
	  .help = "The older word for tags = \"dogstatsd\"" },
	{ .key = "statsd.prefix", .type = SETTING_text, AT(sinks.statsd.prefix), PIPES,
	  .fallback = "ingraind.metrics.", .argument = "TEXT",
	  .help = "What every name begins with" },
	{ .key = "statsd.packet_size", .type = SETTING_bytes, AT(sinks.statsd.packet_bytes), PIPES,
	  .fallback = "1432", .min = 128, .max = 65000,
	  .help = "The longest datagram, as the network takes it whole" },

	{ .key = "otlp.endpoint", .option = "otlp", .type = SETTING_text, AT(sinks.otlp.endpoint),
	  PIPES, .argument = "URL",
	  .help = "Send events to this OpenTelemetry receiver, as logs and metrics" },
	{ .key = "otlp.protocol", .option = "otlp-protocol", .type = SETTING_choice,
	  AT(sinks.otlp.protocol), PIPES, .choices = otlp_protocols, .fallback = "http",
	  .help = "Protocol buffers over HTTP, or gRPC" },
	{ .key = "otlp.signals", .option = "otlp-signals", .type = SETTING_choice,
	  AT(sinks.otlp.signals), PIPES, .choices = otlp_signal_names, .fallback = "both",
	  .help = "Send events as logs and measurements as metrics, or all of them as one of these" },
	{ .key = "otlp.header", .type = SETTING_secret, AT(sinks.otlp.header), PIPES,
	  .argument = "NAME: VALUE", .needs = "otlp.endpoint",
	  .help = "One more header to send, such as an API key" },
	FLUSH_ROWS("otlp", otlp, "512", "1s")
	TLS_ROWS("otlp", otlp)

	{ .key = "nats.url", .option = "nats", .type = SETTING_text, AT(sinks.nats.url), PIPES,
	  .argument = "URL,...",
	  .help = "Publish events to a stream of these NATS servers: nats://HOST:4222 or tls://HOST:4222" },
	{ .key = "nats.subject", .option = "nats-subject", .type = SETTING_text,
	  AT(sinks.nats.subject), PIPES, .fallback = "bulwark.{kind}", .argument = "TEMPLATE",
	  .help = "The subject, which a stream has to take; {kind}, {host} and {node} are replaced" },
	{ .key = "nats.user", .type = SETTING_text, AT(sinks.nats.user), PIPES, .argument = "NAME",
	  .needs = "nats.password",
	  .help = "Who we are there" },
	{ .key = "nats.password", .type = SETTING_secret, AT(sinks.nats.password), PIPES,
	  .argument = "WORD", .needs = "nats.user",
	  .help = "The password that belongs to it" },
	{ .key = "nats.token", .type = SETTING_secret, AT(sinks.nats.token), PIPES,
	  .argument = "TOKEN",
	  .help = "A token instead" },
	{ .key = "nats.credentials_file", .type = SETTING_text, AT(sinks.nats.credentials_file),
	  PIPES, .argument = "PATH",
	  .help = "A file with a user's JWT and seed instead" },
	{ .key = "nats.format", .type = SETTING_choice, AT(sinks.nats.format), PIPES,
	  .choices = event_format_names, .fallback = "json",
	  .help = "The form of an event in a message" },
	FLUSH_ROWS("nats", nats, "256", "1s")
	TLS_ROWS("nats", nats)
};
/* clang-format on */
const size_t agent_sink_count = array_count(agent_sink_rows);
