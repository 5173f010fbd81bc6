/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/grpc.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "wire/grpc_session.h"

#define GRPC_TIMEOUT_MS	    10000
#define GRPC_TIMEOUT_MAX_MS 99999999 /* eight digits are all that grpc-timeout takes */

/* A connection. One that the server is leaving stays until its last call is through. */
struct grpc_link {
	struct grpc_session session;
	struct grpc_channel *channel;
	struct list node;
};

struct grpc_channel {
	struct loop *loop;
	struct sockaddr_un address;
	struct grpc_link *current; /* takes new calls; NULL: not connected */
	struct list links;
	struct list works, finished;
	struct loop_deferred reap;
};

/* A call under way. */
struct grpc_work {
	struct grpc_call *call;
	struct grpc_channel *channel;
	struct grpc_stream stream;
	struct loop_timer deadline;
	struct list node; /* channel->works or ->finished */
	unsigned int http_status;
	bool answered; /* the server gave a status */
	enum grpc_status status;
	struct text words; /* grpc-message */
	size_t messages;
	struct error err;
};

/* --- the end of a call --- */

/* Keeps the first reason: what follows from it is no news. */
static void grpc_fail(struct grpc_work *work, enum grpc_status status, const char *words)
{
	if (work->err.code)
		return;
	work->status = status;
	error_say(&work->err, EREMOTEIO, "call %s at '%s': %s: %s", work->call->method,
		  work->channel->address.sun_path, grpc_status_name(status), words);
}

/* `done` must not run inside nghttp2's callbacks: it is called from the loop. */
static void grpc_finish(struct grpc_work *work)
{
	struct grpc_channel *channel = work->channel;

	loop_timer_clear(&work->deadline);
	grpc_stream_done(&work->stream);
	list_remove(&work->node);
	list_append(&channel->finished, &work->node);
	loop_defer(channel->loop, &channel->reap);
}

static void grpc_work_free(struct grpc_work *work)
{
	work->call->work = NULL;
	loop_timer_clear(&work->deadline);
	grpc_stream_done(&work->stream);
	list_remove(&work->node);
	text_done(&work->words);
	free(work);
}

static void grpc_on_reap(struct loop_deferred *deferred)
{
	struct grpc_channel *channel = container_of(deferred, struct grpc_channel, reap);
	struct grpc_work *work;

	while ((work = list_first(&channel->finished, struct grpc_work, node))) {
		struct grpc_call *call = work->call;
		enum grpc_status status = work->status;
		struct error err = work->err;

		grpc_work_free(work);
		call->done(call, status, &err);
	}
}

static void grpc_on_deadline(struct loop_timer *timer)
{
	struct grpc_work *work = container_of(timer, struct grpc_work, deadline);

	grpc_fail(work, GRPC_deadline_exceeded, "no answer in time");
	grpc_finish(work);
}

/* --- what the stream tells --- */

static void grpc_on_header(struct grpc_stream *stream, struct slice name, struct slice value)
{
	struct grpc_work *work = container_of(stream, struct grpc_work, stream);
	uint64_t number;

	if (slice_is(name, ":status") && slice_u64(value, &number)) {
		work->http_status = (unsigned int)number;
	} else if (slice_is(name, "grpc-status")) {
		work->answered = true;
		work->status = slice_u64(value, &number) && number < GRPC_STATUS_COUNT
				       ? (enum grpc_status)number
				       : GRPC_unknown;
	} else if (slice_is(name, "grpc-message")) {
		text_clear(&work->words);
		grpc_decode_words(value, &work->words);
	}
}

static void grpc_on_message(struct grpc_stream *stream, struct slice message)
{
	struct grpc_work *work = container_of(stream, struct grpc_work, stream);

	if (work->messages++ == 0)
		text_put(&work->call->answer, message);
}

