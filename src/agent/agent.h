/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent - sensors, identity, detectors and sinks on one loop: what every program of the watch is.
 *
 *	sensor -> identity (-> park -> identity) -> detectors -> sinks
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/losses.h"
#include "agent/park.h"
#include "agent/serve.h"
#include "agent/settings.h"
#include "detect/detect.h"
#include "identity/identity.h"
#include "pipeline/pipeline.h"
#include "sensor/sensor.h"
#include "sink/sink.h"

#define AGENT_SENSORS 16
#define AGENT_SINKS   16

struct agent;

struct agent_program {
	const char *name, *version;
	const struct sensor_kind *const *sensors; /* NULL-terminated */
	uint64_t unsaid;			  /* bits: event kinds that no sink gets */
	void (*started)(struct agent *agent);	  /* all sensors have; mostly from the loop */
};

struct agent {
	const struct agent_settings *settings;
	struct event_origin origin;
	struct loop *loop;
	struct metrics metrics;
	struct event_port port;	      /* where sensors emit */
	struct event_port detections; /* where detectors do */
	struct process_feed feed;
	struct identity identity;
	struct park park;
	struct detect_settings detect_settings; /* those in use */
	struct detect *detect;			/* NULL: off */
	struct loop_timer detect_tick;
	struct ring *ring;
	struct error ring_refused;
	struct http_client *http;
	struct serve *serve;
	struct losses losses;
	int proc_fd, guard_fd;
	struct agent_program program;
	uint64_t serial;
	uint64_t saved_tick_ns; /* of a saved log: when detectors are told the time next */
	struct error failed;	/* why the end came; code 0: it was due */
	struct sensor_settings sensor_settings;
	struct sensor_shared sensor_shared;
	struct sensor_env sensor_env;
	struct sensor sensors[AGENT_SENSORS];
	size_t sensor_count;
	bool all_started;		   /* of these */
	struct loop_deferred start_behind; /* of the sensors that the first events don't wait for */
	struct sink_env sink_env;
	struct sink sinks[AGENT_SINKS];
	size_t sink_count;
	struct pipelines pipelines; /* beside these sinks */
	struct loop_timer end;
	struct loop_signal on_term, on_int;
	struct metric events[EVENT_KIND_COUNT];
	struct metric ring_lost[RING_TYPE_COUNT];
};

/* Starts everything; what can't run is left out and said in sensor->refused. Events flow before all
 * sensors have started: `program->started` says when. */
must_check int agent_start(struct agent *agent, const struct agent_program *program,
			   const struct agent_settings *settings, struct error *err);
/* Goes over to other settings: sinks are opened anew, and sensors whose settings are others or that
 * are wanted no more or only now are started anew; the others run on. On failure, also when one
 * that ran would not start any more, the old ones stay. Not before all_started. The new ones must
 * outlive the agent or the next reload. */
must_check int agent_reload(struct agent *agent, const struct agent_settings *settings,
			    struct error *err);
/* Until SIGTERM, SIGINT or the time set. */
must_check int agent_run(struct agent *agent, struct error *err);
/* Drains what waits, and stops; also after a start that failed halfway. */
void agent_stop(struct agent *agent);

/* --- for the agent's own files --- */

void agent_use_sensor_settings(struct agent *agent, const struct agent_settings *settings);
/* Starts one, or lets it stand for one that nobody asks for. */
must_check int agent_start_sensor(struct agent *agent, struct sensor *sensor,
				  const struct sensor_kind *kind, struct error *err);
must_check int agent_start_sensors(struct agent *agent, const struct sensor_kind *const *kinds,
				   bool behind, struct error *err);
void agent_start_behind(struct loop_deferred *deferred);
must_check int agent_start_live(struct agent *agent, struct error *err);
void agent_on_started(struct agent *agent);
must_check int agent_open_sinks(struct agent *agent, struct error *err);
void agent_close_sinks(struct agent *agent);
must_check int agent_start_detect(struct agent *agent, struct error *err);

/* Fills agent->origin. */
void agent_init_origin(struct agent *agent, const struct agent_program *program);

/* Serves /metrics and /healthz. A port that is taken is said, and no reason not to watch. */
void agent_serve(struct agent *agent);

/* The sensors, the mechanism each has taken, what is lost with it, and why better ones failed. */
void agent_print_sensors(const struct agent *agent, struct text *out);

#endif
