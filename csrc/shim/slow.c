// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of the slow path.  Included by unit.c, after walk.c;
 * operations whose functions have had other arguments are in port/slow.c.
 */

/* Entries of earlier operations must not look like results. */
static __always_inline struct page **op_pages_to_fill(const struct gd_op *op)
{
	gd_clear_list(op_ulong(op));
	return op_pages(op);
}

/* The final value of *locked, if it was passed. */
static __always_inline void ret_locked(struct gd_rec *ret, const int *locked)
{
	if (locked)
		ret->b = *locked ? GD_RB_LOCKED : GD_RB_UNLOCKED;
}

/* Does the operation have this flag, GD_FOLL_*? */
static __always_inline bool op_asks(const struct gd_op *op, u32 flag)
{
	return gd_canonical_foll(op_foll(op)) & 1u << flag;
}

/* The end of the operation's address range. */
static __always_inline unsigned long op_end(const struct gd_op *op)
{
	return op->addr + op_ulong(op) * PAGE_SIZE;
}

/* Like vma_lookup(), which old kernels do not have. */
static __always_inline struct vm_area_struct *op_vma(const struct gd_op *op)
{
	struct vm_area_struct *vma = find_vma(op_mm(op), op->addr);

	return vma && vma->vm_start <= op->addr ? vma : NULL;
}

/* with the mmap lock held throughout */
#define UNDER_LOCK(ROLE, call)							\
	OP(ROLE)								\
	{									\
		struct page **pages = op_pages_to_fill(op);			\
		unsigned long nr = op_ulong(op);				\
										\
		gd_hold_mmap_lock(op_mm(op), true);				\
		ret_pages(ret, call, pages);					\
	}

/* with the mmap lock held; the callee may drop it if `locked` is passed */
#define UNDER_LOCK_TO_DROP(ROLE, call)						\
	OP(ROLE)								\
	{									\
		struct page **pages = op_pages_to_fill(op);			\
		unsigned long nr = op_ulong(op);				\
		int value = op->arg % 3 == 1, *locked = op->arg % 3 ? &value : NULL; \
										\
		gd_hold_mmap_lock(op_mm(op), true);				\
		ret_pages(ret, call, pages);					\
		ret_locked(ret, locked);					\
	}

#define UNLOCKED(ROLE, fn)							\
	OP(ROLE)								\
	{									\
		struct page **pages = op_pages_to_fill(op);			\
										\
		ret_pages(ret, fn(op->addr, op_ulong(op), pages, op_foll(op)), pages); \
	}

/* arg: whether the callee may drop the mmap lock, and the initial *locked */
OP(FIXUP_USER_FAULT)
{
	unsigned int flags = (op_asks(op, GD_FOLL_WRITE) ? FAULT_FLAG_WRITE : 0) |
			     (op_asks(op, GD_FOLL_REMOTE) ? FAULT_FLAG_REMOTE : 0);
	bool value = op->arg % 3 == 2, *unlocked = op->arg % 3 ? &value : NULL;

	gd_hold_mmap_lock(op_mm(op), true);
	ret_errno(ret, fixup_user_fault(op_mm(op), op->addr, flags, unlocked));
	if (unlocked)
		ret->b = value ? GD_RB_UNLOCKED : GD_RB_LOCKED;
}

UNLOCKED(GET_USER_PAGES_UNLOCKED, get_user_pages_unlocked)
UNLOCKED(PIN_USER_PAGES_UNLOCKED, pin_user_pages_unlocked)
