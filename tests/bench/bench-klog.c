/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-klog - telling kernel log records apart, against a scan for line ends in the same bytes.
 *
 * The log is made here, in memory: a million records of the usual mix, one in five hundred a crash.
 * A third of the records carry dictionary lines. Prints the medians.
 */
#include <stdio.h>

#include "base/text.h"
#include "bench.h"
#include "sensor/klog/klog.h"

#define BENCH_RECORDS 1000000
#define BENCH_CRASHES 500 /* one in so many */

/* %u each: a number of the record's own. */
static const char *const bench_usual[] = {
	"6,%u,%u,-;usb 1-%u: new high-speed USB device number 4 using xhci_hcd\n"
	" SUBSYSTEM=usb\n DEVICE=c189:131\n",
	"6,%u,%u,-;EXT4-fs (sda%u): mounted filesystem with ordered data mode. Quota mode: none.\n",
	"6,%u,%u,-;IPv6: ADDRCONF(NETDEV_CHANGE): veth%u: link becomes ready\n",
	"4,%u,%u,-;TCP: request_sock_TCP: Possible SYN flooding on port %u. Sending cookies.\n",
	"6,%u,%u,-;docker0: port %u(veth1a2b3c4) entered forwarding state\n",
	"30,%u,%u,-;systemd[1]: session-%u.scope: Deactivated successfully.\n",
	"5,%u,%u,-;audit: type=1400 audit(1795320578.568:%u): apparmor=\"STATUS\" "
	"operation=\"profile_replace\" info=\"same as current profile, skipping\" "
	"profile=\"unconfined\" name=\"/usr/sbin/ntpd\" pid=812 comm=\"apparmor_parser\"\n",
	"6,%u,%u,-;e1000e 0000:00:1f.%u enp0s31f6: NIC Link is Up 1000 Mbps Full Duplex\n"
	" SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.6\n",
	"6,%u,%u,-;[UFW BLOCK] IN=eth0 OUT= MAC=52:54:00:12:34:56 SRC=192.0.2.%u DST=192.0.2.7 "
	"LEN=40 TOS=0x00 PREC=0x00 TTL=243 ID=54321 PROTO=TCP SPT=41234 DPT=23\n",
};
static const char *const bench_crashes[] = {
	"6,%u,%u,-;nginx[%u]: segfault at 7f12 ip 00005581a2b3c4d5 sp 00007ffd12345678 error 4 in "
	"libc.so.6[a45c1,7f1c2b000000+155000] likely on CPU 1 (core 1, socket 0)\n",
	"3,%u,%u,-;Out of memory: Killed process %u (java) total-vm:8123456kB, anon-rss:1234567kB, "
	"file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:3000kB oom_score_adj:0\n",
};

static uint64_t bench_seed = 1;

/* xorshift64: the same log every time. */
static unsigned int bench_random(unsigned int below)
{
	bench_seed ^= bench_seed << 13;
	bench_seed ^= bench_seed >> 7;
	bench_seed ^= bench_seed << 17;
	return (unsigned int)(bench_seed >> 33) % below;
}

static void bench_fill(struct text *log)
{
	for (unsigned int n = 0; n < BENCH_RECORDS; n++) {
		const char *format =
			bench_random(BENCH_CRASHES)
				? bench_usual[bench_random(array_count(bench_usual))]
				: bench_crashes[bench_random(array_count(bench_crashes))];
		char record[512];
		int bytes;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		bytes = snprintf(record, sizeof(record), format, n, n * 37u, bench_random(65535));
#pragma GCC diagnostic pop
		text_put(log, (struct slice){ record, (size_t)bytes });
	}
}

static size_t bench_scan(struct slice rest)
{
	struct slice line;
	size_t lines = 0;

	while (slice_cut(&rest, '\n', &line))
		lines++;
	return lines;
}

static uint64_t bench_events;

static void bench_emit(struct event_port *port, struct event *event)
{
	(void)port;
	(void)event;
	bench_events++;
}

static void bench_klog(struct klog *klog, struct slice rest)
{
	struct kmsg_record record;
	struct slice line;
	char room[KMSG_RECORD_BYTES];

	while (slice_cut(&rest, '\n', &line))
		if (line.at[0] != ' ' && kmsg_parse(line, room, &record))
			klog_take(klog, &record, 1, 1);
	klog_flush(klog);
}

int main(void)
{
	struct event_port port = { bench_emit };
	double scan_s[BENCH_ROUNDS], klog_s[BENCH_ROUNDS], scan, klog_time;
	struct text log = { 0 };
	struct klog *klog;
	struct error err;
	size_t lines = 0;

	if (klog_new(&klog, &port, &err) < 0)
		return 2;
	bench_fill(&log);
	for (size_t n = 0; n < BENCH_ROUNDS; n++) {
		double start = bench_cpu_s();

		lines = bench_scan(text_slice(&log));
		scan_s[n] = bench_cpu_s() - start;
		start = bench_cpu_s();
		bench_klog(klog, text_slice(&log));
		klog_s[n] = bench_cpu_s() - start;
	}
	scan = bench_median(scan_s);
	klog_time = bench_median(klog_s);
	printf("klog %.1f ms, scan %.1f ms: %u records, %zu lines, %.1f MB, %.0f ns a record, %llu "
	       "events a round\n",
	       klog_time * 1e3, scan * 1e3, BENCH_RECORDS, lines, (double)log.bytes / 1e6,
	       klog_time * 1e9 / BENCH_RECORDS, (unsigned long long)bench_events / BENCH_ROUNDS);
	text_done(&log);
	klog_free(klog);
	return 0;
}
