// SPDX-License-Identifier: GPL-2.0
/*
 * Inert: functions that the kernel code calls and whose effect is not compared.
 */
#include "../shim/harness.h"

void dump_vma(const struct vm_area_struct *vma) {}
void dump_mm(const struct mm_struct *mm) {}
void dump_stack(void) {}

int _printk(const char *fmt, ...)
{
	return 0;
}

/* does something only in debugging configurations of RCU */
void rcu_read_unlock_strict(void) {}

void __warn_printk(const char *fmt, ...) {}

/* called by name from assembly: it must preserve all registers */
void preempt_schedule_thunk(void) {}

int __cond_resched(void)
{
	return 0;
}
