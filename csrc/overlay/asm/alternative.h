/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: calls that the kernel patches at boot to choose one of several
 * functions cannot be linked into a position-independent program.  They clear
 * and copy memory, which no code here needs.
 */
#ifndef GD_ALTERNATIVE_H
#define GD_ALTERNATIVE_H
#include_next <asm/alternative.h>
#ifndef __ASSEMBLY__
#undef alternative_call_2
#define alternative_call_2(...) __builtin_trap()
#endif
#endif
