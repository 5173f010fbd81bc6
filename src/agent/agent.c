/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "kernel/bpf.h"
#include "kernel/cgroup.h"
#include "kernel/guard.h"
#include "kernel/procfs.h"
#include "sensor/programs.h"

/* How often detectors are told the time. */
#define AGENT_TICK_MS 1000

/* --- the way of an event --- */

static void agent_deliver(struct agent *agent, const struct event *event)
{
	for (size_t n = 0; n < agent->sink_count; n++)
		sink_put(&agent->sinks[n], event);
	pipelines_put(&agent->pipelines, event);
}

/* An event that is complete. */
static void agent_pass(struct agent *agent, struct event *event)
{
	bool said = !(agent->program.unsaid >> event->kind & 1) &&
		    agent->settings->detect.mode != DETECT_MODE_detected;

	event->serial = ++agent->serial;
	agent->events[event->kind].value++;
	if (said)
		agent_deliver(agent, event);
	if (agent->detect)
		detect_take(agent->detect, event);
}

/* A detection: it carries its identity already. */
static void agent_on_detection(struct event_port *port, struct event *event)
{
	struct agent *agent = container_of(port, struct agent, detections);

	event->serial = ++agent->serial;
	agent->events[event->kind].value++;
	agent_deliver(agent, event);
}

static bool agent_retry(void *owner, struct event *event, bool last)
{
	struct agent *agent = owner;

	if (identity_enrich(&agent->identity, event) == IDENTITY_wait && !last)
		return false;
	agent_pass(agent, event);
	return true;
}

static void agent_emit(struct event_port *port, struct event *event)
{
	struct agent *agent = container_of(port, struct agent, port);

	/* The kernel log is read at once, the ring on a timer: what has just happened to the
	 * process that the log names may still lie there. */
	if (agent->ring && event_has(event, FIELD_kmsg_sequence))
		ring_drain(agent->ring);
	if (identity_enrich(&agent->identity, event) == IDENTITY_wait &&
	    park_put(&agent->park, event))
		return;
	agent_pass(agent, event);
}

/* The processes of a saved log are not this machine's, and its time is not now. */
static void agent_emit_saved(struct event_port *port, struct event *event)
{
	struct agent *agent = container_of(port, struct agent, port);

	agent_pass(agent, event);
	if (!agent->detect || event->wall_ns < agent->saved_tick_ns)
		return;
	detect_tick(agent->detect, event->wall_ns);
	agent->saved_tick_ns = event->wall_ns + AGENT_TICK_MS * NS_PER_MS;
}

static void agent_on_source_end(void *owner, const struct error *why)
{
	struct agent *agent = owner;

	if (why)
		agent->failed = *why;
	if (agent->detect)
		detect_end(agent->detect);
	loop_stop(agent->loop);
}

static void agent_on_process(struct process_feed *feed, const struct ring_head *head)
{
	identity_record(&container_of(feed, struct agent, feed)->identity, head);
}

static bool agent_is_under(struct process_feed *feed, uint32_t pid, uint32_t above,
			   uint64_t boot_ns)
{
	return processes_is_under(&container_of(feed, struct agent, feed)->identity.processes, pid,
				  above, boot_ns);
}

static void agent_on_container(void *owner, const struct container *container)
{
	(void)container;
	park_retry(&((struct agent *)owner)->park);
}

static void agent_on_group_forgotten(void *owner, uint64_t cgroup_id)
{
	sensor_forget_cgroup(&((struct agent *)owner)->sensor_shared, cgroup_id);
}

static void agent_on_engine_refused(void *owner, const struct error *why)
{
	(void)owner;
	log_warning("%s; its containers may stay nameless", why->text);
}

/* --- start --- */

static struct http_client *agent_http(void *owner, struct error *err)
{
	struct agent *agent = owner;

	if (!agent->http && http_client_new(&agent->http, agent->loop, err) < 0)
		return NULL;
	return agent->http;
}

static void agent_on_end(struct loop_timer *timer)
{
	loop_stop(container_of(timer, struct agent, end)->loop);
}

static void agent_on_term(struct loop_signal *watch)
{
	loop_stop(container_of(watch, struct agent, on_term)->loop);
}

static void agent_on_int(struct loop_signal *watch)
{
	loop_stop(container_of(watch, struct agent, on_int)->loop);
}

