/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: whether the processor has a feature is read from a variable.  The
 * kernel patches its code instead, and what it does until then goes into one
 * section that refers to every function that asks: none of them could be left
 * out.
 */
#ifndef GD_CPUFEATURE_H
#define GD_CPUFEATURE_H
#include_next <asm/cpufeature.h>
#ifndef __ASSEMBLY__
#define _static_cpu_has(bit) boot_cpu_has(bit)
#endif
#endif
