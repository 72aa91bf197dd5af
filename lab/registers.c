/*
 * Lets User-mode Linux run on processors with AMX: it is loaded before the kernel.
 *
 * User-mode Linux 6.1 keeps 2696 bytes of each process' extended registers, which is all
 * there was with AVX-512, and sets no more. The host takes the whole of its own or nothing
 * (EFAULT, see xstateregs_set in the kernel's arch/x86/kernel/fpu/regset.c), and AMX has
 * 8 KiB beyond. So what is set here goes on with zeros behind it. They are never looked at:
 * the header among the first 2696 bytes says that nothing of AMX is in use, since no guest
 * has asked for it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

/* More than any processor has; the host takes what it knows. */
#define WHOLE_BYTES 16384

/* Not on the stack: a guest's are small. One thread alone asks, and is not interrupted by
 * another that does. */
static char whole[WHOLE_BYTES];

typedef long call(enum __ptrace_request, ...);

long ptrace(enum __ptrace_request request, ...)
{
	static call *next;
	struct iovec widened = { whole, WHOLE_BYTES };
	va_list arguments;
	pid_t pid;
	void *address, *data;

	va_start(arguments, request);
	pid = va_arg(arguments, pid_t);
	address = va_arg(arguments, void *);
	data = va_arg(arguments, void *);
	va_end(arguments);

	if (next == NULL)
		next = (call *)dlsym(RTLD_NEXT, "ptrace");
	if (request == PTRACE_SETREGSET && (unsigned long)address == NT_X86_XSTATE) {
		const struct iovec *said = data;

		if (said->iov_len < WHOLE_BYTES) {
			memcpy(whole, said->iov_base, said->iov_len);
			data = &widened;
		}
	}
	return next(request, pid, address, data);
}
