/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash - crashes in one of many ways, for tests of what the kernel says about it.
 *
 *	crash [-n NAME] [-c COUNT] [-t] KIND
 *
 * -n sets the thread's name, -c does it in COUNT children one after the other, -t in a second
 * thread. Prints the process's id (with -c, the children's), so that a test finds its own lines.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The compiler must not know that it is NULL, or a kernel's address. */
static volatile uintptr_t zero;

static void crash_read(uintptr_t address)
{
	(void)*(volatile int *)address;
}

static void crash_null_read(void)
{
	crash_read(zero);
}

static void crash_null_write(void)
{
	*(volatile int *)zero = 1;
}

static void crash_call(uintptr_t address)
{
	void (*function)(void);

	memcpy(&function, &address, sizeof(function));
	function();
}

static void crash_null_exec(void)
{
	crash_call(zero);
}

/* Calls into data. */
static void crash_nx(void)
{
	static char data[64];

	crash_call((uintptr_t)data);
}

static void crash_kernel_address(void)
{
	crash_read((uintptr_t)0xffffffff81000000 + zero);
}

static void crash_abort(void)
{
	abort();
}

/* Behind the end of a mapped file. */
static void crash_bus(void)
{
	int fd = memfd_create("crash", 0);
	char *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (at != MAP_FAILED)
		crash_read((uintptr_t)at);
}

/* A system call that a filter answers with death. */
static void crash_seccomp(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { COUNT(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		syscall(__NR_getppid);
}

#if defined(__x86_64__)
static void crash_undefined(void)
{
	__asm__ volatile("ud2");
}

static void crash_breakpoint(void)
{
	__asm__ volatile("int3");
}

/* An address that is none: bits 47 to 63 differ. */
static void crash_gp(void)
{
	crash_read((uintptr_t)0x4141414141414141 + zero);
}

static void crash_stack_segment(void)
{
	__asm__ volatile("movabs $0x4141414141414141, %rsp\n\tpush %rax");
}

static void crash_divide(void)
{
	__asm__ volatile("xor %%edx, %%edx\n\tmov $1, %%eax\n\tdivl %0"
			 :
			 : "m"(zero)
			 : "eax", "edx");
}

/* With the flag AC set, a word must lie at its own multiple. */
static void crash_alignment(void)
{
	static char data[16];

	__asm__ volatile("pushfq\n\torl $0x40000, (%%rsp)\n\tpopfq\n\tmovl 1(%0), %%eax"
			 :
			 : "r"(data)
			 : "eax", "memory");
}

/* A vector that user mode may not raise. */
static void crash_interrupt(void)
{
	__asm__ volatile("int $0x42");
}

static void crash_sigreturn(void)
{
	__asm__ volatile("xor %%esp, %%esp\n\tsyscall" : : "a"(__NR_rt_sigreturn));
}

static void crash_vsyscall(void)
{
	crash_call((uintptr_t)0xffffffffff600123 + zero);
}
#elif defined(__aarch64__)
static void crash_undefined(void)
{
	__asm__ volatile("udf #0");
}

static void crash_breakpoint(void)
{
	__asm__ volatile("brk #1");
}

static void crash_alignment(void)
{
	__asm__ volatile("mov x1, #1\n\tbr x1");
}

static void crash_sigreturn(void)
{
	__asm__ volatile("mov x8, %0\n\tmov x9, #0\n\tmov sp, x9\n\tsvc #0"
			 :
			 : "i"(__NR_rt_sigreturn));
}
#endif

static const struct kind {
	const char *name;
	void (*crash)(void);
} kinds[] = {
	{ "null-read", crash_null_read },
	{ "null-write", crash_null_write },
	{ "null-exec", crash_null_exec },
	{ "nx", crash_nx },
	{ "kernel-address", crash_kernel_address },
	{ "abort", crash_abort },
	{ "bus", crash_bus },
	{ "seccomp", crash_seccomp },
#if defined(__x86_64__) || defined(__aarch64__)
	{ "undefined", crash_undefined },
	{ "breakpoint", crash_breakpoint },
	{ "alignment", crash_alignment },
	{ "sigreturn", crash_sigreturn },
#endif
#if defined(__x86_64__)
	{ "gp", crash_gp },
	{ "stack-segment", crash_stack_segment },
	{ "divide", crash_divide },
	{ "interrupt", crash_interrupt },
	{ "vsyscall", crash_vsyscall },
#endif
};

static const char *thread_name;

static void *crash_thread(void *kind)
{
	if (thread_name)
		prctl(PR_SET_NAME, thread_name);
	((const struct kind *)kind)->crash();
	return NULL;
}

/* Returns only when the crash did not come. */
static void crash_now(const struct kind *kind, int in_thread)
{
	const struct rlimit none = { 0, 0 };
	pthread_t thread;

	setrlimit(RLIMIT_CORE, &none);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	if (!in_thread)
		crash_thread((void *)kind);
	else if (pthread_create(&thread, NULL, crash_thread, (void *)kind) == 0)
		pthread_join(thread, NULL);
	fprintf(stderr, "crash: '%s' did no harm\n", kind->name);
}

static int usage(void)
{
	fprintf(stderr, "usage: crash [-n NAME] [-c COUNT] [-t] KIND\nkinds:");
	for (size_t n = 0; n < COUNT(kinds); n++)
		fprintf(stderr, " %s", kinds[n].name);
	fputc('\n', stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const struct kind *kind = NULL;
	long count = 0;
	int option, in_thread = 0;

	while ((option = getopt(argc, argv, "n:c:t")) != -1) {
		if (option == 'n')
			thread_name = optarg;
		else if (option == 'c')
			count = strtol(optarg, NULL, 10);
		else if (option == 't')
			in_thread = 1;
		else
			return usage();
	}
	for (size_t n = 0; n < COUNT(kinds) && optind < argc; n++)
		if (strcmp(argv[optind], kinds[n].name) == 0)
			kind = &kinds[n];
	if (!kind)
		return usage();
	if (count == 0)
		crash_now(kind, in_thread);
	for (; count > 0; count--) {
		pid_t pid = fork();

		if (pid == 0) {
			crash_now(kind, in_thread);
			return 1;
		}
		if (pid < 0 || waitpid(pid, NULL, 0) < 0)
			return 1;
	}
	return 0;
}
