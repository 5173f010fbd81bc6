/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-ring - records from the kernel through the agent's ring into JSON on /dev/null.
 *
 *	bench-ring BYTES count|json     reads them, RATE a second, that a child causes
 *	bench-ring --call               is such a child by itself; prints how often it called
 */
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench.h"
#include "bpf/scope.h"
#include "event/encode.h"
#include "flood.h"
#include "flood.skel.h"
#include "kernel/bpf.h"
#include "kernel/ring.h"

#define RATE	   5000000
#define SECONDS	   2
#define RING_BYTES (8 << 20)
#define OUT_BYTES  60000

struct reader {
	struct loop *loop;
	struct ring *ring;
	struct loop_child child;
	bool as_json;
	int out_fd;
	uint64_t count;
	struct text text;
};

static void check(int r, const struct error *err)
{
	if (r >= 0)
		return;
	fprintf(stderr, "bench-ring: %s\n", err->text);
	exit(1);
}

static void write_out(struct reader *reader)
{
	if (write(reader->out_fd, reader->text.at, reader->text.bytes) < 0)
		abort();
	text_clear(&reader->text);
}

static void put_json(struct reader *reader, const struct ring_exit *record)
{
	static const struct event_origin origin = {
		.host = "bench",
		.run_id = "0123456789abcdef",
		.program = "bench",
		.version = "0",
	};
	const struct ring_head *head = &record->head;
	struct event event;

	event_init(&event, EVENT_process_exit, head->boot_ns, reader->count);
	event.serial = reader->count;
	event_number(&event, FIELD_pid, head->pid);
	event_number(&event, FIELD_tid, head->tid);
	event_number(&event, FIELD_uid, head->uid);
	event_number(&event, FIELD_exit_code, record->exit_code);
	event_text(&event, FIELD_comm,
		   (struct slice){ head->comm, strnlen(head->comm, sizeof(head->comm)) });
	event_put_json(&event, &origin, &reader->text);
	text_putc(&reader->text, '\n');
	if (reader->text.bytes > OUT_BYTES)
		write_out(reader);
}

static void on_record(void *owner, const struct ring_head *head)
{
	struct reader *reader = owner;

	reader->count++;
	if (reader->as_json)
		put_json(reader, container_of(head, struct ring_exit, head));
}

/* --- who causes them --- */

/* Calls at an even pace; returns how many. */
static uint64_t call_paced(void)
{
	uint64_t start = clock_mono_ns(), now = start, calls = 0;

	while (now < start + SECONDS * NS_PER_S) {
		syscall(SYS_getppid);
		calls++;
		while ((now = clock_mono_ns()) < start + calls * NS_PER_S / (RATE / FLOOD_BATCH))
			;
	}
	return calls;
}

static pid_t start_caller(int *ret_go_fd)
{
	int ends[2];
	pid_t pid;
	char c;

	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		if (read(ends[0], &c, 1) == 0)
			call_paced();
		_exit(0);
	}
	close(ends[0]);
	*ret_go_fd = ends[1];
	return pid;
}

static void on_ended(struct loop_child *child, int status)
{
	struct reader *reader = container_of(child, struct reader, child);

	(void)status;
	loop_stop(reader->loop);
}

/* --- */

static struct flood_bpf *load(struct reader *reader, pid_t pid, uint32_t bytes)
{
	struct flood_bpf *bpf = flood_bpf__open();
	struct error err;

	if (!bpf)
		abort();
	bpf->rodata->flood_pid = (uint32_t)pid;
	bpf->rodata->flood_bytes = bytes;
	bpf->rodata->flood_call = SYS_getppid;
	bpf->rodata->ring_half_bytes = ring_half_bytes(reader->ring);
	check(ring_share(reader->ring, bpf->maps.ring, bpf->maps.ring_state, &err), &err);
	if (flood_bpf__load(bpf) < 0 || flood_bpf__attach(bpf) < 0)
		check(bpf_error(&err, errno, "load"), &err);
	return bpf;
}

static void read_all(struct reader *reader, uint32_t bytes)
{
	struct error err;
	struct flood_bpf *bpf;
	uint64_t seen;
	double start;
	int go_fd;

	bpf_setup();
	check(loop_new(&reader->loop, &err), &err);
	check(ring_new(&reader->ring, reader->loop, RING_BYTES, &err), &err);
	ring_handle(reader->ring, RING_exit, on_record, reader);
	reader->child.pid = start_caller(&go_fd);
	reader->child.ended = on_ended;
	check(loop_child_add(reader->loop, &reader->child, &err), &err);
	bpf = load(reader, reader->child.pid, bytes);
	start = bench_cpu_s();
	close(go_fd);
	check(loop_run(reader->loop, &err), &err);
	do {
		seen = reader->count;
		ring_drain(reader->ring);
	} while (reader->count != seen);
	printf("million %.3f cpu_us %.4f lost %llu\n", (double)reader->count / SECONDS / 1e6,
	       (bench_cpu_s() - start) / (double)reader->count * 1e6,
	       (unsigned long long)ring_lost(reader->ring, RING_exit));
	flood_bpf__destroy(bpf);
	ring_free(reader->ring);
	loop_free(reader->loop);
	text_done(&reader->text);
}

int main(int argc, char **argv)
{
	struct reader reader = { .out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC) };

	if (argc == 2 && strcmp(argv[1], "--call") == 0) {
		printf("%llu\n", (unsigned long long)call_paced());
		return 0;
	}
	if (argc != 3) {
		fputs("usage: bench-ring BYTES count|json | --call\n", stderr);
		return 2;
	}
	reader.as_json = strcmp(argv[2], "json") == 0;
	read_all(&reader, (uint32_t)strtoul(argv[1], NULL, 10));
	return 0;
}
