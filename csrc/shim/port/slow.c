// SPDX-License-Identifier: GPL-2.0
/*
 * Entry points of the slow path whose arguments have changed; the others are in
 * ../slow.c.
 */

#include "slow.h"

/* v6.5: "mm/gup: remove vmas parameter from get_user_pages_remote()" and its kin */
#if GD_SINCE(6, 5)
UNDER_LOCK(GET_USER_PAGES, get_user_pages(op->addr, nr, op_foll(op), pages))
UNDER_LOCK(PIN_USER_PAGES, pin_user_pages(op->addr, nr, op_foll(op), pages))
UNDER_LOCK_TO_DROP(GET_USER_PAGES_REMOTE,
		   get_user_pages_remote(op_mm(op), op->addr, nr, op_foll(op), pages, locked))
UNDER_LOCK_TO_DROP(PIN_USER_PAGES_REMOTE,
		   pin_user_pages_remote(op_mm(op), op->addr, nr, op_foll(op), pages, locked))
#else
UNDER_LOCK(GET_USER_PAGES, get_user_pages(op->addr, nr, op_foll(op), pages, NULL))
UNDER_LOCK(PIN_USER_PAGES, pin_user_pages(op->addr, nr, op_foll(op), pages, NULL))
UNDER_LOCK_TO_DROP(GET_USER_PAGES_REMOTE,
		   get_user_pages_remote(op_mm(op), op->addr, nr, op_foll(op), pages, NULL, locked))
UNDER_LOCK_TO_DROP(PIN_USER_PAGES_REMOTE,
		   pin_user_pages_remote(op_mm(op), op->addr, nr, op_foll(op), pages, NULL, locked))
#endif

/* v5.18: "mm/gup: remove unused get_user_pages_locked()", and the same of pins */
#if !GD_SINCE(5, 18)
UNDER_LOCK_TO_DROP(GET_USER_PAGES_LOCKED,
		   get_user_pages_locked(op->addr, nr, op_foll(op), pages, locked))
UNDER_LOCK_TO_DROP(PIN_USER_PAGES_LOCKED,
		   pin_user_pages_locked(op->addr, nr, op_foll(op), pages, locked))
#endif

/* The caller looks up the VMA.  v6.12: "mm: remove follow_page()". */
#if !GD_SINCE(6, 12)
OP(FOLLOW_PAGE)
{
	struct vm_area_struct *vma = op_vma(op);

	gd_hold_mmap_lock(op_mm(op), true);
	ret_page(ret, vma ? follow_page(vma, op->addr, op_foll(op)) : ERR_PTR(-EFAULT));
}
#endif

/* The caller looks up the VMA, and does not call if there is none. */
OP(POPULATE_VMA_PAGE_RANGE)
{
	struct vm_area_struct *vma = op_vma(op);
	int value = op->arg % 3 == 1, *locked = op->arg % 3 ? &value : NULL;

	gd_hold_mmap_lock(op_mm(op), true);
	if (!vma) {
		ret_int(ret, -ENOMEM);
		return;
	}
	ret_int(ret, populate_vma_page_range(vma, op->addr, op_end(op), locked));
	ret_locked(ret, locked);
}

/* callers align the start to a page; otherwise it would make no progress */
OP(MM_POPULATE)
{
	gd_hold_mmap_lock(op_mm(op), false);
	ret_errno(ret, __mm_populate(op->addr & PAGE_MASK, op_ulong(op) * PAGE_SIZE, op->arg & 1));
}

/*
 * v5.16, "gup: Turn fault_in_pages_{readable,writeable} into fault_in_{readable,writeable}",
 * which went to 5.15
 */
#if GD_SINCE(5, 15)
#define FAULT_IN(ROLE, fn)							\
	OP(ROLE)								\
	{									\
		gd_hold_mmap_lock(op_mm(op), false);					\
		ret_int(ret, fn((void __user *)op->addr, (long)op->val));	\
	}

FAULT_IN(FAULT_IN_READABLE, fault_in_readable)
FAULT_IN(FAULT_IN_WRITEABLE, fault_in_writeable)
FAULT_IN(FAULT_IN_SAFE_WRITEABLE, fault_in_safe_writeable)
#endif

/* v5.19: "mm: Add fault_in_subpage_writeable() to probe at sub-page granularity" */
#if GD_SINCE(5, 19)
FAULT_IN(FAULT_IN_SUBPAGE_WRITEABLE, fault_in_subpage_writeable)
#endif

#if GD_SINCE(5, 14)
/*
 * v6.9: "mm/madvise: make MADV_POPULATE_(READ|WRITE) handle VM_FAULT_RETRY
 * properly"; before, the caller looks up the VMA.
 */
static __always_inline long port_faultin(const struct gd_op *op, bool write, int *locked)
{
#if GD_SINCE(6, 9)
	return faultin_page_range(op_mm(op), op->addr, op_end(op), write, locked);
#else
	struct vm_area_struct *vma = op_vma(op);

	return vma ? faultin_vma_page_range(vma, op->addr, op_end(op), write, locked) : -ENOMEM;
#endif
}

OP(FAULTIN_PAGE_RANGE)
{
	bool write = op_asks(op, GD_FOLL_WRITE);
	int locked = 1;

	gd_hold_mmap_lock(op_mm(op), true);
	ret_int(ret, port_faultin(op, write, &locked));
	ret_locked(ret, &locked);
}
#endif

/*
 * After v6.12 the caller of get_dump_page() takes and drops the mmap lock.  The
 * argument is always passed; a function without the parameter ignores it.
 */
#define PORT_DUMP_PAGE_UNLOCKED						\
	__builtin_types_compatible_p(typeof(get_dump_page), struct page *(unsigned long))

OP(GET_DUMP_PAGE)
{
	struct page *(*dump)(unsigned long, int *) = (void *)get_dump_page;
	int locked = 1;

	gd_hold_mmap_lock(op_mm(op), !PORT_DUMP_PAGE_UNLOCKED);
	ret_page(ret, dump(op->addr, &locked));
	ret_locked(ret, PORT_DUMP_PAGE_UNLOCKED ? NULL : &locked);
}

#ifdef PORT_HAS_MEMFD_PIN
/* a separate record shows the resulting *offset */
OP(MEMFD_PIN_FOLIOS)
{
	loff_t end = op->addr + op_ulong(op) * PAGE_SIZE - 1;
	pgoff_t offset = ~0ul;
	long nr;

	gd_clear_list((u32)op->val);
	gd_hold_mmap_lock(op_mm(op), false);
	nr = memfd_pin_folios(gd_memfd(op->arg), op->addr, end, (struct folio **)gd.list, op->val,
			      &offset);
	if (offset != ~0ul)
		gd_ask(GD_A_OFFSET)->d = offset;
	ret_pages(ret, nr, gd.list);
}
#endif
