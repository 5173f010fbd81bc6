/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine - asks the container engines of the host about a container.
 *
 * A question goes to one engine after the other until one knows the container: to those whose
 * runtime its control group names, or to all when it names none; sockets first, then the files that
 * engines leave. At most ENGINE_QUESTIONS are under way, the others wait in line.
 */
#ifndef IDENTITY_ENGINE_H
#define IDENTITY_ENGINE_H

#include "base/list.h"
#include "base/loop.h"
#include "identity/container_facts.h"
#include "identity/container_monitor.h"

#define ENGINE_QUESTIONS 8

enum engine_result {
	ENGINE_known,
	ENGINE_not_found, /* every engine that is there said so */
	ENGINE_failed,	  /* some engine did not answer, and no other knew it */
	ENGINE_RESULT_COUNT
};

struct engine;
struct engines;

/* From engines_ask() to `answered` or engines_cancel(); the memory is the asker's. */
struct engine_question {
	struct container *container; /* what is found out is put there */
	struct container_monitor monitor;
	void (*answered)(struct engine_question *question, enum engine_result result);

	/* The engines' own. */
	struct engines *engines;
	struct list node;
	bool failed;
	size_t at; /* who is being asked: index into engines->all */
	void *work;
};

/* How one kind of engine is asked. */
struct engine_kind {
	const char *name;
	/* Starts asking; engine_answer() follows, from the loop. Or fails at once. */
	int (*ask)(struct engine *engine, struct engine_question *question, struct error *err);
	/* Frees what `ask` made (question->work), under way or not. */
	void (*forget)(struct engine_question *question);
	void (*close)(struct engine *engine); /* NULL: nothing to close */
};

/* One place to ask. */
struct engine {
	const struct engine_kind *kind;
	struct engines *engines;
	char *socket;	     /* NULL: files */
	const char *runtime; /* whose containers it knows; NULL: anybody's */
	bool guess; /* that its socket may speak otherwise, too: the next engine in line asks so */
	bool there;
	uint64_t inode, device;
	bool failing; /* and it was said */
	void *client;
};

struct engines_env {
	struct loop *loop;
	const char *sockets;				       /* as in struct containers_env */
	void (*refused)(void *owner, const struct error *why); /* or NULL */
	void *owner;
};

must_check int engines_new(struct engines **ret_engines, const struct engines_env *env,
			   struct error *err);
/* Every question must have been answered or cancelled. */
void engines_free(struct engines *engines);

/* Never answers from within. */
void engines_ask(struct engines *engines, struct engine_question *question);
void engines_cancel(struct engine_question *question);

/* A number that grows when a socket has appeared; looks at most every 30 s. */
uint64_t engines_sockets(struct engines *engines);

/* For the kinds. `err` is read when the result is ENGINE_failed. */
void engine_answer(struct engine_question *question, enum engine_result result,
		   const struct error *err);
struct engine *engine_asked(const struct engine_question *question);
struct loop *engine_loop(const struct engine *engine);

extern const struct engine_kind engine_docker, engine_cri, engine_files;

#endif
