/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/stream.h"

#include <curl/curl.h>
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"

#define STREAM_CONNECT_MS 10000L

/* In TLS 1.3 a client's handshake is over before the server has looked at its certificate: a
 * refusal comes a moment later. What is written before that is lost without a word. */
#define STREAM_SETTLE_NS (250 * NS_PER_MS)

static const char *const stream_schemes[] = {
	[STREAM_unix_datagram] = "unix:", [STREAM_unix] = "unix-stream:", [STREAM_udp] = "udp://",
	[STREAM_tcp] = "tcp://",	  [STREAM_tls] = "tls://",
};

void stream_put_place(const struct stream_target *target, struct text *out)
{
	text_put(out, slice_of(stream_schemes[target->kind]));
	text_put(out, slice_of(target->path ? target->path : target->server));
}

/* --- ending --- */

void stream_close(struct stream *stream)
{
	if (!stream->transfer.easy)
		return;
	loop_timer_clear(&stream->settle);
	loop_undefer(&stream->report);
	loop_fd_remove(stream->loop, &stream->socket);
	http_transfer_done(&stream->transfer);
	stream->open = false;
}

static const char *stream_words(const struct stream *stream, int code)
{
	const char *why = stream->transfer.why;

	return why[0] ? why : curl_easy_strerror((CURLcode)code);
}

/* Tells the owner from the loop, so that no call of its own finds the stream gone. */
static void stream_break(struct stream *stream, int code, const char *words)
{
	auto_text struct text place = { 0 };

	stream_put_place(stream->target, &place);
	if (words)
		error_say(&stream->why, code, "send to '%s': %s", text_str(&place), words);
	else
		error_errno(&stream->why, code, "send to '%s'", text_str(&place));
	stream->open = false;
	loop_timer_clear(&stream->settle);
	loop_fd_remove(stream->loop, &stream->socket);
	loop_defer(stream->loop, &stream->report);
}

static void stream_on_report(struct loop_deferred *deferred)
{
	struct stream *stream = container_of(deferred, struct stream, report);
	struct error why = stream->why;

	stream_close(stream);
	stream->broken(stream, &why);
}

/* --- opening --- */

/* libcurl makes stream sockets; for datagrams we make its socket, and it connects it all the same.
 */
static curl_socket_t stream_make_socket(void *owner, curlsocktype purpose,
					struct curl_sockaddr *address)
{
	const struct stream *stream = owner;

	(void)purpose;
	if (stream_is_datagram(stream->target)) {
		address->socktype = SOCK_DGRAM;
		address->protocol = 0;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      address->protocol);
}

static void stream_set_local(CURL *easy, const char *local)
{
	auto_text struct text host = { 0 };
	struct slice address = slice_of(local), port = { 0 };
	ssize_t colon = slice_find_last(address, SLICE(":"));
	uint64_t number;

	/* "::1" is an address; "[::1]:514" and "127.0.0.1:514" have a port behind it. */
	if (colon > 0 &&
	    (address.at[colon - 1] == ']' || slice_find(address, SLICE(":")) == colon)) {
		port = slice_skip(address, (size_t)colon + 1);
		address = slice_first(address, (size_t)colon);
	}
	if (slice_eat(&address, SLICE("[")))
		address = slice_first(address, address.bytes - 1);
	if (slice_u64(port, &number) && number > 0 && number < 65536)
		curl_easy_setopt(easy, CURLOPT_LOCALPORT, (long)number);
	text_put(&host, SLICE("host!"));
	text_put(&host, address);
	curl_easy_setopt(easy, CURLOPT_INTERFACE, text_str(&host));
}

static void stream_set(struct stream *stream)
{
	const struct stream_target *target = stream->target;
	CURL *easy = stream->transfer.easy;
	auto_text struct text url = { 0 };

	text_put(&url, target->kind == STREAM_tls ? SLICE("https://") : SLICE("http://"));
	text_put(&url, target->path ? SLICE("localhost") : slice_of(target->server));
	curl_easy_setopt(easy, CURLOPT_URL, text_str(&url));
	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* what is sent is no HTTP */
	curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, STREAM_CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, stream_make_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, stream);
	if (target->path)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, target->path);
	if (target->local)
		stream_set_local(easy, target->local);
}

static void stream_on_settled(struct loop_timer *timer)
{
	struct stream *stream = container_of(timer, struct stream, settle);

	stream->open = true;
	stream->opened(stream);
}

static void stream_on_connected(struct http_transfer *transfer, int code)
{
	struct stream *stream = container_of(transfer, struct stream, transfer);
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct error err;
	long refused = 0;

	if (code != CURLE_OK) {
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &refused);
		if (code == CURLE_COULDNT_CONNECT && refused)
			stream_break(stream, (int)refused, NULL);
		else
			stream_break(stream, EIO, stream_words(stream, code));
		return;
	}
	curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (loop_fd_add(stream->loop, &stream->socket, fd, EPOLLIN, &err) < 0) {
		stream->socket.fd = -1;
		stream_break(stream, err.code, err.text);
		return;
	}
	loop_timer_set(stream->loop, &stream->settle,
		       stream->target->kind == STREAM_tls ? STREAM_SETTLE_NS : 0);
}

