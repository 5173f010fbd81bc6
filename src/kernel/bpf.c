/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/bpf.h"

#include <bpf/libbpf.h>
#include <stdarg.h>

/* libbpf speaks through one function for the whole process. */
static char bpf_words[160];

static int printf_like(2, 0) bpf_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	size_t end;

	/* The first warning is the cause, those that follow are its consequences. */
	if (level != LIBBPF_WARN || bpf_words[0])
		return 0;
	vsnprintf(bpf_words, sizeof(bpf_words), fmt, args);
	end = strcspn(bpf_words, "\n");
	bpf_words[end] = '\0';
	return 0;
}

void bpf_setup(void)
{
	libbpf_set_print(bpf_print);
}

const char *bpf_errno_name(int code)
{
	static char other[16];
	const char *name = strerrorname_np(code);

	if (name)
		return name;
	snprintf(other, sizeof(other), "errno %d", code);
	return other;
}

int bpf_error(struct error *err, int code, const char *step)
{
	char words[sizeof(bpf_words)];

	memcpy(words, bpf_words, sizeof(words));
	bpf_words[0] = '\0';
	if (words[0] && strncmp(words, "libbpf: ", 8) == 0)
		return error_say(err, code, "%s: refused (%s): %s", step, bpf_errno_name(code),
				 words + 8);
	return error_say(err, code, "%s: refused (%s)", step, bpf_errno_name(code));
}
