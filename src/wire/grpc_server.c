/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/grpc_server.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "wire/grpc_session.h"

#define SERVER_LINKS	64
#define SERVER_BACKLOG	128
#define SERVER_WORDS	512 /* of a grpc-message, encoded */
#define SERVER_TRAILERS 2
#define SERVER_MAX_MS	(24ull * 3600 * 1000)
#define SERVER_MESSAGES 1 /* of a call without streams */

struct grpc_server {
	struct loop *loop;
	const struct grpc_service *service;
	struct sockaddr_un address;
	struct loop_fd listener;
	size_t link_count;
	struct list links;
};

struct grpc_server_link {
	struct grpc_session session;
	struct grpc_server *server; /* NULL: it is gone */
	struct list requests;
	struct list node;
};

struct grpc_request {
	struct grpc_stream stream;
	struct grpc_server_link *link; /* NULL: the caller is gone */
	struct loop *loop;
	void *owner;
	struct list node;
	struct loop_timer deadline;
	uint64_t timeout_ms; /* 0: none was given */
	const ProtobufCMethodDescriptor *method;
	grpc_handler *handler;
	struct text message;
	size_t messages;
	bool running;  /* a handler has it */
	bool answered; /* nobody waits for the handler any more */
	char status[4];
	char words[SERVER_WORDS];
	nghttp2_nv trailers[SERVER_TRAILERS];
};

/* --- the end of a request --- */

static void request_free(struct grpc_request *request)
{
	loop_timer_clear(&request->deadline);
	grpc_stream_done(&request->stream);
	list_unlink(&request->node);
	text_done(&request->message);
	free(request);
}

/* The caller is through with it; a handler may still have it. */
static void request_forget(struct grpc_request *request)
{
	request->link = NULL;
	request->answered = true;
	loop_timer_clear(&request->deadline);
	grpc_stream_done(&request->stream);
	list_unlink(&request->node);
	if (!request->running)
		request_free(request);
}

static nghttp2_nv server_header(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			     strlen(value), NGHTTP2_NV_FLAG_NONE };
}

/* Sends the status: behind the message if there is one, otherwise alone. */
static void request_finish(struct grpc_request *request, enum grpc_status status,
			   struct slice words)
{
	nghttp2_nv headers[2 + SERVER_TRAILERS] = {
		server_header(":status", "200"),
		server_header("content-type", "application/grpc"),
	};
	size_t count = 2;

	request->answered = true;
	loop_timer_clear(&request->deadline);
	snprintf(request->status, sizeof(request->status), "%u", (unsigned int)status);
	grpc_encode_words(words, request->words, sizeof(request->words));
	request->trailers[0] = server_header("grpc-status", request->status);
	request->trailers[1] = server_header("grpc-message", request->words);
	request->stream.out_ended = true;
	if (request->stream.out.bytes) {
		request->stream.trailers = request->trailers;
		request->stream.trailer_count = SERVER_TRAILERS;
	} else {
		memcpy(headers + count, request->trailers, sizeof(request->trailers));
		count += SERVER_TRAILERS;
	}
	/* Fails only when the caller is gone, or memory: then he sees the stream end. */
	if (grpc_stream_answer(&request->stream, headers, count, NULL) < 0)
		request_forget(request);
}

void *grpc_owner(const struct grpc_request *request)
{
	return request->owner;
}

/* A handler hands the request back; whether there is still somebody to answer. */
static bool request_take_back(struct grpc_request *request)
{
	request->running = false;
	if (request->link && !request->answered)
		return true;
	if (!request->link)
		request_free(request);
	return false;
}

void grpc_answer(struct grpc_request *request, const ProtobufCMessage *message)
{
	int r;

	if (!request_take_back(request))
		return;
	r = grpc_put_message(&request->stream.out, message);
	if (r < 0)
		request_finish(request, GRPC_resource_exhausted, slice_of(strerror(-r)));
	else
		request_finish(request, GRPC_ok, (struct slice){ "", 0 });
}

void grpc_refuse(struct grpc_request *request, enum grpc_status status, const char *words)
{
	if (request_take_back(request))
		request_finish(request, status, slice_of(words));
}

