/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: a constant that the kernel patches into its code at boot stays the
 * variable that it is patched from.
 */
#ifndef GD_RUNTIME_CONST_H
#define GD_RUNTIME_CONST_H
#include_next <asm/runtime-const.h>
#ifndef __ASSEMBLY__
#undef runtime_const_ptr
#define runtime_const_ptr(sym) (sym)
#endif
#endif
