/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syslog_message - events as syslog messages, RFC 5424 or RFC 3164; pure.
 *
 * A message is one line without a line end: whatever an event holds, it can't begin a second one.
 */
#ifndef SINK_SYSLOG_MESSAGE_H
#define SINK_SYSLOG_MESSAGE_H

#include "event/encode.h"
#include "sink/settings.h"

#include <sys/types.h>

struct syslog_format {
	enum syslog_rfc rfc;
	bool local; /* for a daemon on this machine: RFC 3164 without the host, as syslog(3) */
	unsigned int facility;
	pid_t pid;
	enum event_format format; /* of what follows the head; text: a sentence */
};

/* RFC 5424's APP-NAME, PROCID and so on; the event's fields are structured data. */
void syslog_put_message(const struct syslog_format *format, const struct event *event,
			const struct event_origin *origin, struct text *out);

/* One frame of a stream: "<bytes> <message>" (RFC 6587 3.4.1, RFC 5425), or the message and a line
 * end (RFC 6587 3.4.2). */
void syslog_put_frame(enum syslog_framing framing, struct slice message, struct text *out);

#endif
