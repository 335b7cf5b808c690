// SPDX-License-Identifier: GPL-2.0
/*
 * Operations with several variants; those that are the same in all kernels are
 * in ../ops.c.
 *
 * If a block does not compile, every other block of its role is tried before
 * the operation counts as absent (csrc/sides/src/compile/detect.rs).  So the
 * version in an #if need not be exact, unless a name has had two meanings.
 * Every variant is a block of its own, without #if inside.
 */

#include "mapping.h"

/* a macro, so that compile errors point into the operation */
#define op_page_folio(op)	page_folio(op_page(op))

/* ---- references ---- */

/* v5.16: "mm: Add folio_try_get()" and others; before, these take head pages */
#if GD_SINCE(6, 10)
OP(FOLIO_TRY_GET)	{ ret_bool(ret, folio_try_get(op_folio(op))); }
OP(FOLIO_REF_TRY_ADD)	{ ret_bool(ret, folio_ref_try_add(op_folio(op), op->n)); }
#elif GD_SINCE(5, 16)
/* v6.10: "mm: page_ref: remove folio_try_get_rcu()" */
OP(FOLIO_TRY_GET)	{ ret_bool(ret, folio_try_get(op_folio(op))); }
OP(FOLIO_TRY_GET_RCU)	{ ret_bool(ret, folio_try_get_rcu(op_folio(op))); }
OP(FOLIO_REF_TRY_ADD)	{ ret_bool(ret, folio_ref_try_add_rcu(op_folio(op), op->n)); }
#else
OP(FOLIO_TRY_GET)	{ ret_bool(ret, get_page_unless_zero(op_head(op))); }
OP(FOLIO_TRY_GET_RCU)	{ ret_bool(ret, page_cache_get_speculative(op_head(op))); }
OP(FOLIO_REF_TRY_ADD)	{ ret_bool(ret, page_cache_add_speculative(op_head(op), op->n)); }
#endif

/* v5.18: "mm/gup: Convert try_get_compound_head() to try_get_folio()" and its kin */
#if GD_SINCE(5, 18)
OP(TRY_GET_FOLIO)	{ ret_folio(ret, try_get_folio(op_page(op), op->n)); }
OP(GUP_PUT_FOLIO)	{ gup_put_folio(op_folio(op), op->n, op_foll(op)); }
#else
OP(TRY_GET_FOLIO)	{ ret_head(ret, try_get_compound_head(op_page(op), op->n)); }
OP(GUP_PUT_FOLIO)	{ put_compound_head(op_head(op), op->n, op_foll(op)); }
#endif

#if GD_SINCE(6, 12)
OP(PUT_DEVMAP_MANAGED)	{ ret_bool(ret, put_devmap_managed_folio_refs(op_folio(op), op->n)); }
#else
OP(PUT_DEVMAP_MANAGED)	{ ret_bool(ret, put_devmap_managed_page_refs(&op_folio(op)->page, op->n)); }
#endif

/* it takes the count without checking its argument */
#if GD_SINCE(6, 12)
OP(PAGE_REF_SUB_RETURN)
{
	ret_int(ret, folio_ref_sub_return((struct folio *)op_page(op), op->n));
}
#else
OP(PAGE_REF_SUB_RETURN)	{ ret_int(ret, page_ref_sub_return(op_page(op), op->n)); }
#endif

/* ---- grab ---- */

/*
 * v6.10, "mm: gup: stop abusing try_grab_folio": the name moves from the fast
 * helper to the slow one.  v6.2, "mm: allow multiple error returns in
 * try_grab_page()": an errno instead of a bool.  v5.18: "mm/gup: Convert
 * try_grab_compound_head() to try_grab_folio()".
 */
#if GD_SINCE(6, 10)
OP(GRAB_SLOW)		{ ret_errno(ret, try_grab_folio(op_page_folio(op), op->n, op_foll(op))); }
OP(GRAB_FAST)		{ ret_folio(ret, try_grab_folio_fast(op_page(op), op->n, op_foll(op))); }
#elif GD_SINCE(6, 2)
OP(GRAB_SLOW)		{ ret_errno(ret, try_grab_page(op_page(op), op_foll(op))); }
OP(GRAB_FAST)		{ ret_folio(ret, try_grab_folio(op_page(op), op->n, op_foll(op))); }
#elif GD_SINCE(5, 18)
OP(GRAB_SLOW)		{ ret_errno(ret, try_grab_page(op_page(op), op_foll(op)) ? 0 : -ENOMEM); }
OP(GRAB_FAST)		{ ret_folio(ret, try_grab_folio(op_page(op), op->n, op_foll(op))); }
#else
OP(GRAB_SLOW)		{ ret_errno(ret, try_grab_page(op_page(op), op_foll(op)) ? 0 : -ENOMEM); }
OP(GRAB_FAST)		{ ret_head(ret, try_grab_compound_head(op_page(op), op->n, op_foll(op))); }
#endif

/* v6.5: "mm: Provide a function to get an additional pin on a page" */
#if GD_SINCE(6, 5)
OP(FOLIO_ADD_PIN)	{ folio_add_pin(op_folio(op)); }
#endif

