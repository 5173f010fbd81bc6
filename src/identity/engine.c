/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/engine.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"

#define ENGINES_MAX	    24
#define ENGINE_LOOK_AGAIN_S 30

struct engines {
	struct engines_env env;
	struct engine all[ENGINES_MAX];
	size_t count;
	struct list waiting, asking;
	size_t asking_count;
	struct loop_deferred pump;
	uint64_t looked_ns, appeared;
	bool named; /* the user said which sockets there are */
};

/* Where the engines put their sockets, the likelier first. */
static const char engine_usual_sockets[] =
	"/run/docker.sock,/var/run/docker.sock,/run/podman/podman.sock,"
	"/run/containerd/containerd.sock,/run/crio/crio.sock,/run/cri-dockerd.sock,"
	"/run/k3s/containerd/containerd.sock,/run/k0s/containerd.sock,"
	"/var/snap/microk8s/common/run/containerd.sock,/run/dockershim.sock";

/* What a socket's path tells of who listens; the first that fits counts. */
struct engine_hint {
	const char *word;
	const struct engine_kind *kind;
	const char *runtime;
};

static const struct engine_hint engine_hints[] = {
	{ "cri-dockerd", &engine_cri, "docker" },
	{ "dockershim", &engine_cri, "docker" },
	{ "containerd.sock", &engine_cri, "containerd" },
	{ "crio.sock", &engine_cri, "cri-o" },
	{ "podman", &engine_docker, "podman" },
	{ "docker", &engine_docker, "docker" },
	{ "containerd", &engine_cri, "containerd" },
	{ "crio", &engine_cri, "cri-o" },
	/* nothing to go by: both are asked */
	{ "", &engine_docker, NULL },
	{ "", &engine_cri, NULL },
};

/* --- the places to ask --- */

static int engines_add(struct engines *engines, const struct engine_kind *kind, struct slice socket,
		       const char *runtime, struct error *err)
{
	struct engine *engine = &engines->all[engines->count];

	if (engines->count == ENGINES_MAX)
		return error_say(err, E2BIG, "too many container sockets; name at most %d",
				 (ENGINES_MAX - 1) / 2);
	*engine = (struct engine){ .kind = kind, .engines = engines, .runtime = runtime };
	if (socket.bytes) {
		engine->socket = strndup(socket.at, socket.bytes);
		if (!engine->socket)
			return error_errno(err, ENOMEM, "add a container socket");
	}
	engines->count++;
	return 0;
}

static int engines_add_socket(struct engines *engines, struct slice socket, struct error *err)
{
	const struct engine_hint *hint = engine_hints;
	const struct engine_hint *end = engine_hints + array_count(engine_hints);
	int r;

	while (slice_find(socket, slice_of(hint->word)) < 0)
		hint++;
	for (;; hint++) {
		r = engines_add(engines, hint->kind, socket, hint->runtime, err);
		if (r < 0 || hint->word[0] != '\0' || hint + 1 == end)
			return r;
		engines->all[engines->count - 1].guess = true;
	}
}

/* One socket may go by two names. */
static bool engines_have(const struct engines *engines, const struct engine *engine,
			 const struct stat *socket)
{
	for (const struct engine *other = engines->all; other < engine; other++)
		if (other->there && other->inode == socket->st_ino &&
		    other->device == socket->st_dev && other->kind == engine->kind)
			return true;
	return false;
}

static void engine_refuse(struct engine *engine, const struct error *err)
{
	const struct engines_env *env = &engine->engines->env;
	struct error why = *err;

	if (engine->failing || engine->guess || !env->refused)
		return;
	engine->failing = true;
	(void)error_wrap(&why, -why.code, "ask '%s' about a container", engine->socket);
	env->refused(env->owner, &why);
}

static void engine_look(struct engine *engine)
{
	struct stat stat_ = { 0 };
	struct error err;
	bool was_there = engine->there;

	engine->there = stat(engine->socket, &stat_) == 0 && S_ISSOCK(stat_.st_mode);
	if (!engine->there && engine->engines->named) {
		/* Of the usual places most are empty. */
		(void)error_errno(&err, stat_.st_ino ? ENOTSOCK : errno, "look for it");
		engine_refuse(engine, &err);
	}
	if (!engine->there || engines_have(engine->engines, engine, &stat_)) {
		engine->there = false;
		return;
	}
	/* An engine that was started anew has made a new socket. */
	if (!was_there || engine->inode != stat_.st_ino) {
		engine->engines->appeared++;
		engine->failing = false;
	}
	engine->inode = stat_.st_ino;
	engine->device = stat_.st_dev;
}

static void engines_look(struct engines *engines)
{
	engines->looked_ns = clock_mono_ns();
	for (size_t n = 0; n < engines->count; n++)
		if (engines->all[n].socket)
			engine_look(&engines->all[n]);
}

