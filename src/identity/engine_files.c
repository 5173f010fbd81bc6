/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_files - what engines leave on disk: asked last, when no socket knows the container.
 *
 * Podman mostly runs without a socket, `ctr` has no interface that tells names, and an agent may
 * not be let near a socket. A container's monitor says where its bundle is, wherever the engine
 * keeps its state (and for any --root); without one the engines' default places are tried. The
 * storage's containers.json is the oldest and steadiest of Podman's files: the labels and the rest
 * are in its database, whose layout changed twice. Only files of root's are read.
 */
#include "identity/engine.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"

#define FILES_BYTES (1u << 20) /* of each; larger ones are left alone */

#define FILES_TASKS   "io.containerd.runtime.v2.task/"
#define FILES_STORAGE "/var/lib/containers/storage/overlay-containers/"

struct file_place {
	const char *runtime;
	const char *before, *after; /* the id; after NULL: there is none in the path */
	bool (*parse)(struct container *container, struct slice text);
};

/* clang-format off: one row a line */
static const struct file_place file_places[] = {
	{ "docker", "/var/lib/docker/containers/", "/config.v2.json", container_parse_docker },
	{ "podman", FILES_STORAGE "containers.json", NULL, container_parse_storage },
	{ "cri-o", "/run/containers/storage/overlay-containers/", "/userdata/config.json",
	  container_parse_bundle },
	{ "containerd", "/run/containerd/" FILES_TASKS "k8s.io/", "/config.json",
	  container_parse_bundle },
	{ "containerd", "/run/containerd/" FILES_TASKS "default/", "/config.json",
	  container_parse_bundle },
	{ "containerd", "/run/k3s/containerd/" FILES_TASKS "k8s.io/", "/config.json",
	  container_parse_bundle },
	{ "nerdctl", "/run/containerd/" FILES_TASKS "default/", "/config.json",
	  container_parse_bundle },
};
/* clang-format on */

struct files_work {
	struct loop_deferred run;
	struct engine_question *question;
};

/* Not through a pipe or a device: opening one could wait for ever. */
static bool files_parse(struct container *container, const char *path,
			bool (*parse)(struct container *, struct slice))
{
	auto_text struct text text = { 0 };
	struct stat stat_;

	if (stat(path, &stat_) < 0 || !S_ISREG(stat_.st_mode) || stat_.st_uid != 0)
		return false;
	if (file_read(path, FILES_BYTES, &text, NULL) < 0)
		return false;
	return parse(container, text_slice(&text));
}

static bool files_beside(const struct engine_question *question, const char *file,
			 bool (*parse)(struct container *, struct slice))
{
	char path[MONITOR_PATH_BYTES + 32];

	if (question->monitor.bundle[0] == '\0')
		return false;
	snprintf(path, sizeof(path), "%s/%s", question->monitor.bundle, file);
	return files_parse(question->container, path, parse);
}

/* Where the control group doesn't say who runs it, the monitor does. */
static void files_set_runtime(struct container *container, enum monitor_kind kind)
{
	if (strcmp(container->runtime, CONTAINER_RUNTIME_UNKNOWN) != 0)
		return;
	if (kind == MONITOR_shim)
		container->runtime = "containerd";
	else if (kind == MONITOR_conmon)
		container->runtime = container->pod_name ? "cri-o" : "podman";
}

static bool files_of_monitor(const struct engine_question *question)
{
	const struct container_monitor *monitor = &question->monitor;
	struct container *container = question->container;

	files_beside(question, "config.json", container_parse_bundle);
	if (monitor->kind == MONITOR_conmon) {
		files_beside(question, "../../containers.json", container_parse_storage);
		/* What CRI-O calls it there is put together from the pod's name and others. */
		if (!container->pod_name)
			container_set(&container->name, slice_of(monitor->name));
	}
	files_set_runtime(container, monitor->kind);
	container_set(&container->name,
		      slice_of(container->pod_container ? container->pod_container : ""));
	return container->name || container->image || container->pod_name;
}

static bool files_of_place(struct container *container, const struct file_place *place)
{
	char path[256 + CONTAINER_ID_BYTES];

	snprintf(path, sizeof(path), "%s%s%s", place->before, place->after ? container->id : "",
		 place->after ? place->after : "");
	if (!files_parse(container, path, place->parse))
		return false;
	container->runtime = place->runtime;
	container_set(&container->name,
		      slice_of(container->pod_container ? container->pod_container : ""));
	return true;
}

static void files_on_run(struct loop_deferred *deferred)
{
	struct files_work *work = container_of(deferred, struct files_work, run);
	struct container *container = work->question->container;
	bool any = strcmp(container->runtime, CONTAINER_RUNTIME_UNKNOWN) == 0;
	bool found = files_of_monitor(work->question);

	for (size_t n = 0; n < array_count(file_places) && !found; n++)
		if (any || strcmp(container->runtime, file_places[n].runtime) == 0)
			found = files_of_place(container, &file_places[n]);
	engine_answer(work->question, found ? ENGINE_known : ENGINE_not_found, NULL);
}

static int files_ask(struct engine *engine, struct engine_question *question, struct error *err)
{
	struct files_work *work = calloc(1, sizeof(*work));

	if (!work)
		return error_errno(err, ENOMEM, "read an engine's files");
	work->run.run = files_on_run;
	work->question = question;
	question->work = work;
	loop_defer(engine_loop(engine), &work->run);
	return 0;
}

static void files_forget(struct engine_question *question)
{
	struct files_work *work = question->work;

	if (work)
		loop_undefer(&work->run);
	free(work);
	question->work = NULL;
}

const struct engine_kind engine_files = {
	.name = "files",
	.ask = files_ask,
	.forget = files_forget,
};