/* An answer without a status: whatever stands before the server, or no gRPC server at all. */
static void grpc_fail_http(struct grpc_work *work)
{
	char words[64];

	snprintf(words, sizeof(words), "no gRPC status, HTTP status %u", work->http_status);
	grpc_fail(work, grpc_status_of_http(work->http_status), words);
}

static void grpc_on_broken(struct grpc_stream *stream, int error)
{
	struct grpc_work *work = container_of(stream, struct grpc_work, stream);

	if (work->http_status != 200)
		grpc_fail_http(work); /* what came was never meant for messages */
	else if (error == -EMSGSIZE)
		grpc_fail(work, GRPC_resource_exhausted, "the answer is larger than allowed");
	else if (error == -ENOMEM)
		grpc_fail(work, GRPC_resource_exhausted, "out of memory");
	else if (error == -EPROTO)
		grpc_fail(work, GRPC_internal, "the answer is compressed, unasked");
	else
		grpc_fail(work, GRPC_internal, "the answer ends in the middle of a message");
	grpc_finish(work);
}

static void grpc_on_closed(struct grpc_stream *stream, uint32_t code, const struct error *why)
{
	struct grpc_work *work = container_of(stream, struct grpc_work, stream);

	if (why)
		grpc_fail(work, GRPC_unavailable, why->text);
	else if (work->answered && work->status != GRPC_ok)
		grpc_fail(work, work->status, text_str(&work->words));
	else if (code != NGHTTP2_NO_ERROR)
		grpc_fail(work, grpc_status_of_reset(code), nghttp2_http2_strerror(code));
	else if (!work->answered)
		grpc_fail_http(work);
	else if (work->messages != 1)
		grpc_fail(work, GRPC_internal, "not one message, as a call without streams has");
	else if (work->call->answer.failed)
		grpc_fail(work, GRPC_resource_exhausted, "out of memory");
	grpc_finish(work);
}

static const struct grpc_stream_events grpc_events = {
	.header = grpc_on_header,
	.message = grpc_on_message,
	.broken = grpc_on_broken,
	.closed = grpc_on_closed,
};

/* --- connections --- */

static void grpc_link_free(struct grpc_link *link)
{
	if (link->channel->current == link)
		link->channel->current = NULL;
	list_remove(&link->node);
	grpc_session_done(&link->session);
	free(link);
}

static void grpc_on_ended(struct grpc_session *session, const struct error *why)
{
	(void)why; /* its calls have been told */
	grpc_link_free(container_of(session, struct grpc_link, session));
}

static int grpc_dial(const struct sockaddr_un *address, struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	/* A unix socket connects at once, or says EAGAIN when too many wait to be accepted. */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		int code = errno;

		close(fd);
		return error_errno(err, code, "connect to '%s'", address->sun_path);
	}
	return fd;
}

static int grpc_connect(struct grpc_channel *channel, struct error *err)
{
	struct grpc_link *link = channel->current;
	int fd;

	if (link && grpc_session_takes_streams(&link->session))
		return 0;
	channel->current = NULL;
	fd = grpc_dial(&channel->address, err);
	if (fd < 0)
		return fd;
	link = calloc(1, sizeof(*link));
	if (!link) {
		close(fd);
		return error_errno(err, ENOMEM, "connect to '%s'", channel->address.sun_path);
	}
	link->session.ended = grpc_on_ended;
	fd = grpc_session_init_client(&link->session, channel->loop, fd, err);
	if (fd < 0) {
		free(link);
		return fd;
	}
	link->channel = channel;
	list_append(&channel->links, &link->node);
	channel->current = link;
	return 0;
}

int grpc_channel_new(struct grpc_channel **ret_channel, struct loop *loop, const char *unix_socket,
		     struct error *err)
{
	struct grpc_channel *channel;

