// SPDX-License-Identifier: GPL-2.0
/*
 * How an operation ends before it returns: BUG, memory fault, step limit, or a
 * call of something that the harness does not provide.  All use longjmp, over C
 * frames only.
 */
#include "harness.h"

struct gd_harness gd;

/* WARN_ON_ONCE in VM_WARN_ON_ONCE_PAGE and similar macros: see gd_warn() */
extern char gd_once_start[], gd_once_end[];

void gd_warn(struct gd_site *site)
{
	char *latch;

	gd_after();
	gd_record(GD_R_WARN)->c = site->id;
	for (latch = gd_once_start; latch < gd_once_end; latch++)
		*latch = 0;
}

/* of AddressSanitizer, where there is one: the stack has no frames with redzones now */
void __asan_handle_no_return(void) __attribute__((__weak__));

static enum gd_stop gd_why;

void gd_stop(enum gd_stop why)
{
	gd_why = why;
	if (!gd.in_kernel)
		__builtin_trap();	/* a fault of the harness stays a crash */
	if (__asan_handle_no_return)
		__asan_handle_no_return();
	__builtin_longjmp(gd.jmp, 1);
}

void gd_bug(struct gd_site *site)
{
	gd_after();
	gd_record(GD_R_BUG)->c = site->id;
	gd_stop(GD_STOP_BUG);
}

void gd_oops(void)
{
	if (gd.in_kernel)
		gd_after();
	gd_record(GD_R_OOPS);
	gd_stop(GD_STOP_OOPS);
}

void gd_gap(u32 index)
{
	gd_after();
	gd_record(GD_R_GAP)->c = index;
	gd_stop(GD_STOP_GAP);
}

/* The operation has taken too many steps. */
void gd_limit(void)
{
	gd_record(GD_R_LIMIT);
	gd_stop(GD_STOP_LIMIT);
}

/* Run one operation; returns how it ended. */
int noinline gd_guarded(gd_op_fn fn, const struct gd_op *op, struct gd_rec *ret)
{
	if (__builtin_setjmp(gd.jmp)) {
		gd.in_kernel = 0;
		gd_forget();
		return gd_why;
	}
	gd.in_kernel = 1;
	fn(op, ret);
	gd_after();
	gd.in_kernel = 0;
	return GD_STOP_NONE;
}