/* --- the other side's bytes, and its end --- */

static void stream_read(struct stream *stream)
{
	char bytes[4096];

	for (;;) {
		size_t count = 0;
		CURLcode code = curl_easy_recv(stream->transfer.easy, bytes, sizeof(bytes), &count);

		if (code == CURLE_AGAIN)
			return;
		if (code == CURLE_OK && count > 0)
			continue;
		stream_break(stream, EPIPE,
			     code == CURLE_OK ? "the receiver closed the connection"
					      : stream_words(stream, code));
		return;
	}
}

/* Datagrams have no end, only errors that come back for an earlier one (ICMP). */
static void stream_read_datagram(struct stream *stream)
{
	char byte;

	while (recv(stream->socket.fd, &byte, 1, MSG_DONTWAIT) >= 0)
		;
	if (errno != EAGAIN && errno != EINTR)
		stream_break(stream, errno, NULL);
}

/* --- writing --- */

/* Sends from the chunk. CURLE_AGAIN: later. */
static CURLcode stream_send_chunk(struct stream *stream)
{
	CURLcode code = CURLE_OK;

	while (code == CURLE_OK && stream->chunk_sent < stream->chunk_bytes) {
		size_t count = 0;

		code = curl_easy_send(stream->transfer.easy, stream->chunk + stream->chunk_sent,
				      stream->chunk_bytes - stream->chunk_sent, &count);
		stream->chunk_sent += count;
	}
	if (code == CURLE_OK)
		stream->chunk_bytes = stream->chunk_sent = 0;
	return code;
}

static void stream_wait_writable(struct stream *stream, bool wait)
{
	struct error err;

	if (loop_fd_change(stream->loop, &stream->socket, wait ? EPOLLIN | EPOLLOUT : EPOLLIN,
			   &err) < 0)
		stream_break(stream, err.code, err.text);
}

/* Tries the chunk; returns whether it is empty now. */
static bool stream_push(struct stream *stream)
{
	CURLcode code = stream_send_chunk(stream);

	if (code != CURLE_OK && code != CURLE_AGAIN) {
		stream_break(stream, EPIPE,
			     stream->transfer.why[0] ? stream->transfer.why
						     : curl_easy_strerror(code));
		return false;
	}
	stream_wait_writable(stream, code == CURLE_AGAIN);
	return code == CURLE_OK;
}

static ssize_t stream_write_datagram(struct stream *stream, struct slice bytes)
{
	ssize_t n = send(stream->socket.fd, bytes.at, bytes.bytes, MSG_NOSIGNAL);

	if (n >= 0 || errno == EMSGSIZE)
		return n >= 0 ? (ssize_t)bytes.bytes : -EMSGSIZE;
	if (errno == EAGAIN || errno == ENOBUFS) {
		stream_wait_writable(stream, true);
		return 0;
	}
	n = -errno;
	stream_break(stream, errno, NULL);
	return n;
}

ssize_t stream_write(struct stream *stream, struct slice bytes)
{
	if (!stream->open)
		return -EPIPE;
	if (stream_is_datagram(stream->target))
		return stream_write_datagram(stream, bytes);
	if (stream->chunk_bytes && !stream_push(stream))
		return stream->open ? 0 : -EPIPE;
	bytes = slice_first(bytes, STREAM_CHUNK_BYTES);
	memcpy(stream->chunk, bytes.at, bytes.bytes);
	stream->chunk_bytes = bytes.bytes;
	stream_push(stream);
	return stream->open ? (ssize_t)bytes.bytes : -EPIPE;
}

uint64_t stream_unconfirmed(const struct stream *stream)
{
	int queued = 0;

	if (!stream->open || stream_is_datagram(stream->target))
		return 0;
	if (ioctl(stream->socket.fd, SIOCOUTQ, &queued) < 0)
		queued = 0;
	return stream->chunk_bytes - stream->chunk_sent + (uint64_t)queued;
}

static void stream_on_ready(struct loop_fd *watch, uint32_t events)
{
	struct stream *stream = container_of(watch, struct stream, socket);
	bool waited = watch->events & EPOLLOUT;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		if (stream_is_datagram(stream->target))
			stream_read_datagram(stream);
		else
			stream_read(stream);
	}
	if (!stream->open || !waited || !(events & EPOLLOUT))
		return;
	if (stream_is_datagram(stream->target))
		stream_wait_writable(stream, false);
	else if (!stream_push(stream))
		return;
	if (stream->open)
		stream->writable(stream);
}

int stream_open(struct stream *stream, struct http_client *client,
		const struct stream_target *target, struct error *err)
{
	int r;

	stream_close(stream);
	stream->target = target;
	stream->loop = http_client_loop(client);
	stream->transfer.done = stream_on_connected;
	stream->socket.fd = -1;
	stream->socket.ready = stream_on_ready;
	stream->settle.fire = stream_on_settled;
	stream->report.run = stream_on_report;
	stream->chunk_bytes = stream->chunk_sent = 0;
	r = http_transfer_init(&stream->transfer, client, &target->tls, err);
	if (r < 0)
		return r;
	stream_set(stream);
	r = http_transfer_start(&stream->transfer, err);
	if (r < 0)
		stream_close(stream);
	return r;
}
