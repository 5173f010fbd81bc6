/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/syslog_message.h"

#include "base/clock.h"

/* RFC 5424 section 6: what a header field may be long. */
#define SYSLOG_HOST_BYTES 255
#define SYSLOG_APP_BYTES  48
#define SYSLOG_ID_BYTES	  32

/* PRINTUSASCII without blanks, "-" for nothing. */
static void syslog_put_field(struct text *out, struct slice value, size_t limit)
{
	value = slice_first(value, limit);
	text_putc(out, ' ');
	if (value.bytes == 0)
		text_putc(out, '-');
	for (size_t n = 0; n < value.bytes; n++)
		text_putc(out, value.at[n] > ' ' && value.at[n] <= '~' ? value.at[n] : '_');
}

static void syslog_put_priority(const struct syslog_format *format, const struct event *event,
				struct text *out)
{
	text_printf(out, "<%u>", format->facility * 8 + event_severities[event->severity].syslog);
}

static void syslog_put_5424(const struct syslog_format *format, const struct event *event,
			    const struct event_origin *origin, struct text *out)
{
	char time[CLOCK_RFC3339_BYTES], pid[NUMBER_ROOM];
	struct slice process = { pid, 0 };

	process.bytes = (size_t)(number_decimal(pid, (uint64_t)format->pid) - pid);
	clock_rfc3339(time, event->wall_ns);
	syslog_put_priority(format, event, out);
	text_put(out, SLICE("1 "));
	text_put(out, (struct slice){ time, 26 }); /* microseconds: six digits are the limit */
	text_putc(out, 'Z');
	syslog_put_field(out, slice_of(origin->host), SYSLOG_HOST_BYTES);
	syslog_put_field(out, slice_of(origin->program), SYSLOG_APP_BYTES);
	syslog_put_field(out, process, SYSLOG_ID_BYTES);
	syslog_put_field(out, slice_of(event_kinds[event->kind].name), SYSLOG_ID_BYTES);
	text_putc(out, ' ');
	event_put_structured_data(event, origin, out);
	text_putc(out, ' ');
}

/* Local time without a year: that is RFC 3164's only form. */
static void syslog_put_3164(const struct syslog_format *format, const struct event *event,
			    const struct event_origin *origin, struct text *out)
{
	time_t seconds = (time_t)(event->wall_ns / NS_PER_S);
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;

	syslog_put_priority(format, event, out);
	if (!localtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	text_printf(out, "%s %2d %02d:%02d:%02d", months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
	if (!format->local)
		syslog_put_field(out, slice_of(origin->host), SYSLOG_HOST_BYTES);
	text_printf(out, " %s[%d]: ", origin->program, format->pid);
}

void syslog_put_message(const struct syslog_format *format, const struct event *event,
			const struct event_origin *origin, struct text *out)
{
	if (format->rfc == SYSLOG_rfc5424)
		syslog_put_5424(format, event, origin, out);
	else
		syslog_put_3164(format, event, origin, out);
	/* RFC 5424's head has said the rest already. */
	if (format->format == FORMAT_text && format->rfc == SYSLOG_rfc5424)
		event_put_message(event, out);
	else
		event_encoder_of(format->format)(event, origin, out);
}

void syslog_put_frame(enum syslog_framing framing, struct slice message, struct text *out)
{
	if (framing == SYSLOG_octet_counting)
		text_printf(out, "%zu ", message.bytes);
	text_put(out, message);
	if (framing == SYSLOG_newline)
		text_putc(out, '\n');
}
