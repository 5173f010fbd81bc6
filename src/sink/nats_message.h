/* SPDX-License-Identifier: Apache-2.0 */
/* nats_message - subjects, and what a JetStream server answers to a message; pure. */
#ifndef SINK_NATS_MESSAGE_H
#define SINK_NATS_MESSAGE_H

#include "event/event.h"
#include "sink/courier.h"

/* Whether the template's names are known, and it makes subjects that one can publish to. */
must_check int nats_check_subject(struct slice template, struct error *err);

/* {kind} is the event's name, {host} and {node} are one word each. */
void nats_put_subject(struct slice template, const struct event *event,
		      const struct event_origin *origin, struct text *out);

/* Reads {"stream":"S","seq":7} or {"error":{"code":503,"err_code":10077,"description":"..."}}. */
enum courier_verdict nats_read_ack(struct slice json, struct error *err);

#endif
