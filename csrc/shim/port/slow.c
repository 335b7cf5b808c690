// SPDX-License-Identifier: GPL-2.0
/*
 * Entry points of the slow path that have had other arguments; the others are in
 * ../slow.c.
 */

/* v6.5: "mm/gup: remove vmas parameter from get_user_pages_remote()" and its kin */
#if GD_SINCE(6, 5)
UNDER_LOCK(GET_USER_PAGES, get_user_pages(op->addr, nr, op_foll(op), pages))
UNDER_LOCK(PIN_USER_PAGES, pin_user_pages(op->addr, nr, op_foll(op), pages))
UNDER_LOCK_TO_DROP(GET_USER_PAGES_REMOTE,
		   get_user_pages_remote(&gd_mm, op->addr, nr, op_foll(op), pages, locked))
UNDER_LOCK_TO_DROP(PIN_USER_PAGES_REMOTE,
		   pin_user_pages_remote(&gd_mm, op->addr, nr, op_foll(op), pages, locked))
#else
UNDER_LOCK(GET_USER_PAGES, get_user_pages(op->addr, nr, op_foll(op), pages, NULL))
UNDER_LOCK(PIN_USER_PAGES, pin_user_pages(op->addr, nr, op_foll(op), pages, NULL))
UNDER_LOCK_TO_DROP(GET_USER_PAGES_REMOTE,
		   get_user_pages_remote(&gd_mm, op->addr, nr, op_foll(op), pages, NULL, locked))
UNDER_LOCK_TO_DROP(PIN_USER_PAGES_REMOTE,
		   pin_user_pages_remote(&gd_mm, op->addr, nr, op_foll(op), pages, NULL, locked))
#endif

/*
 * Callers look the VMA up; where there is none they do not come here.  v5.18:
 * "mm/munlock: delete FOLL_MLOCK and FOLL_POPULATE"; before, pages are mlocked, which
 * is not modelled for all of them.
 */
#if GD_SINCE(5, 18)
OP(POPULATE_VMA_PAGE_RANGE)
{
	struct vm_area_struct *vma = find_vma(&gd_mm, op->addr);
	unsigned long end = op->addr + op_ulong(op) * PAGE_SIZE;
	int value = op->arg % 3 == 1, *locked = op->arg % 3 ? &value : NULL;

	gd_hold_mmap_lock(true);
	if (!vma || op->addr < vma->vm_start) {
		ret_int(ret, -ENOMEM);
		return;
	}
	ret_int(ret, populate_vma_page_range(vma, op->addr, end, locked));
	if (locked)
		ret->b = value ? GD_RB_LOCKED : GD_RB_UNLOCKED;
}
#endif

/* v6.9: "mm/madvise: make MADV_POPULATE_(READ|WRITE) handle VM_FAULT_RETRY properly" */
#if GD_SINCE(6, 9)
OP(FAULTIN_PAGE_RANGE)
{
	bool write = gd_canonical_foll(op_foll(op)) & 1u << GD_FOLL_WRITE;
	unsigned long end = op->addr + op_ulong(op) * PAGE_SIZE;
	int locked = 1;

	gd_hold_mmap_lock(true);
	ret_int(ret, faultin_page_range(&gd_mm, op->addr, end, write, &locked));
	ret->b = locked ? GD_RB_LOCKED : GD_RB_UNLOCKED;
}
#elif GD_SINCE(5, 14)
OP(FAULTIN_PAGE_RANGE)
{
	bool write = gd_canonical_foll(op_foll(op)) & 1u << GD_FOLL_WRITE;
	struct vm_area_struct *vma = find_vma(&gd_mm, op->addr);
	unsigned long end = op->addr + op_ulong(op) * PAGE_SIZE;
	int locked = 1;

	gd_hold_mmap_lock(true);
	if (!vma || op->addr < vma->vm_start) {
		ret_int(ret, -ENOMEM);
		return;
	}
	ret_int(ret, faultin_vma_page_range(vma, op->addr, end, write, &locked));
	ret->b = locked ? GD_RB_LOCKED : GD_RB_UNLOCKED;
}
#endif

/*
 * v6.15: "mm/gup: ... get_dump_page()" takes and drops the mmap lock no more, its caller
 * does.  The argument is passed in any case; a function without it does not look.
 */
#define PORT_DUMP_PAGE_UNLOCKED						\
	__builtin_types_compatible_p(typeof(get_dump_page), struct page *(unsigned long))

OP(GET_DUMP_PAGE)
{
	struct page *(*dump)(unsigned long, int *) = (void *)get_dump_page;
	int locked = 1;

	gd_hold_mmap_lock(!PORT_DUMP_PAGE_UNLOCKED);
	ret_page(ret, dump(op->addr, &locked));
	if (!PORT_DUMP_PAGE_UNLOCKED)
		ret->b = locked ? GD_RB_LOCKED : GD_RB_UNLOCKED;
}
