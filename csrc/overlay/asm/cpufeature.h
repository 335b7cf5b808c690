/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: a variable says whether the processor has a feature.  The kernel
 * patches its code instead; the code for the time before is in one section that
 * refers to every function that uses it, so the linker could drop none of them.
 */
#ifndef GD_CPUFEATURE_H
#define GD_CPUFEATURE_H
#include_next <asm/cpufeature.h>
#ifndef __ASSEMBLY__
#define _static_cpu_has(bit) boot_cpu_has(bit)
#endif
#endif
