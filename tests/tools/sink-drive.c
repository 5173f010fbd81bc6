/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink-drive - opens the sinks that the settings ask for, and puts made-up events into them.
 *
 *	sink-drive [-n COUNT] [-r PER_SECOND] [-t SECONDS] [-w] [-a FILE] -- BULWARK_OPTION...
 *
 * Ends when all events were put and no sink is busy; with -w, when nothing waits for delivery any
 * more; in any case after -t seconds (10), or on SIGTERM. -a: appends the id of each event to the
 * file once the sinks have it. SIGHUP reopens. At the end it says on standard error what each sink
 * has counted; troubles are said as they come.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/random.h>

#include "agent/settings.h"
#include "base/clock.h"
#include "base/file.h"
#include "sink/sink.h"

#define DRIVE_SINKS   16
#define DRIVE_PORTION 64 /* events in one turn of the loop, when as fast as possible */

struct drive {
	struct agent_settings values;
	struct settings settings;
	struct metrics metrics;
	struct loop *loop;
	struct http_client *http;
	struct event_origin origin;
	struct sink_env env;
	struct sink sinks[DRIVE_SINKS];
	size_t sink_count;
	struct loop_signal on_term, on_hup;
	uint64_t put, limit, per_second, start_ns, end_ns;
	int accepted_fd;
	bool wait, stopped;
};

static struct drive drive = { .limit = 1, .accepted_fd = -1 };

static void drive_die(const struct error *err)
{
	fprintf(stderr, "sink-drive: %s\n", err->text);
	exit(1);
}

/* --- events --- */

static void make_trap(struct event *event, uint64_t n)
{
	event_text(event, FIELD_comm, n % 8 < 4 ? SLICE("x dhost=db01") : SLICE("we]i\"rd\\\n"));
	event_number(event, FIELD_pid, 1000 + n);
	event_text(event, FIELD_kmsg_level, SLICE("info"));
	event_text(event, FIELD_kmsg_text,
		   SLICE("x[1]: segfault at 10 ip 00005581 sp 00007ffc error 6 in x[5581+1000]"));
	event_text(event, FIELD_trap, SLICE("segfault"));
	event_signal(event, SIGSEGV);
	event_number(event, FIELD_fault_address, n * 16);
	event_number(event, FIELD_fault_ip, 0xffffffffff600000);
	event_number(event, FIELD_fault_sp, 0x7ffc00000000);
	event_number(event, FIELD_fault_code, 6);
	event_text(event, FIELD_module, SLICE("x"));
	event_text(event, FIELD_pod_name, SLICE("web-0"));
}

static void make_suppressed(struct event *event, uint64_t n)
{
	event_text(event, FIELD_kmsg_level, SLICE("warning"));
	event_text(event, FIELD_suppressed_function, SLICE("show_signal_msg"));
	event_number(event, FIELD_suppressed_count, n);
}

static void make_probe(struct event *event, uint64_t n)
{
	event_text(event, FIELD_comm, SLICE("nginx"));
	event_text(event, FIELD_detection_register, SLICE("RIP"));
	event_text(event, FIELD_detection_reason, SLICE("nginx crashes at 12 places in a row"));
	event_printf(event, FIELD_detection_key, "register_probe/nginx/%llu",
		     (unsigned long long)(n / 8));
	event_text(event, FIELD_detection_state, n % 8 == 7 ? SLICE("resolved") : SLICE("raised"));
	event_number(event, FIELD_detection_count, 12);
}

static void make_exec(struct event *event, uint64_t n)
{
	event_text(event, FIELD_comm, SLICE("sh"));
	event_number(event, FIELD_pid, n);
	event_text(event, FIELD_command_line, SLICE("sh -c 'echo hello'"));
}

static const struct {
	enum event_kind kind;
	void (*make)(struct event *event, uint64_t n);
} makers[] = {
	{ EVENT_process_exec, make_exec },
	{ EVENT_kmsg_suppressed, make_suppressed },
	{ EVENT_register_probe, make_probe },
	{ EVENT_process_trap, make_trap },
};

static void drive_put(void)
{
	static struct event event;
	size_t maker = drive.put % array_count(makers);
	auto_text struct text id = { 0 };

	event_init(&event, makers[maker].kind, clock_wall_ns(), clock_boot_ns());
	event.serial = ++drive.put;
	makers[maker].make(&event, drive.put);
	for (size_t n = 0; n < drive.sink_count; n++)
		sink_put(&drive.sinks[n], &event);
	event_put_id(&event, &drive.origin, &id);
	text_putc(&id, '\n');
	if (drive.accepted_fd >= 0 && file_write_all(drive.accepted_fd, text_slice(&id)) < 0)
		exit(1);
}

/* --- the program --- */

static struct http_client *drive_http(void *owner, struct error *err)
{
	(void)owner;
	if (!drive.http && http_client_new(&drive.http, drive.loop, err) < 0)
		return NULL;
	return drive.http;
}

static void drive_report(struct sink *sink, const struct error *news)
{
	(void)sink;
	fprintf(stderr, "%s: %s\n", news->code ? "trouble" : "well", news->text);
}

static void drive_on_term(struct loop_signal *watch)
{
	(void)watch;
	drive.stopped = true;
}

static void drive_on_hup(struct loop_signal *watch)
{
	(void)watch;
	for (size_t n = 0; n < drive.sink_count; n++)
		sink_reopen(&drive.sinks[n]);
}

static uint64_t drive_number(const char *words)
{
	uint64_t number;

	if (!slice_u64(slice_of(words), &number)) {
		fprintf(stderr, "sink-drive: '%s' is no number\n", words);
		exit(2);
	}
	return number;
}

