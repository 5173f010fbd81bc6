/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/parcel.h"

int channel_open(int ret_fds[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0)
		return error_errno(err, errno, "make a socket pair");
	return 0;
}

int channel_send(int fd, enum channel_word word, int passed_fd, struct error *err)
{
	struct channel_message message;
	int r;

	memset(&message, 0, sizeof(message));
	message.word = word;
	r = parcel_send(fd, &message, sizeof(message), passed_fd);
	return r < 0 ? error_errno(err, -r, "speak to the other process") : 0;
}

int channel_send_bind(int fd, const char *target, int mount_fd, struct error *err)
{
	struct channel_message message;
	int r;

	memset(&message, 0, sizeof(message));
	message.word = CHANNEL_bind;
	if (slice_copy(slice_of(target), message.err.text, sizeof(message.err.text)) !=
	    strlen(target))
		return error_say(err, ENAMETOOLONG, "the place '%.100s...' is too long", target);
	r = parcel_send(fd, &message, sizeof(message), mount_fd);
	return r < 0 ? error_errno(err, -r, "speak to the other process") : 0;
}

int channel_next_bind(int fd, char *target, size_t room, int *ret_fd, struct error *err)
{
	struct channel_message message;
	ssize_t n;

	*ret_fd = -1;
	do {
		n = recv(fd, &message, sizeof(message), MSG_PEEK);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(message) || message.word != CHANNEL_bind)
		return 0;
	n = parcel_receive(fd, &message, sizeof(message), ret_fd);
	if (n != sizeof(message) || *ret_fd < 0)
		return error_say(err, EPROTO, "a bind came without its mount");
	message.err.text[sizeof(message.err.text) - 1] = '\0';
	slice_copy(slice_of(message.err.text), target, room);
	return 0;
}

void channel_fail(int fd, const struct error *err)
{
	struct channel_message message;

	memset(&message, 0, sizeof(message));
	message.word = CHANNEL_failed;
	message.err = *err;
	(void)!parcel_send(fd, &message, sizeof(message), -1);
}

int channel_hear(int fd, struct channel_message *message, int *ret_fd, struct error *err)
{
	ssize_t n;

	n = parcel_receive(fd, message, sizeof(*message), ret_fd);
	if (n == 0 || n == -ECONNRESET)
		return error_say(err, EPIPE, "the other process has ended without a word");
	if (n < 0)
		return error_errno(err, (int)-n, "hear the other process");
	if (n != sizeof(*message))
		return error_say(err, EPROTO, "the other process said something unexpected");
	message->err.text[sizeof(message->err.text) - 1] = '\0';
	return 0;
}

int channel_wait(int fd, enum channel_word word, int *ret_fd, struct error *err)
{
	struct channel_message message;
	int r = channel_hear(fd, &message, ret_fd, err);

	if (r < 0)
		return r;
	if (message.word != word && message.word != CHANNEL_failed)
		return error_say(err, EPROTO, "the other process said something unexpected");
	if (message.word != CHANNEL_failed)
		return 0;
	if (err)
		*err = message.err;
	return message.err.code > 0 ? -message.err.code : -EIO;
}

int channel_send_fd(int socket_fd, int passed_fd, const char *words, struct error *err)
{
	int r = parcel_send(socket_fd, words, strlen(words), passed_fd);

	return r < 0 ? error_errno(err, -r, "send a file descriptor") : 0;
}

int channel_get_fd(int socket_fd, int *ret_fd, struct error *err)
{
	char words[64];
	ssize_t n = parcel_receive(socket_fd, words, sizeof(words), ret_fd);

	if (n < 0)
		return error_errno(err, (int)-n, "get a file descriptor");
	return *ret_fd < 0 ? error_say(err, EPIPE, "no file descriptor came") : 0;
}

int channel_connect(const char *path, int type, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	auto_fd int at = -1;

	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	if (strlen(path) < sizeof(address.sun_path)) {
		slice_copy(slice_of(path), address.sun_path, sizeof(address.sun_path));
	} else {
		/* 108 bytes are few: engines' directories are deep. */
		at = open(path, O_PATH | O_CLOEXEC);
		if (at < 0)
			return error_errno(err, errno, "connect to '%s'", path);
		snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", at);
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, errno, "connect to '%s'", path);
	return take_fd(&fd);
}