	if (strlen(unix_socket) >= sizeof(channel->address.sun_path))
		return error_say(err, ENAMETOOLONG, "connect to '%s': the path is longer than %zu",
				 unix_socket, sizeof(channel->address.sun_path) - 1);
	channel = calloc(1, sizeof(*channel));
	if (!channel)
		return error_errno(err, ENOMEM, "connect to '%s'", unix_socket);
	channel->loop = loop;
	channel->address.sun_family = AF_UNIX;
	slice_copy(slice_of(unix_socket), channel->address.sun_path,
		   sizeof(channel->address.sun_path));
	list_init(&channel->links);
	list_init(&channel->works);
	list_init(&channel->finished);
	channel->reap.run = grpc_on_reap;
	*ret_channel = channel;
	return 0;
}

void grpc_channel_free(struct grpc_channel *channel)
{
	struct grpc_work *work;
	struct grpc_link *link;

	if (!channel)
		return;
	while ((work = list_first(&channel->works, struct grpc_work, node)))
		grpc_work_free(work);
	while ((work = list_first(&channel->finished, struct grpc_work, node)))
		grpc_work_free(work);
	while ((link = list_first(&channel->links, struct grpc_link, node)))
		grpc_link_free(link);
	loop_undefer(&channel->reap);
	free(channel);
}

/* --- the start of a call --- */

#define GRPC_HEADER(key, text)                                                                     \
	{                                                                                          \
		(uint8_t *)(uintptr_t)(key), (uint8_t *)(uintptr_t)(text), sizeof(key) - 1,        \
			strlen(text), NGHTTP2_NV_FLAG_NONE                                         \
	}

static int grpc_open(struct grpc_work *work, uint64_t timeout_ms, struct error *err)
{
	char timeout[16];

	snprintf(timeout, sizeof(timeout), "%llum", (unsigned long long)timeout_ms);

	const nghttp2_nv headers[] = {
		GRPC_HEADER(":method", "POST"),
		GRPC_HEADER(":scheme", "http"),
		GRPC_HEADER(":path", work->call->method),
		GRPC_HEADER(":authority", "localhost"),
		GRPC_HEADER("te", "trailers"),
		GRPC_HEADER("content-type", "application/grpc"),
		GRPC_HEADER("user-agent", "bulwark"),
		GRPC_HEADER("grpc-timeout", timeout),
	};

	return grpc_stream_open(&work->stream, &work->channel->current->session, headers,
				array_count(headers), err);
}

static struct grpc_work *grpc_work_new(struct grpc_channel *channel, struct grpc_call *call)
{
	struct grpc_work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->call = call;
	work->channel = channel;
	work->deadline.fire = grpc_on_deadline;
	work->stream.events = &grpc_events;
	work->stream.out_ended = true;
	work->stream.in.limit_bytes = call->limit_bytes ? call->limit_bytes : GRPC_MESSAGE_BYTES;
	list_append(&channel->works, &work->node);
	call->work = work;
	return work;
}

int grpc_start(struct grpc_channel *channel, struct grpc_call *call,
	       const ProtobufCMessage *request, struct error *err)
{
	uint64_t timeout_ms = call->timeout_ms ? call->timeout_ms : GRPC_TIMEOUT_MS;
	struct grpc_work *work;
	int r;

	if (timeout_ms > GRPC_TIMEOUT_MAX_MS)
		timeout_ms = GRPC_TIMEOUT_MAX_MS;
	grpc_call_done(call);
	work = grpc_work_new(channel, call);
	if (!work)
		return error_errno(err, ENOMEM, "call %s", call->method);
	r = grpc_put_message(&work->stream.out, request);
	if (r < 0)
		error_errno(err, -r, "call %s", call->method);
	if (r == 0)
		r = grpc_connect(channel, err);
	if (r == 0)
		r = grpc_open(work, timeout_ms, err);
	if (r < 0) {
		grpc_work_free(work);
		return r;
	}
	loop_timer_set(channel->loop, &work->deadline, timeout_ms * NS_PER_MS);
	return 0;
}

void grpc_call_done(struct grpc_call *call)
{
	if (call->work)
		grpc_work_free(call->work);
	text_done(&call->answer);
}
