/* SPDX-License-Identifier: Apache-2.0 */
/* auto - ownership on the line of declaration: what leaves scope is freed or closed. */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* The caller has to look at the result. */
#define must_check __attribute__((warn_unused_result))
/* Argument `fmt` is a printf format, its values start at argument `first`. */
#define printf_like(fmt, first) __attribute__((format(printf, fmt, first)))

#define array_count(array) (sizeof(array) / sizeof((array)[0]))

/* The object of `type` whose `member` is at `pointer`. */
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void auto_free_pointer(void *pointer_at)
{
	free(*(void **)pointer_at);
}

static inline void auto_close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd); /* once: on Linux the fd is gone even after EINTR */
}

#define auto_free __attribute__((cleanup(auto_free_pointer)))
#define auto_fd	  __attribute__((cleanup(auto_close_fd)))

/* Hand ownership on: yields the value and leaves NULL (or -1) behind. */
#define take_ptr(pointer)                                                                          \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
