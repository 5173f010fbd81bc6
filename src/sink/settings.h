/* SPDX-License-Identifier: Apache-2.0 */
/* settings - what a user can set about the places where events go. */
#ifndef SINK_SETTINGS_H
#define SINK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum syslog_destination {
	SYSLOG_default, /* unix, else TCP 127.0.0.1:601, else UDP 127.0.0.1:514 */
	SYSLOG_unix,
	SYSLOG_tcp,
	SYSLOG_udp,
	SYSLOG_tls,
};
enum syslog_rfc { SYSLOG_rfc5424, SYSLOG_rfc3164 };
enum syslog_framing { SYSLOG_octet_counting, SYSLOG_newline };
enum http_body { HTTP_ndjson, HTTP_json_array };

enum s3_compression { S3_gzip, S3_zstd, S3_plain };
enum s3_body { S3_ndjson, S3_json_array };
enum statsd_transport { STATSD_udp, STATSD_tcp };
enum statsd_tags { STATSD_no_tags, STATSD_dogstatsd, STATSD_graphite };
enum otlp_protocol { OTLP_http, OTLP_grpc };
enum otlp_signals { OTLP_both, OTLP_logs, OTLP_metrics };

/* TLS towards a receiver; texts NULL when not set. */
struct tls_settings {
	char *ca_file, *cert_file, *key_file;
};

/* A `format` is an enum event_format; -1 = this sink is off. */
struct sink_settings {
	struct {
		int format;
		int colour; /* 0 auto, 1 always, 2 never */
	} console;
	struct {
		int format;
		char *path;
		uint64_t rotation_count, rotation_bytes; /* 0 = no rotation */
	} file;
	struct {
		int format;
		int destination, framing;
		int rfc;      /* -1: 3164 for this machine's daemon, 5424 for others */
		int facility; /* its number */
		char *path, *server, *local;
		struct tls_settings tls;
	} syslog;
	struct {
		char *url; /* NULL = off */
		int body, format;
		char *token;  /* sent as "Authorization: Bearer" */
		char *header; /* more headers, "Name: value", one a line */
		uint64_t flush_count, flush_ns;
		struct tls_settings tls;
	} http;
	struct {
		char *auth_key; /* NULL = off */
		char *url;
		uint64_t flush_count, flush_ns;
		struct tls_settings tls;
	} polycorder;
	struct {
		char *routing_key; /* NULL = off */
		char *url;
	} pagerduty;
	struct {
		char *bucket;	/* NULL = off */
		char *endpoint; /* NULL: Amazon's for the region */
		char *region;
		char *key; /* template of objects' keys */
		int format, body;
		int compression;
		char *access_key, *secret_key, *session_token; /* NULL: see s3_credentials.h */
		uint64_t flush_count, flush_ns;
		uint64_t object_bytes;			  /* of one, before it is compressed */
		uint64_t multipart_threshold, part_bytes; /* larger ones go in parts */
		struct tls_settings tls;
	} s3;
	struct {
		char *host; /* NULL = off */
		uint64_t port;
		int transport, tags;
		bool use_tags; /* older word for `tags` = dogstatsd */
		char *prefix;
		uint64_t packet_bytes;
	} statsd;
	struct {
		char *endpoint; /* NULL = off */
		int protocol, signals;
		char *header; /* more headers, "Name: value", one a line */
		uint64_t flush_count, flush_ns;
		struct tls_settings tls;
	} otlp;
	struct {
		char *url; /* NULL = off */
		char *subject;
		char *user, *password, *token, *credentials_file;
		int format;
		uint64_t flush_count, flush_ns;
		struct tls_settings tls;
	} nats;
	struct {
		char *directory;
		uint64_t bytes;	  /* of each sink's queue on disk */
		uint64_t sync_ns; /* how long an event may wait for fsync(2) */
	} spool;
};

#endif
