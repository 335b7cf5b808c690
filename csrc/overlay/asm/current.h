/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: `current` is a plain variable.  The kernel's own is a per-cpu one
 * whose addressing cannot be linked into a position-independent program.
 */
#ifndef GD_CURRENT_H
#define GD_CURRENT_H
#define get_current gd_hw_get_current
#include_next <asm/current.h>
#undef get_current
#undef current
#ifndef __ASSEMBLY__
extern struct task_struct *gd_current;
static __always_inline struct task_struct *get_current(void)
{
	return gd_current;
}
#define current get_current()
#endif
#endif