/* Our own options; the index of the first of bulwark's. */
static int drive_read_own(int argc, char **argv)
{
	uint64_t seconds = 10;
	int option;

	while ((option = getopt(argc, argv, "+n:r:t:wa:")) >= 0) {
		if (option == 'n')
			drive.limit = drive_number(optarg);
		else if (option == 'r')
			drive.per_second = drive_number(optarg);
		else if (option == 't')
			seconds = drive_number(optarg);
		else if (option == 'w')
			drive.wait = true;
		else if (option == 'a')
			drive.accepted_fd =
				open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		else
			exit(2);
	}
	drive.start_ns = clock_mono_ns();
	drive.end_ns = drive.start_ns + seconds * NS_PER_S;
	return optind;
}

static void drive_read_settings(int argc, char **argv, int at)
{
	static struct settings_table table;
	struct error err;
	int rest, r;

	table = agent_settings_table("bulwark", PROGRAM_bulwark);
	argv[at - 1] = argv[0];
	r = settings_init(&drive.settings, &table, &drive.values, &err);
	optind = 0; /* getopt(3) starts anew */
	if (r == 0)
		r = settings_read_options(&drive.settings, argc - at + 1, argv + at - 1, &rest,
					  &err);
	if (r == 0)
		r = settings_read_environment(&drive.settings, &err);
	if (r == 0)
		r = settings_check(&drive.settings, &err);
	if (r < 0)
		drive_die(&err);
}

static void drive_start(void)
{
	struct error err;
	uint64_t run;

	signal(SIGPIPE, SIG_IGN);
	if (getrandom(&run, sizeof(run), 0) != sizeof(run))
		exit(1);
	drive.origin.program = "sink-drive";
	drive.origin.version = "1.0";
	snprintf(drive.origin.run_id, sizeof(drive.origin.run_id), "%016llx",
		 (unsigned long long)run);
	slice_copy(SLICE("testhost"), drive.origin.host, sizeof(drive.origin.host));
	slice_copy(slice_of(drive.values.node_id), drive.origin.node_id,
		   sizeof(drive.origin.node_id));
	metrics_init(&drive.metrics, metric_kinds, METRIC_COUNT);
	if (loop_new(&drive.loop, &err) < 0)
		drive_die(&err);
	drive.on_term = (struct loop_signal){ .signo = SIGTERM, .arrived = drive_on_term };
	drive.on_hup = (struct loop_signal){ .signo = SIGHUP, .arrived = drive_on_hup };
	if (loop_signal_add(drive.loop, &drive.on_term, &err) < 0 ||
	    loop_signal_add(drive.loop, &drive.on_hup, &err) < 0)
		drive_die(&err);
	drive.env =
		(struct sink_env){ drive.loop, &drive.metrics, &drive.origin, &drive.values.sinks,
				   drive_http, NULL,	       NULL };
}

static void drive_open_sinks(void)
{
	struct error err;

	for (size_t n = 0; n < sink_kind_count; n++) {
		struct sink *sink = &drive.sinks[drive.sink_count];

		/* The console is bulwark's default; here it is in the way. */
		if (sink_kinds[n] == &sink_console || !sink_kinds[n]->wanted(&drive.values.sinks))
			continue;
		if (sink_open(sink, sink_kinds[n], &drive.env, &err) < 0)
			drive_die(&err);
		sink->report = drive_report;
		drive.sink_count++;
	}
}

static void drive_put_some(void)
{
	uint64_t due = drive.put + DRIVE_PORTION;

	if (drive.per_second)
		due = (clock_mono_ns() - drive.start_ns) * drive.per_second / NS_PER_S + 1;
	while (drive.put < drive.limit && drive.put < due)
		drive_put();
}

static bool drive_is_done(void)
{
	if (drive.stopped || clock_mono_ns() >= drive.end_ns)
		return true;
	if (drive.put < drive.limit)
		return false;
	for (size_t n = 0; n < drive.sink_count; n++)
		if (sink_busy(&drive.sinks[n]))
			return false;
	return !drive.wait || metrics_total(&drive.metrics, METRIC_spool_events) == 0;
}

static void drive_run(void)
{
	bool flushed = false;
	struct error err;

	while (!drive_is_done()) {
		drive_put_some();
		if (drive.put == drive.limit && !flushed) {
			for (size_t n = 0; n < drive.sink_count; n++)
				sink_flush(&drive.sinks[n]);
			flushed = true;
		}
		if (loop_turn(drive.loop, drive.put < drive.limit && !drive.per_second ? 0 : 5,
			      &err) < 0)
			drive_die(&err);
	}
}

static void drive_print(void)
{
	auto_text struct text text = { 0 };
	struct slice rest, line;

	metrics_print(&drive.metrics, &text);
	rest = text_slice(&text);
	while (slice_next(&rest, '\n', &line))
		if (slice_find(line, SLICE("sink=\"")) >= 0)
			fprintf(stderr, "%.*s\n", SLICE_ARG(line));
}

int main(int argc, char **argv)
{
	int at = drive_read_own(argc, argv);

	drive_read_settings(argc, argv, at);
	drive_start();
	drive_open_sinks();
	drive_run();
	drive_print();
	while (drive.sink_count)
		sink_close(&drive.sinks[--drive.sink_count]);
	http_client_free(drive.http);
	loop_signal_remove(drive.loop, &drive.on_term);
	loop_signal_remove(drive.loop, &drive.on_hup);
	loop_free(drive.loop);
	metrics_done(&drive.metrics);
	settings_done(&drive.settings);
	return 0;
}