static int agent_watch_signals(struct agent *agent, struct error *err)
{
	int r;

	signal(SIGPIPE, SIG_IGN);
	agent->on_term = (struct loop_signal){ .signo = SIGTERM, .arrived = agent_on_term };
	agent->on_int = (struct loop_signal){ .signo = SIGINT, .arrived = agent_on_int };
	r = loop_signal_add(agent->loop, &agent->on_term, err);
	return r < 0 ? r : loop_signal_add(agent->loop, &agent->on_int, err);
}

static uint64_t agent_ring_lost(const struct metric *metric)
{
	return ring_lost(metric->owner, (enum ring_type)metric->index);
}

static void agent_add_ring_metrics(struct agent *agent)
{
	for (size_t n = 0; n < RING_TYPE_COUNT; n++) {
		struct metric *metric = &agent->ring_lost[n];

		metric_add_read(&agent->metrics, METRIC_ring_lost, metric, ring_type_names[n],
				agent_ring_lost, agent->ring);
		metric->index = n;
	}
}

static void agent_add_metrics(struct agent *agent)
{
	struct metrics *metrics = &agent->metrics;

	for (size_t n = 0; n < EVENT_KIND_COUNT; n++)
		metric_add(metrics, METRIC_events, &agent->events[n], event_kinds[n].name);
	if (agent->ring)
		agent_add_ring_metrics(agent);
	metric_add(metrics, METRIC_parked, &agent->park.count, NULL);
	metric_add(metrics, METRIC_parked_late, &agent->park.late, NULL);
	metric_add(metrics, METRIC_processes, &agent->identity.processes.count, NULL);
	metric_add(metrics, METRIC_process_evictions, &agent->identity.processes.evictions,
		   "processes");
	metric_add(metrics, METRIC_process_evictions, &agent->identity.processes.thread_evictions,
		   "threads");
}

static enum ring_hierarchy agent_pick_hierarchy(const struct agent *agent)
{
	auto_text struct text text = { 0 };

	if (procfs_read(agent->proc_fd, (uint32_t)getpid(), "cgroup", 16384, &text) < 0)
		return RING_HIERARCHY_unified;
	return cgroup_pick_hierarchy(text_slice(&text));
}

static int agent_start_identity(struct agent *agent, struct error *err)
{
	struct containers_env env = {
		.loop = agent->loop,
		.metrics = &agent->metrics,
		.limit = agent->settings->containers,
		.proc_fd = agent->proc_fd,
		.hierarchy = agent->sensor_env.hierarchy,
		.sockets = agent->settings->container_sockets,
		.processes = &agent->identity.processes,
		.answered = agent_on_container,
		.forgot = agent_on_group_forgotten,
		.refused = agent_on_engine_refused,
		.owner = agent,
	};

	processes_init(&agent->identity.processes, agent->proc_fd, agent->sensor_env.hierarchy,
		       agent->settings->processes);
	return containers_new(&agent->identity.containers, &env, err);
}

static void agent_on_detect_tick(struct loop_timer *timer)
{
	struct agent *agent = container_of(timer, struct agent, detect_tick);

	detect_tick(agent->detect, clock_wall_ns());
	loop_timer_set(agent->loop, timer, AGENT_TICK_MS * NS_PER_MS);
}

/* With settings as they were, what was learnt of programs so far stays. */
int agent_start_detect(struct agent *agent, struct error *err)
{
	const struct detect_settings *wanted = &agent->settings->detect;
	const struct detect_env env = {
		.settings = &agent->detect_settings,
		.origin = &agent->origin,
		.out = &agent->detections,
		.metrics = &agent->metrics,
	};
	int r;

	if (agent->detect && memcmp(wanted, &agent->detect_settings, sizeof(*wanted)) == 0)
		return 0;
	agent->detect_settings = *wanted;
	detect_free(take_ptr(agent->detect));
	loop_timer_clear(&agent->detect_tick);
	if (wanted->mode == DETECT_MODE_off)
		return 0;
	r = detect_new(&agent->detect, &env, err);
	if (r == 0 && !agent->settings->source)
		loop_timer_set(agent->loop, &agent->detect_tick, AGENT_TICK_MS * NS_PER_MS);
	return r;
}

static bool agent_has_one_sink(const struct agent *agent)
{
	size_t count = agent->sink_count;

	for (const struct pipeline *one = agent->pipelines.first; one; one = one->next)
		count += one->sink_count;
	return count == 1;
}