static void request_on_deadline(struct loop_timer *timer)
{
	struct grpc_request *request = container_of(timer, struct grpc_request, deadline);

	request_finish(request, GRPC_deadline_exceeded, SLICE("the server did not answer in time"));
}

/* --- a request comes in --- */

/* "/package.Service/Method" */
static void request_find_method(struct grpc_request *request, struct slice path)
{
	const struct grpc_service *service = request->link->server->service;
	const ProtobufCServiceDescriptor *descriptor = service->descriptor;

	if (!slice_eat(&path, SLICE("/")) || !slice_eat(&path, slice_of(descriptor->name)) ||
		       !slice_eat(&path, SLICE("/")))
		return;
	for (unsigned int n = 0; n < descriptor->n_methods; n++) {
		if (slice_is(path, descriptor->methods[n].name)) {
			request->method = &descriptor->methods[n];
			request->handler = service->handlers[n];
		}
	}
}

static void request_on_header(struct grpc_stream *stream, struct slice name, struct slice value)
{
	struct grpc_request *request = container_of(stream, struct grpc_request, stream);

	if (slice_is(name, ":path"))
		request_find_method(request, value);
	else if (slice_is(name, "grpc-timeout"))
		request->timeout_ms = grpc_timeout_ms(value);
	if (request->timeout_ms > SERVER_MAX_MS)
		request->timeout_ms = SERVER_MAX_MS;
}

static void request_on_message(struct grpc_stream *stream, struct slice message)
{
	struct grpc_request *request = container_of(stream, struct grpc_request, stream);

	if (request->messages++ == 0)
		text_put(&request->message, message);
}

static void request_on_broken(struct grpc_stream *stream, int error)
{
	struct grpc_request *request = container_of(stream, struct grpc_request, stream);

	if (request->answered)
		return;
	if (error == -EMSGSIZE || error == -ENOMEM)
		request_finish(request, GRPC_resource_exhausted,
			       SLICE("the request is larger than allowed"));
	else if (error == -EPROTO)
		request_finish(request, GRPC_unimplemented,
			       SLICE("compressed messages are not supported"));
	else
		request_finish(request, GRPC_internal,
			       SLICE("the request ends in the middle of a message"));
}

static void request_run(struct grpc_request *request)
{
	ProtobufCMessage *message =
		protobuf_c_message_unpack(request->method->input, NULL, request->message.bytes,
					  (const uint8_t *)text_str(&request->message));

	if (!message) {
		request_finish(request, GRPC_invalid_argument,
			       SLICE("the request is no message of this method"));
		return;
	}
	request->running = true;
	request->handler(request, message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void request_on_in_ended(struct grpc_stream *stream)
{
	struct grpc_request *request = container_of(stream, struct grpc_request, stream);

	if (request->answered)
		return;
	if (!request->handler) {
		request_finish(request, GRPC_unimplemented, SLICE("there is no such method"));
	} else if (request->messages != SERVER_MESSAGES || request->message.failed) {
		request_finish(request, GRPC_internal,
			       SLICE("not one message, as a call without streams has"));
	} else {
		if (request->timeout_ms)
			loop_timer_set(request->loop, &request->deadline,
				       request->timeout_ms * NS_PER_MS);
		request_run(request);
	}
}

static void request_on_closed(struct grpc_stream *stream, uint32_t code, const struct error *why)
{
	(void)code, (void)why;
	request_forget(container_of(stream, struct grpc_request, stream));
}

static const struct grpc_stream_events request_events = {
	.header = request_on_header,
	.message = request_on_message,
	.in_ended = request_on_in_ended,
	.broken = request_on_broken,
	.closed = request_on_closed,
};

/* --- connections --- */

static struct grpc_stream *server_on_opened(struct grpc_session *session)
{
	struct grpc_server_link *link = container_of(session, struct grpc_server_link, session);
	struct grpc_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->link = link;
	request->loop = session->loop;
	request->owner = link->server->service->owner;
	request->deadline.fire = request_on_deadline;
	request->stream.events = &request_events;
	request->stream.in.limit_bytes = GRPC_REQUEST_BYTES;
	list_append(&link->requests, &request->node);
	return &request->stream;
}

static void server_link_free(struct grpc_server_link *link)
{
	struct grpc_server *server = link->server;
	struct grpc_request *request;

	while ((request = list_first(&link->requests, struct grpc_request, node)))
		request_forget(request);
	list_remove(&link->node);
	grpc_session_done(&link->session);
	free(link);
	/* There may be one that had to wait. */
	if (server->link_count-- == SERVER_LINKS &&
	    loop_fd_change(server->loop, &server->listener, EPOLLIN, NULL) < 0)
		return;
}

static void server_on_ended(struct grpc_session *session, const struct error *why)
{
	(void)why;
	server_link_free(container_of(session, struct grpc_server_link, session));
}

static int server_accept(struct grpc_server *server, int fd)
{
	struct grpc_server_link *link = calloc(1, sizeof(*link));

	if (!link) {
		close(fd);
		return -ENOMEM;
	}
	link->server = server;
	list_init(&link->requests);
	link->session.opened = server_on_opened;
	link->session.ended = server_on_ended;
	if (grpc_session_init_server(&link->session, server->loop, fd, NULL) < 0) {
		free(link);
		return -ENOMEM;
	}
	list_append(&server->links, &link->node);
	server->link_count++;
	return 0;
}

static void server_on_ready(struct loop_fd *watch, uint32_t events)
{
	struct grpc_server *server = container_of(watch, struct grpc_server, listener);

	(void)events;
	while (server->link_count < SERVER_LINKS) {
		int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 || server_accept(server, fd) < 0)
			return;
	}
	/* The next ones wait in the kernel's queue until one of these is gone. */
	if (loop_fd_change(server->loop, watch, 0, NULL) < 0)
		return;
}

/* --- start and end --- */

static int server_is_listened_at(const struct sockaddr_un *address)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return 1;
	return 0;
}

