// SPDX-License-Identifier: GPL-2.0
/*
 * Records which blocks of the code under test are executed, for `gupdiff
 * coverage` (csrc/flavours/lines).  Each block calls this function first, as in
 * a kernel with CONFIG_KCOV.  The loader knows the addresses of the calls, and
 * clears the bytes that it reads.
 */
extern const char __ehdr_start[] __attribute__((__visibility__("hidden")));

/* a byte for each byte of code; those of return addresses are used */
unsigned char gd_executed[1 << 23];

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	unsigned long at = (const char *)__builtin_return_address(0) - __ehdr_start;

	if (at < sizeof(gd_executed))
		gd_executed[at] = 1;
}
