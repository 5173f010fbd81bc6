/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/serve.h"

#include <errno.h>
#include <microhttpd.h>

#include "base/clock.h"
#include "base/listen.h"

#define SERVE_CONNECTIONS 16
#define SERVE_TIMEOUT_S	  10

struct serve {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct loop_fd watch;
	struct loop_timer timer;
	const struct serve_page *pages;
	size_t page_count;
	void *owner;
};

static enum MHD_Result serve_answer(struct MHD_Connection *connection, unsigned int status,
				    const char *content_type, struct slice body)
{
	/* libmicrohttpd copies; it wants a pointer that isn't const. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		body.bytes, (void *)(uintptr_t)body.at, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Called first without a body to come; nothing here takes one. */
static enum MHD_Result serve_on_request(void *owner, struct MHD_Connection *connection,
					const char *url, const char *method, const char *version,
					const char *upload, size_t *upload_bytes, void **state)
{
	struct serve *serve = owner;
	auto_text struct text body = { 0 };

	(void)version, (void)upload, (void)state;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		*upload_bytes = 0;
		return serve_answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
				    SLICE("only GET\n"));
	}
	for (size_t n = 0; n < serve->page_count; n++) {
		const struct serve_page *page = &serve->pages[n];
		unsigned int status;

		if (strcmp(url, page->path) != 0)
			continue;
		status = page->print(serve->owner, &body);
		return serve_answer(connection, status, page->content_type, text_slice(&body));
	}
	for (size_t n = 0; n < serve->page_count; n++)
		text_printf(&body, "%s\n", serve->pages[n].path);
	return serve_answer(connection, MHD_HTTP_NOT_FOUND, "text/plain", text_slice(&body));
}

static void serve_turn(struct serve *serve)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	MHD_run(serve->daemon);
	if (MHD_get_timeout(serve->daemon, &wait_ms) == MHD_YES)
		loop_timer_set(serve->loop, &serve->timer, wait_ms * NS_PER_MS);
	else
		loop_timer_clear(&serve->timer);
}

static void serve_on_ready(struct loop_fd *watch, uint32_t events)
{
	(void)events;
	serve_turn(container_of(watch, struct serve, watch));
}

static void serve_on_timer(struct loop_timer *timer)
{
	serve_turn(container_of(timer, struct serve, timer));
}

static int serve_start(struct serve *serve, const char *listen, struct error *err)
{
	unsigned int flags = MHD_USE_EPOLL;
	struct listen_address address;
	int r = listen_resolve(listen, &address, err);

	if (r < 0)
		return r;
	if (address.socket.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	errno = 0;
	serve->daemon =
		MHD_start_daemon(flags, 0, NULL, NULL, serve_on_request, serve,
				 MHD_OPTION_SOCK_ADDR, &address.socket, MHD_OPTION_CONNECTION_LIMIT,
				 SERVE_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, SERVE_TIMEOUT_S,
				 MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (!serve->daemon)
		return error_errno(err, errno ? errno : EADDRINUSE, "listen on '%s'", listen);
	return 0;
}

int serve_new(struct serve **ret_serve, struct loop *loop, const char *listen,
	      const struct serve_page *pages, size_t page_count, void *owner, struct error *err)
{
	struct serve *serve = calloc(1, sizeof(*serve));
	const union MHD_DaemonInfo *info;
	int r;

	if (!serve)
		return error_errno(err, ENOMEM, "listen on '%s'", listen);
	*serve = (struct serve){
		.loop = loop, .pages = pages, .page_count = page_count, .owner = owner
	};
	serve->watch = (struct loop_fd){ .fd = -1, .ready = serve_on_ready };
	serve->timer.fire = serve_on_timer;
	r = serve_start(serve, listen, err);
	if (r == 0) {
		info = MHD_get_daemon_info(serve->daemon, MHD_DAEMON_INFO_EPOLL_FD);
		r = loop_fd_add(loop, &serve->watch, info->epoll_fd, EPOLLIN, err);
	}
	if (r < 0) {
		serve_free(serve);
		return r;
	}
	*ret_serve = serve;
	return 0;
}

void serve_free(struct serve *serve)
{
	if (!serve)
		return;
	loop_fd_remove(serve->loop, &serve->watch);
	loop_timer_clear(&serve->timer);
	if (serve->daemon)
		MHD_stop_daemon(serve->daemon);
	free(serve);
}