/* A sink is in trouble, or out of it. */
static void agent_on_sink_news(struct sink *sink, const struct error *news)
{
	struct agent *agent = sink->env->owner;

	if (news->code == 0) {
		log_info("%s", news->text);
		return;
	}
	/* Nobody reads standard output any more, and there is no other reader. */
	if (sink->kind == &sink_console && agent_has_one_sink(agent))
		loop_stop(agent->loop);
	else
		log_warning("%s", news->text);
}

static void agent_on_trouble(void *owner, const struct error *why)
{
	(void)owner;
	log_warning("%s", why->text);
}

int agent_open_sinks(struct agent *agent, struct error *err)
{
	agent->sink_env = (struct sink_env){ agent->loop,
					     agent->metrics.kinds ? &agent->metrics : NULL,
					     &agent->origin,
					     &agent->settings->sinks,
					     agent_http,
					     agent,
					     NULL };
	for (size_t n = 0; n < sink_kind_count; n++) {
		int r;

		if (!sink_kinds[n]->wanted(&agent->settings->sinks))
			continue;
		r = sink_open(&agent->sinks[agent->sink_count], sink_kinds[n], &agent->sink_env,
			      err);
		if (r < 0)
			return r;
		agent->sinks[agent->sink_count++].report = agent_on_sink_news;
	}
	return pipelines_open(&agent->pipelines, &agent->settings->pipelines,
			      &(struct pipelines_env){ agent->sink_env, agent_on_sink_news,
						       agent_on_trouble, &agent->serial },
			      err);
}

static int agent_make_sensor_env(struct agent *agent, struct error *err)
{
	const char *key;
	int r;

	agent_use_sensor_settings(agent, agent->settings);
	agent->sensor_env = (struct sensor_env){
		.loop = agent->loop,
		.metrics = &agent->metrics,
		.out = &agent->port,
		.processes = &agent->feed,
		.ring = agent->ring,
		.ring_refused = agent->ring_refused.text,
		.proc_fd = agent->proc_fd,
		.hierarchy = agent_pick_hierarchy(agent),
		.settings = &agent->sensor_settings,
		.ended = agent_on_source_end,
		.trouble = agent_on_trouble,
		.owner = agent,
		.shared = &agent->sensor_shared,
	};
	/* The kernel side is told once: a reload changes nothing of it. */
	r = scope_parse(&agent->sensor_settings.scope, &agent->settings->scope, &key, err);
	if (r < 0)
		return r;
	return scope_find_cgroups(&agent->sensor_settings.scope, agent->sensor_env.hierarchy, err);
}

/* Two agents on one kernel would report everything twice. One that watches a few processes only is
 * no rival. */
static int agent_take_guard(struct agent *agent, struct error *err)
{
	struct error why;
	int fd;

	if (agent->settings->allow_second || agent->settings->only_under)
		return 0;
	fd = guard_take(agent->origin.program, &why);
	if (fd == -EBUSY) {
		*err = why;
		return fd;
	}
	if (fd < 0)
		log_warning("can't tell whether another instance runs: %s", why.text);
	agent->guard_fd = fd;
	return 0;
}

/* The one sensor of a saved log; without it there is nothing to do. */
static int agent_start_saved(struct agent *agent, struct error *err)
{
	static const struct sensor_kind *const kinds[] = { &sensor_source, NULL };
	int r = agent_start_sensors(agent, kinds, false, err);

	if (r == 0 && !agent->sensors[0].taken)
		r = error_say(err, EINVAL, "%.*s",
			      SLICE_ARG(slice_trim(text_slice(&agent->sensors[0].refused))));
	if (r == 0)
		agent_on_started(agent);
	return r;
}

static int agent_start_parts(struct agent *agent, struct error *err)
{
	bool live = !agent->settings->source;
	int r = live ? agent_start_identity(agent, err) : 0;

	agent_add_metrics(agent);
	if (r == 0)
		r = agent_watch_signals(agent, err);
	if (r == 0)
		r = agent_open_sinks(agent, err);
	if (r == 0)
		r = agent_start_detect(agent, err);
	if (r == 0)
		r = live ? agent_start_live(agent, err) : agent_start_saved(agent, err);
	if (r < 0)
		return r;
	losses_start(&agent->losses, agent->loop, &agent->metrics, &agent->port);
	agent_serve(agent);
	return 0;
}

