/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http_client.h"

#include <curl/curl.h>
#include <errno.h>

#include "base/clock.h"

/* A socket of libcurl's that the loop watches. */
struct http_socket {
	struct loop_fd watch;
	struct http_client *client;
};

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;
	struct loop_deferred reap;
};

static void http_client_reap(struct http_client *client);

static void http_client_act(struct http_client *client, curl_socket_t socket, int what)
{
	int running;

	curl_multi_socket_action(client->multi, socket, what, &running);
	/* Callbacks must not run inside libcurl's: finished transfers are reaped from the loop. */
	loop_defer(client->loop, &client->reap);
}

static void http_client_on_socket(struct loop_fd *watch, uint32_t events)
{
	struct http_socket *socket = container_of(watch, struct http_socket, watch);
	int what = (events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0);

	http_client_act(socket->client, watch->fd, what);
}

static void http_client_on_timer(struct loop_timer *timer)
{
	http_client_act(container_of(timer, struct http_client, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void http_client_on_reap(struct loop_deferred *deferred)
{
	http_client_reap(container_of(deferred, struct http_client, reap));
}

static int http_client_set_timer(CURLM *multi, long delay_ms, void *owner)
{
	struct http_client *client = owner;

	(void)multi;
	if (delay_ms < 0)
		loop_timer_clear(&client->timer);
	else
		loop_timer_set(client->loop, &client->timer, (uint64_t)delay_ms * NS_PER_MS);
	return 0;
}

static int http_client_set_socket(CURL *easy, curl_socket_t fd, int what, void *owner,
				  void *watched)
{
	struct http_client *client = owner;
	struct http_socket *socket = watched;
	uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (!socket)
			return 0;
		loop_fd_remove(client->loop, &socket->watch);
		free(socket);
		curl_multi_assign(client->multi, fd, NULL);
		return 0;
	}
	if (socket)
		return loop_fd_change(client->loop, &socket->watch, events, NULL) < 0 ? -1 : 0;
	socket = calloc(1, sizeof(*socket));
	if (!socket)
		return -1;
	socket->client = client;
	socket->watch.ready = http_client_on_socket;
	if (loop_fd_add(client->loop, &socket->watch, fd, events, NULL) < 0) {
		free(socket);
		return -1;
	}
	curl_multi_assign(client->multi, fd, socket);
	return 0;
}

int http_client_new(struct http_client **ret_client, struct loop *loop, struct error *err)
{
	static bool set_up;
	struct http_client *client;

	if (!set_up && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_say(err, ENOMEM, "start libcurl: refused");
	set_up = true;
	client = calloc(1, sizeof(*client));
	if (!client)
		return error_errno(err, ENOMEM, "start an HTTP client");
	client->loop = loop;
	client->timer.fire = http_client_on_timer;
	client->reap.run = http_client_on_reap;
	client->multi = curl_multi_init();
	if (!client->multi) {
		free(client);
		return error_errno(err, ENOMEM, "start an HTTP client");
	}
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, http_client_set_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, http_client_set_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	*ret_client = client;
	return 0;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	curl_multi_cleanup(client->multi);
	loop_timer_clear(&client->timer);
	loop_undefer(&client->reap);
	free(client);
}

struct loop *http_client_loop(const struct http_client *client)
{
	return client->loop;
}

/* --- one transfer --- */

static void http_client_set_tls(CURL *easy, const struct http_tls *tls)
{
	if (tls->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file);
	if (tls->cert_file)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert_file);
	if (tls->key_file)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key_file);
	if (tls->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

int http_transfer_init(struct http_transfer *transfer, struct http_client *client,
		       const struct http_tls *tls, struct error *err)
{
	http_transfer_done(transfer);
	transfer->client = client;
	transfer->why[0] = '\0';
	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		return error_errno(err, ENOMEM, "start a transfer");
	curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, transfer->why);
	curl_easy_setopt(transfer->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(transfer->easy, CURLOPT_NOSIGNAL, 1L);
	http_client_set_tls(transfer->easy, tls);
	return 0;
}

int http_transfer_start(struct http_transfer *transfer, struct error *err)
{
	if (curl_multi_add_handle(transfer->client->multi, transfer->easy) != CURLM_OK)
		return error_errno(err, ENOMEM, "start a transfer");
	return 0;
}

void http_transfer_done(struct http_transfer *transfer)
{
	if (!transfer->easy)
		return;
	curl_multi_remove_handle(transfer->client->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	transfer->easy = NULL;
}

static void http_client_reap(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct http_transfer *transfer;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		transfer->done(transfer, (int)message->data.result);
	}
}