/* v6.13: "mm/gup: add folio_add_pins" */
#if GD_SINCE(6, 13)
OP(FOLIO_ADD_PINS)	{ ret_errno(ret, folio_add_pins(op_folio(op), op->n)); }
#endif

/* ---- unpin ---- */

#if GD_SINCE(6, 12)
OP(UNPIN_FOLIO)		{ unpin_folio(op_folio(op)); }
OP(UNPIN_USER_FOLIO)	{ unpin_user_folio(op_folio(op), op_ulong(op)); }
OP(UNPIN_FOLIOS)
{
	unsigned long npages = op_list(op, true);

	unpin_folios((struct folio **)gd.list, npages);
}
#endif

/* v6.10: "mm/gup: consistently name GUP-fast functions" */
#if GD_SINCE(6, 10)
OP(UNPIN_FAST)
{
	unsigned long npages = op_list(op, false);

	gup_fast_unpin_user_pages(gd.list, npages);
}
#else
OP(UNPIN_FAST)
{
	unsigned long npages = op_list(op, false);

	unpin_user_pages_lockless(gd.list, npages);
}
#endif

/* ---- predicates ---- */

/*
 * v6.2, "mm/gup: reliable R/O long-term pinning in COW mappings": it checks the
 * VMA, too.  v6.3: "mm: introduce vma->vm_flags wrapper functions".
 */
#if GD_SINCE(6, 3)
OP(GUP_MUST_UNSHARE)
{
	unsigned int kind = op->arg % 3;

	vm_flags_init(&gd_vma, VM_READ | VM_MAYREAD | VM_MAYWRITE |
		      (kind == 1 ? VM_SHARED | VM_MAYSHARE : 0));
	ret_bool(ret, gup_must_unshare(kind ? &gd_vma : NULL, op_foll(op), op_page(op)));
}
#else
OP(GUP_MUST_UNSHARE)	{ ret_bool(ret, gup_must_unshare(op_foll(op), op_page(op))); }
#endif

/* v6.18: "mm: update coredump logic to correctly use bitmap mm flags" and its kin */
#if GD_SINCE(6, 18)
OP(MM_SET_HAS_PINNED_FLAG)	{ mm_set_has_pinned_flag(op_mm(op)); }
#else
OP(MM_SET_HAS_PINNED_FLAG)	{ mm_set_has_pinned_flag(&op_mm(op)->flags); }
#endif

#if GD_SINCE(6, 12)
OP(NEEDS_COW_FOR_DMA)		{ ret_bool(ret, folio_needs_cow_for_dma(&gd_vma, op_page_folio(op))); }
#elif GD_SINCE(5, 19)
OP(NEEDS_COW_FOR_DMA)		{ ret_bool(ret, page_needs_cow_for_dma(&gd_vma, op_page(op))); }
#else
/* before v5.19, it also checks that the mapping is copied on write */
OP(NEEDS_COW_FOR_DMA)
{
	gd_vma.vm_flags = VM_MAYREAD | VM_MAYWRITE;
	ret_bool(ret, page_needs_cow_for_dma(&gd_vma, op_page(op)));
}
#endif

#if !GD_SINCE(6, 12)
OP(PAGE_MAYBE_DMA_PINNED)	{ ret_bool(ret, page_maybe_dma_pinned(op_page(op))); }
#endif

/* v6.0: "mm: rename is_pinnable_page() to is_longterm_pinnable_page()" */
#if !GD_SINCE(6, 0)
OP(IS_LONGTERM_PINNABLE_PAGE)	{ ret_bool(ret, is_pinnable_page(op_page(op))); }
#elif !GD_SINCE(6, 5)
OP(IS_LONGTERM_PINNABLE_PAGE)	{ ret_bool(ret, is_longterm_pinnable_page(op_page(op))); }
#endif

/* v6.10: "mm: merge folio_is_secretmem() and folio_fast_pin_allowed() into ..." */
#if GD_SINCE(6, 10)
OP(GUP_FAST_FOLIO_ALLOWED)	{ ret_bool(ret, gup_fast_folio_allowed(op_folio(op), op_foll(op))); }

/* Its callers have excluded pages without a mapping or with an encoded one. */
OP(IS_SECRETMEM)
{
	struct address_space *mapping = op_page_folio(op)->mapping;

	if (!mapping || (unsigned long)mapping & PORT_MAPPING_FLAGS)
		ret_bool(ret, false);
	else
		ret_bool(ret, secretmem_mapping(mapping));
}
#elif GD_SINCE(6, 5)
OP(GUP_FAST_FOLIO_ALLOWED)	{ ret_bool(ret, folio_fast_pin_allowed(op_folio(op), op_foll(op))); }
#endif

#if GD_SINCE(6, 6) && !GD_SINCE(6, 10)
OP(IS_SECRETMEM)		{ ret_bool(ret, folio_is_secretmem(op_page_folio(op))); }
#endif

#if !GD_SINCE(6, 6)
OP(IS_SECRETMEM)		{ ret_bool(ret, page_is_secretmem(op_page(op))); }
#endif
