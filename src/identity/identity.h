/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity - the one answer to "who was that?" for every event, whatever sensor it came from.
 *
 *	pid (or thread id) and moment -> process -> container -> pod
 */
#ifndef IDENTITY_IDENTITY_H
#define IDENTITY_IDENTITY_H

#include "event/event.h"
#include "identity/container.h"
#include "identity/process.h"

struct identity {
	struct processes processes;
	struct containers *containers;
};

enum identity_answer {
	IDENTITY_complete, /* nothing more will be known later */
	IDENTITY_wait,	   /* its container's engine was asked, or its thread isn't known yet */
};

/* A record of the kernel's about processes and control groups. */
void identity_record(struct identity *identity, const struct ring_head *head);

/* Adds who it was to an event that has FIELD_pid. A pid that turns out to be a thread id becomes
 * FIELD_tid. Fields that the sensor has set stay. Texts are borrowed from the tables: they hold
 * until the next record. May be called again for an event that had to wait. */
enum identity_answer identity_enrich(struct identity *identity, struct event *event);

#endif
