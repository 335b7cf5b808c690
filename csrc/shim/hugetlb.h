/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before mm/hugetlb.c.  In older kernels mm/gup.c calls functions
 * there to follow hugetlbfs VMAs.  These call the fault handler, the page cache
 * and the wait for migration; the script answers these calls as it answers
 * those of mm/gup.c.
 */
#ifndef GD_HUGETLB_H
#define GD_HUGETLB_H

#include "calls.h"
#include <linux/mm.h>
#include <linux/hugetlb.h>
#include <linux/swap.h>
#include <linux/swapops.h>

vm_fault_t gd_hugetlb_fault(struct vm_area_struct *vma, unsigned long address,
			    unsigned int flags);
bool gd_pagecache_present(struct vm_area_struct *vma, unsigned long address);
void gd_wait_at_entry(const void *entry);

#define hugetlb_fault(...)		GD_USE(hugetlb_fault, __VA_ARGS__)
#define GD_CALL_hugetlb_fault(mm, vma, address, flags) gd_hugetlb_fault(vma, address, flags)
#define hugetlbfs_pagecache_present(...) GD_USE(hugetlbfs_pagecache_present, __VA_ARGS__)
#define GD_CALL_hugetlbfs_pagecache_present(h, vma, address) gd_pagecache_present(vma, address)
#define __migration_entry_wait(mm, ptep, ...) gd_wait_at_entry(ptep)
#define __migration_entry_wait_huge(ptep, ...) gd_wait_at_entry(ptep)

#endif
