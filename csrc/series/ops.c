// SPDX-License-Identifier: GPL-2.0
/*
 * The page-level operations of the series: each calls one function with
 * operands from the program.  Included by unit.c, see ../shim/ops.c.
 */
#include "harness.h"

/* ---- references ---- */
OP(GET_PAGE)		{ get_page(op_page(op)); }
OP(TRY_GET_PAGE)	{ ret_bool(ret, try_get_page(op_page(op))); }
OP(TRY_GET_FOLIO)	{ ret_head(ret, try_get_compound_head(op_page(op), op->n)); }
OP(PUT_PAGE)		{ put_page(op_page(op)); }
OP(PAGE_REF_SUB_RETURN)	{ ret_int(ret, page_ref_sub_return(op_page(op), op->n)); }

/* ---- grab ---- */
OP(GRAB_SLOW)
{
#if GD_SERIES == 8
	grab_page(op_page(op), op_foll(op));
	ret_errno(ret, 0);
#else
	ret_errno(ret, try_grab_page(op_page(op), op_foll(op)) ? 0 : -ENOMEM);
#endif
}

OP(GRAB_FAST)			{ ret_head(ret, try_grab_compound_head(op_page(op), op->n, op_foll(op))); }
OP(TRY_PIN_COMPOUND_HEAD)	{ ret_head(ret, try_pin_compound_head(op_page(op), op->n)); }
#if GD_SERIES == 9 || GD_SERIES == 10
OP(CLOSE_TO_BIAS_OVERFLOW)	{ ret_bool(ret, page_ref_zero_or_close_to_bias_overflow(op_page(op))); }
#endif

/* ---- put and unpin ---- */
OP(GUP_PUT_FOLIO)	{ put_compound_head(op_head(op), op->n, op_foll(op)); }
OP(UNPIN_USER_PAGE)	{ unpin_user_page(op_page(op)); }

OP(UNPIN_USER_PAGES)
{
	unsigned long npages = op_list(op, false);

	unpin_user_pages(gd.list, npages);
}

OP(UNPIN_USER_PAGES_DIRTY_LOCK)
{
	unsigned long npages = op_list(op, false);

	unpin_user_pages_dirty_lock(gd.list, npages, op->mods & GD_MOD_DIRTY);
}

OP(PAGE_MAYBE_DMA_PINNED)	{ ret_bool(ret, page_dma_pinned(op_page(op))); }

/* ---- call sites of the slow path ---- */
OP(FOLLOW_PAGE_PTE)	{ ret_page(ret, follow_page_pte(op_page(op), op_foll(op), op->arg & 1)); }
OP(FOLLOW_PAGE_MASK)	{ ret_page(ret, follow_page_mask(op_page(op), op_foll(op))); }
OP(FOLLOW_DEVMAP_PMD)	{ ret_page(ret, follow_devmap_pmd(op_page(op), op_foll(op))); }
OP(FOLLOW_DEVMAP_PUD)	{ ret_page(ret, follow_devmap_pud(op_page(op), op_foll(op))); }
OP(FOLLOW_HUGE_PMD)	{ ret_page(ret, follow_huge_pmd(op_page(op), op_foll(op))); }
OP(FOLLOW_HUGE_PUD)	{ ret_page(ret, follow_huge_pud(op_page(op), op_foll(op))); }
OP(FOLLOW_HUGE_PGD)	{ ret_page(ret, follow_huge_pgd(op_page(op), op_foll(op))); }
OP(FOLLOW_TRANS_HUGE_PMD)
{
	ret_page(ret, follow_trans_huge_pmd(op_page(op), op_foll(op), op->arg & 1));
}

OP(FOLLOW_HUGETLB_PAGE)
{
	long nr = follow_hugetlb_page(op_page(op), op->n, op_foll(op), gd.list);

	ret_int(ret, nr);
	if (nr > 0)
		gd.nr_entries = nr;
}

/* ---- call sites of the lockless walk ---- */
OP(GUP_PTE_RANGE)
{
	int nr = 0;

	ret_int(ret, gup_pte_range(op_page(op), op_foll(op), op->arg & 1, gd.list, &nr));
	gd.nr_entries = nr;
}

#define OP_HUGE(role, function)							\
OP(role)									\
{										\
	int nr = 0;								\
										\
	ret_int(ret, function(op_page(op), op->n, op_foll(op), op->arg & 1,	\
			      gd.list, &nr));					\
	gd.nr_entries = nr;							\
}

OP_HUGE(GUP_HUGEPTE, gup_hugepte)
OP_HUGE(GUP_HUGE_PMD, gup_huge_pmd)
OP_HUGE(GUP_HUGE_PUD, gup_huge_pud)
OP_HUGE(GUP_HUGE_PGD, gup_huge_pgd)

OP(GUP_DEVICE_HUGE)
{
	int nr = 0;

	/* enough to fail at any page, and far from the step limit */
	ret_int(ret, __gup_device_huge(op_page(op), clamp_t(int, op->n, 0, 64),
				       op_foll(op), op->arg, gd.list, &nr));
	gd.nr_entries = nr;
}

/* ---- flag checks of the wrappers ---- */
OP(CHECK_PIN_USER_PAGES)	{ ret_int(ret, pin_user_pages(op_foll(op))); }
OP(CHECK_PIN_USER_PAGES_REMOTE)	{ ret_int(ret, pin_user_pages_remote(op_foll(op), op->arg & 1)); }
OP(CHECK_PIN_USER_PAGES_FAST)	{ ret_int(ret, pin_user_pages_fast(op_foll(op))); }
OP(CHECK_GET_USER_PAGES)	{ ret_int(ret, get_user_pages(op_foll(op))); }
OP(CHECK_GET_USER_PAGES_REMOTE)	{ ret_int(ret, get_user_pages_remote(op_foll(op))); }
OP(CHECK_GET_USER_PAGES_LOCKED)	{ ret_int(ret, get_user_pages_locked(op_foll(op))); }
OP(CHECK_GET_USER_PAGES_UNLOCKED) { ret_int(ret, get_user_pages_unlocked(op_foll(op))); }
OP(CHECK_GET_USER_PAGES_FAST)	{ ret_int(ret, get_user_pages_fast(op_foll(op))); }
