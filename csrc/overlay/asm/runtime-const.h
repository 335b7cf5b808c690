/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: the kernel patches some constants into its code at boot; here they
 * are read from the variables.
 */
#ifndef GD_RUNTIME_CONST_H
#define GD_RUNTIME_CONST_H
#include_next <asm/runtime-const.h>
#ifndef __ASSEMBLY__
#undef runtime_const_ptr
#define runtime_const_ptr(sym) (sym)
#endif
#endif
