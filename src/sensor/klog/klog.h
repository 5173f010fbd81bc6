/* SPDX-License-Identifier: Apache-2.0 */
/*
 * klog - what the kernel's messages mean: log records in, events out.
 *
 * Pure: it reads no file and no clock. Most records mean nothing to us and are told apart in some
 * fifty nanoseconds. Reports of several lines (a register dump, an oops) are gathered and become
 * one event when they end: with a record that isn't theirs, or when klog_flush() is called.
 */
#ifndef SENSOR_KLOG_KLOG_H
#define SENSOR_KLOG_KLOG_H

#include "base/error.h"
#include "event/event.h"
#include "kernel/kmsg.h"

struct klog;

must_check int klog_new(struct klog **ret_klog, struct event_port *out, struct error *err);
void klog_free(struct klog *klog);

/* One record. `wall_ns` and `boot_ns` say when (0: not known). */
void klog_take(struct klog *klog, const struct kmsg_record *record, uint64_t wall_ns,
	       uint64_t boot_ns);

/* Whether a report waits for more lines: then call klog_flush() after a moment of silence. */
bool klog_is_open(const struct klog *klog);
void klog_flush(struct klog *klog);

/* How many messages the kernel has said it held back. */
uint64_t klog_suppressed(const struct klog *klog);

#endif
