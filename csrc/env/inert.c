// SPDX-License-Identifier: GPL-2.0
/*
 * Inert: called by the kernel code, without an effect that anyone compares.
 */
#include "../shim/harness.h"

void dump_vma(const struct vm_area_struct *vma) {}
void dump_mm(const struct mm_struct *mm) {}
void dump_stack(void) {}

int _printk(const char *fmt, ...)
{
	return 0;
}

/* only a configuration of RCU that looks for mistakes has it do something */
void rcu_read_unlock_strict(void) {}

void __warn_printk(const char *fmt, ...) {}

/* called by its name, from assembly: all registers stay */
void preempt_schedule_thunk(void) {}

int __cond_resched(void)
{
	return 0;
}
