/* SPDX-License-Identifier: Apache-2.0 */
/* file_event - what the kernel side tells of a file, in the words of the table of events. */
#ifndef SENSOR_FILE_EVENT_H
#define SENSOR_FILE_EVENT_H

#include "bpf/event.h"
#include "event/event.h"

/* RING_SYSCALLS bytes: what each system call is to bpf/files.bpf.c. */
void file_event_calls(uint8_t *calls);

/* False: a record that isn't one. Texts stay the event's own. */
bool file_event_fill(struct event *event, const struct ring_file *record);

/* What fanotify told, FAN_* as in its masks. */
void file_event_put_mask(struct event *event, uint64_t mask);

#endif
