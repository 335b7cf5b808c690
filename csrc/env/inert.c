// SPDX-License-Identifier: GPL-2.0
/*
 * Inert: called by the kernel code, without an effect that anyone compares.
 */
#include "../shim/harness.h"

#if GD_SINCE(6, 12)
void dump_page(const struct page *page, const char *reason) {}
#else
void dump_page(struct page *page, const char *reason) {}
#endif
void dump_vma(const struct vm_area_struct *vma) {}
void dump_mm(const struct mm_struct *mm) {}
void dump_stack(void) {}

int _printk(const char *fmt, ...)
{
	return 0;
}

void __warn_printk(const char *fmt, ...) {}

int __cond_resched(void)
{
	return 0;
}
