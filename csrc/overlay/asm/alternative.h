/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: a call that the kernel patches to be of one function or another
 * cannot be linked into a position-independent program.  They clear and copy
 * memory, which nothing here has a reason to do.
 */
#ifndef GD_ALTERNATIVE_H
#define GD_ALTERNATIVE_H
#include_next <asm/alternative.h>
#ifndef __ASSEMBLY__
#undef alternative_call_2
#define alternative_call_2(...) __builtin_trap()
#endif
#endif
