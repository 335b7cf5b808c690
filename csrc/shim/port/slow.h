/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flags of VMAs and of faults, and the arguments and results of the slow path's
 * callees.  A row of a table that does not compile is removed.
 */
#ifndef GD_PORT_SLOW_H
#define GD_PORT_SLOW_H

#include "version.h"
#include <linux/sched/signal.h>

static const unsigned long port_vm_flag[GD_NR_VM_FLAGS] = {
	[GD_VM_READ] = VM_READ,
	[GD_VM_WRITE] = VM_WRITE,
	[GD_VM_EXEC] = VM_EXEC,
	[GD_VM_SHARED] = VM_SHARED,
	[GD_VM_MAYREAD] = VM_MAYREAD,
	[GD_VM_MAYWRITE] = VM_MAYWRITE,
	[GD_VM_MAYEXEC] = VM_MAYEXEC,
	[GD_VM_MAYSHARE] = VM_MAYSHARE,
	[GD_VM_GROWSDOWN] = VM_GROWSDOWN,
	[GD_VM_PFNMAP] = VM_PFNMAP,
	[GD_VM_IO] = VM_IO,
	[GD_VM_MIXEDMAP] = VM_MIXEDMAP,
	[GD_VM_LOCKED] = VM_LOCKED,
	[GD_VM_LOCKONFAULT] = VM_LOCKONFAULT,
	[GD_VM_HUGEPAGE] = VM_HUGEPAGE,
	[GD_VM_SOFTDIRTY] = VM_SOFTDIRTY,
	[GD_VM_UFFD_WP] = VM_UFFD_WP,
	[GD_VM_SHADOW_STACK] = VM_SHADOW_STACK,
	[GD_VM_PKEY_BIT0] = VM_PKEY_BIT0,
	[GD_VM_PKEY_BIT1] = VM_PKEY_BIT1,
};

/* constant since v6.3, "mm: introduce vma->vm_flags wrapper functions" */
static inline void port_set_vm_flags(struct vm_area_struct *vma, unsigned long flags)
{
	*(unsigned long *)&vma->vm_flags = flags;
}

/* v6.1: "mm: remove the vma linked list"; before, VMAs are in a list, by address */
#if GD_SINCE(6, 1) != GD_OTHER_VMA_LIST
static inline void port_set_next_vma(struct vm_area_struct *vma, struct vm_area_struct *next)
{
}
#else
static inline void port_set_next_vma(struct vm_area_struct *vma, struct vm_area_struct *next)
{
	vma->vm_next = next;
}
#endif

/*
 * v6.1, "hugetlb: add vma based lock for pmd sharing": a VMA whose page tables may be
 * shared has a lock.
 */
#if GD_SINCE(6, 1) && defined(CONFIG_HUGETLB_PAGE)
static inline void port_set_vma_lock(struct vm_area_struct *vma, u32 nr, bool is_shared)
{
	static struct hugetlb_vma_lock locks[GD_MAX_VMAS];

	vma->vm_private_data = is_shared ? &locks[nr] : NULL;
}
#else
static inline void port_set_vma_lock(struct vm_area_struct *vma, u32 nr, bool is_shared)
{
}
#endif

/* WRITE until v6.2, "mm: remove VM_FAULT_WRITE"; COMPLETED since v6.0 */
static const unsigned long port_fault[GD_NR_FAULTS] = {
	[GD_FAULT_OOM] = VM_FAULT_OOM,
	[GD_FAULT_SIGBUS] = VM_FAULT_SIGBUS,
	[GD_FAULT_HWPOISON] = VM_FAULT_HWPOISON,
	[GD_FAULT_HWPOISON_LARGE] = VM_FAULT_HWPOISON_LARGE,
	[GD_FAULT_SIGSEGV] = VM_FAULT_SIGSEGV,
	[GD_FAULT_NOPAGE] = VM_FAULT_NOPAGE,
	[GD_FAULT_LOCKED] = VM_FAULT_LOCKED,
	[GD_FAULT_RETRY] = VM_FAULT_RETRY,
	[GD_FAULT_FALLBACK] = VM_FAULT_FALLBACK,
	[GD_FAULT_MAJOR] = VM_FAULT_MAJOR,
	[GD_FAULT_COMPLETED] = VM_FAULT_COMPLETED,
	[GD_FAULT_WRITE] = VM_FAULT_WRITE,
};

static const unsigned long port_fault_flag[GD_NR_FAULT_FLAGS] = {
	[GD_FF_WRITE] = FAULT_FLAG_WRITE,
	[GD_FF_ALLOW_RETRY] = FAULT_FLAG_ALLOW_RETRY,
	[GD_FF_RETRY_NOWAIT] = FAULT_FLAG_RETRY_NOWAIT,
	[GD_FF_KILLABLE] = FAULT_FLAG_KILLABLE,
	[GD_FF_TRIED] = FAULT_FLAG_TRIED,
	[GD_FF_REMOTE] = FAULT_FLAG_REMOTE,
	[GD_FF_INTERRUPTIBLE] = FAULT_FLAG_INTERRUPTIBLE,
	[GD_FF_UNSHARE] = FAULT_FLAG_UNSHARE,
	[GD_FF_USER] = FAULT_FLAG_USER,
	[GD_FF_MKWRITE] = FAULT_FLAG_MKWRITE,
	[GD_FF_INSTRUCTION] = FAULT_FLAG_INSTRUCTION,
};

/* v6.1: "mmap: use the VMA iterator" and others; before, inline, with find_vma() */
#if GD_SINCE(6, 1)
#define PORT_HAS_FIND_VMA_INTERSECTION
#endif

/* v6.11: "mm/gup: introduce memfd_pin_folios() for pinning memfd folios" */
#if GD_SINCE(6, 11) && defined(CONFIG_MEMFD_CREATE) && defined(CONFIG_SHMEM)
#define PORT_HAS_MEMFD_PIN
#endif

/*
 * Allocations must be pinnable long-term.  v5.15: "mm: change PF_MEMALLOC_NOCMA
 * to PF_MEMALLOC_PIN" and others.
 */
#ifdef PF_MEMALLOC_PIN
#define PORT_MEMALLOC_PIN	PF_MEMALLOC_PIN
#else
#define PORT_MEMALLOC_PIN	PF_MEMALLOC_NOCMA
#endif

/* By how much an isolated page raises NR_ISOLATED.  Folios in gup.c: v5.18 */
#if GD_SINCE(5, 18)
#define port_nr_isolated(page)	folio_nr_pages((struct folio *)(page))
#else
#define port_nr_isolated(page)	thp_nr_pages(page)
#endif

/* v6.3: "mm: change to return bool for folio_isolate_lru()" and its kin */
#if GD_SINCE(6, 3) != GD_OTHER_ISOLATED
static inline int port_isolated(bool ok)
{
	return ok;
}
#else
static inline int port_isolated(bool ok)
{
	return ok ? 0 : -EBUSY;
}
#endif

#endif