/* What reading this kernel takes. */
static int agent_open_kernel(struct agent *agent, struct error *err)
{
	int r = agent_take_guard(agent, err);

	if (r == 0)
		r = procfs_open(agent->settings->proc_root, err);
	if (r < 0)
		return r;
	agent->proc_fd = r;
	bpf_setup();
	if (ring_new(&agent->ring, agent->loop, agent->settings->ring_bytes, &agent->ring_refused) <
	    0)
		agent->ring = NULL;
	return 0;
}

int agent_start(struct agent *agent, const struct agent_program *program,
		const struct agent_settings *settings, struct error *err)
{
	int r;

	*agent = (struct agent){
		.settings = settings, .program = *program, .proc_fd = -1, .guard_fd = -1
	};
	for (size_t n = 0; n < SOCKET_MAP_COUNT; n++)
		agent->sensor_shared.socket_map_fds[n] = -1;
	agent->sensor_shared.cgroups_told_fd = -1;
	agent->start_behind.run = agent_start_behind;
	agent->port.emit = settings->source ? agent_emit_saved : agent_emit;
	agent->detections.emit = agent_on_detection;
	agent->detect_tick.fire = agent_on_detect_tick;
	agent->feed.record = agent_on_process;
	agent->feed.is_under = agent_is_under;
	agent->end.fire = agent_on_end;
	agent_init_origin(agent, program);
	metrics_init(&agent->metrics, metric_kinds, METRIC_COUNT);
	r = loop_new(&agent->loop, err);
	if (r < 0)
		return r;
	park_init(&agent->park, agent->loop, settings->park_ns, agent_retry, agent);
	if (!settings->source)
		r = agent_open_kernel(agent, err);
	if (r < 0)
		return r;
	r = agent_make_sensor_env(agent, err);
	if (r == 0)
		r = agent_start_parts(agent, err);
	if (r == 0 && settings->run_ns)
		loop_timer_set(agent->loop, &agent->end, settings->run_ns);
	return r;
}

static bool agent_sinks_busy(const struct agent *agent)
{
	for (size_t n = 0; n < agent->sink_count; n++)
		if (sink_busy(&agent->sinks[n]))
			return true;
	return pipelines_busy(&agent->pipelines);
}

/* Gives what waits a moment to get through; what doesn't stays on disk for the next start. */
static void agent_drain_sinks(struct agent *agent)
{
	uint64_t until = clock_mono_ns() + agent->settings->drain_ns;

	for (size_t n = 0; n < agent->sink_count; n++)
		sink_flush(&agent->sinks[n]);
	pipelines_flush(&agent->pipelines);
	while (agent_sinks_busy(agent) && clock_mono_ns() < until)
		if (loop_turn(agent->loop, 50, NULL) < 0)
			return;
}

void agent_close_sinks(struct agent *agent)
{
	while (agent->sink_count)
		sink_close(&agent->sinks[--agent->sink_count]);
	pipelines_close(&agent->pipelines);
}

int agent_run(struct agent *agent, struct error *err)
{
	int r = loop_run(agent->loop, err);

	if (r == 0 && agent->failed.code)
		*err = agent->failed;
	return r < 0 ? r : -agent->failed.code;
}

void agent_stop(struct agent *agent)
{
	if (!agent->loop)
		return;
	if (agent->ring)
		ring_drain(agent->ring);
	if (agent->losses.loop)
		losses_look(&agent->losses);
	while (agent->sensor_count)
		sensor_stop(&agent->sensors[--agent->sensor_count]);
	programs_done(&agent->sensor_shared);
	loop_undefer(&agent->start_behind);
	park_done(&agent->park);
	losses_stop(&agent->losses);
	loop_timer_clear(&agent->detect_tick);
	detect_free(agent->detect);
	agent_drain_sinks(agent);
	agent_close_sinks(agent);
	serve_free(agent->serve);
	containers_free(agent->identity.containers);
	processes_done(&agent->identity.processes);
	ring_free(agent->ring);
	http_client_free(agent->http);
	if (agent->proc_fd >= 0)
		close(agent->proc_fd);
	if (agent->guard_fd >= 0)
		close(agent->guard_fd);
	loop_free(agent->loop);
	metrics_done(&agent->metrics);
}