uint64_t engines_sockets(struct engines *engines)
{
	if (clock_mono_ns() - engines->looked_ns >= ENGINE_LOOK_AGAIN_S * NS_PER_S)
		engines_look(engines);
	return engines->appeared;
}

/* --- questions --- */

struct engine *engine_asked(const struct engine_question *question)
{
	return &question->engines->all[question->at];
}

struct loop *engine_loop(const struct engine *engine)
{
	return engine->engines->env.loop;
}

static bool engine_may_know(const struct engine *engine, const struct container *container)
{
	return engine->there &&
	       (!engine->runtime || strcmp(engine->runtime, container->runtime) == 0 ||
		strcmp(container->runtime, CONTAINER_RUNTIME_UNKNOWN) == 0);
}

/* Asks the engines from question->at on, until one takes the question. */
static void engines_go_on(struct engine_question *question)
{
	struct engines *engines = question->engines;

	for (; question->at < engines->count; question->at++) {
		struct engine *engine = &engines->all[question->at];
		struct error err;

		if (!engine_may_know(engine, question->container))
			continue;
		if (engine->kind->ask(engine, question, &err) == 0)
			return;
		engine->kind->forget(question);
		question->failed = true;
		engine_refuse(engine, &err);
	}
	engines_cancel(question);
	question->answered(question, question->failed ? ENGINE_failed : ENGINE_not_found);
}

void engine_answer(struct engine_question *question, enum engine_result result,
		   const struct error *err)
{
	struct engine *engine = engine_asked(question);

	engine->kind->forget(question);
	if (result == ENGINE_failed) {
		question->failed = true;
		engine_refuse(engine, err);
	} else {
		engine->failing = false;
	}
	if (result != ENGINE_known) {
		question->at++;
		engines_go_on(question);
		return;
	}
	if (engine->runtime && strcmp(question->container->runtime, CONTAINER_RUNTIME_UNKNOWN) == 0)
		question->container->runtime = engine->runtime;
	engines_cancel(question);
	question->answered(question, ENGINE_known);
}

static void engines_on_pump(struct loop_deferred *deferred)
{
	struct engines *engines = container_of(deferred, struct engines, pump);
	struct engine_question *question;

	if (!list_is_empty(&engines->waiting))
		engines_look(engines);
	while (engines->asking_count < ENGINE_QUESTIONS &&
	       (question = list_first(&engines->waiting, struct engine_question, node))) {
		list_remove(&question->node);
		list_append(&engines->asking, &question->node);
		engines->asking_count++;
		question->at = 0;
		engines_go_on(question);
	}
}

void engines_ask(struct engines *engines, struct engine_question *question)
{
	question->engines = engines;
	question->failed = false;
	question->at = SIZE_MAX; /* in line */
	question->work = NULL;
	list_append(&engines->waiting, &question->node);
	loop_defer(engines->env.loop, &engines->pump);
}

void engines_cancel(struct engine_question *question)
{
	struct engines *engines = question->engines;

	list_remove(&question->node);
	if (question->at == SIZE_MAX)
		return;
	if (question->at < engines->count)
		engine_asked(question)->kind->forget(question);
	engines->asking_count--;
	loop_defer(engines->env.loop, &engines->pump);
}

/* --- start and end --- */

static int engines_add_all(struct engines *engines, const char *sockets, struct error *err)
{
	struct slice rest = slice_of(sockets ? sockets : engine_usual_sockets), socket;
	int r;

	while (slice_next(&rest, ',', &socket)) {
		socket = slice_trim(socket);
		r = socket.bytes ? engines_add_socket(engines, socket, err) : 0;
		if (r < 0)
			return r;
	}
	r = engines_add(engines, &engine_files, SLICE(""), NULL, err);
	if (r == 0)
		engines->all[engines->count - 1].there = true;
	return r;
}

int engines_new(struct engines **ret_engines, const struct engines_env *env, struct error *err)
{
	struct engines *engines = calloc(1, sizeof(*engines));
	int r;

	if (!engines)
		return error_errno(err, ENOMEM, "start asking container engines");
	engines->env = *env;
	engines->env.sockets = NULL; /* the caller's, and not needed any more */
	engines->named = env->sockets;
	list_init(&engines->waiting);
	list_init(&engines->asking);
	engines->pump.run = engines_on_pump;
	r = engines_add_all(engines, env->sockets, err);
	if (r < 0) {
		engines_free(engines);
		return r;
	}
	*ret_engines = engines;
	return 0;
}

void engines_free(struct engines *engines)
{
	if (!engines)
		return;
	loop_undefer(&engines->pump);
	for (size_t n = 0; n < engines->count; n++) {
		if (engines->all[n].kind->close)
			engines->all[n].kind->close(&engines->all[n]);
		free(engines->all[n].socket);
	}
	free(engines);
}