/* The socket is never there with more than its owner's rights: it is made so. */
static int server_bind(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0177);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(before);
	return r;
}

static int server_listen(struct grpc_server *server, struct error *err)
{
	const char *path = server->address.sun_path;
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	r = server_bind(fd, &server->address);
	if (r == -EADDRINUSE) {
		if (server_is_listened_at(&server->address) == 1)
			return error_say(err, EADDRINUSE,
					 "listen at '%s': another process does already", path);
		if (unlink(path) < 0)
			return error_errno(err, errno, "remove the old socket '%s'", path);
		r = server_bind(fd, &server->address);
	}
	if (r < 0)
		return error_errno(err, -r, "make the socket '%s'", path);
	if (listen(fd, SERVER_BACKLOG) < 0)
		return error_errno(err, errno, "listen at '%s'", path);
	r = loop_fd_add(server->loop, &server->listener, fd, EPOLLIN, err);
	if (r == 0)
		take_fd(&fd);
	return r;
}

int grpc_server_new(struct grpc_server **ret_server, struct loop *loop, const char *path,
		    const struct grpc_service *service, struct error *err)
{
	struct grpc_server *server;
	int r;

	if (strlen(path) >= sizeof(server->address.sun_path))
		return error_say(err, ENAMETOOLONG, "listen at '%s': the path is longer than %zu",
				 path, sizeof(server->address.sun_path) - 1);
	server = calloc(1, sizeof(*server));
	if (!server)
		return error_errno(err, ENOMEM, "listen at '%s'", path);
	server->loop = loop;
	server->service = service;
	server->address.sun_family = AF_UNIX;
	slice_copy(slice_of(path), server->address.sun_path, sizeof(server->address.sun_path));
	server->listener = (struct loop_fd){ .fd = -1, .ready = server_on_ready };
	list_init(&server->links);
	r = server_listen(server, err);
	if (r < 0) {
		free(server);
		return r;
	}
	*ret_server = server;
	return 0;
}

void grpc_server_free(struct grpc_server *server)
{
	struct grpc_server_link *link;
	int fd;

	if (!server)
		return;
	while ((link = list_first(&server->links, struct grpc_server_link, node)))
		server_link_free(link);
	fd = server->listener.fd;
	loop_fd_remove(server->loop, &server->listener);
	close(fd);
	unlink(server->address.sun_path);
	free(server);
}
