// SPDX-License-Identifier: GPL-2.0
/*
 * The page-level operations of the kernels: each calls one kernel function
 * with operands from the program.  Included by unit.c, and so compiled like the
 * code under test, which is partly inline here: nothing but the call belongs
 * here (see operands.c).
 */
#include "harness.h"

static __always_inline struct folio *op_folio(const struct gd_op *op)
{
	return (struct folio *)op_head(op);
}

/* For a function that takes a folio where the operation speaks of a page. */
static __always_inline struct folio *op_page_folio(const struct gd_op *op)
{
	return page_folio(op_page(op));
}

static __always_inline void ret_folio(struct gd_rec *ret, struct folio *folio)
{
	ret_head(ret, (struct page *)folio);
}

/* ---- references ---- */
OP(GET_PAGE)		{ get_page(op_page(op)); }
OP(FOLIO_GET)		{ folio_get(op_folio(op)); }
OP(TRY_GET_PAGE)	{ ret_bool(ret, try_get_page(op_page(op))); }
OP(FOLIO_TRY_GET)	{ ret_bool(ret, folio_try_get(op_folio(op))); }
#if GD_SINCE(6, 12)
OP(FOLIO_REF_TRY_ADD)	{ ret_bool(ret, folio_ref_try_add(op_folio(op), op->n)); }
#else
OP(FOLIO_TRY_GET_RCU)	{ ret_bool(ret, folio_try_get_rcu(op_folio(op))); }
OP(FOLIO_REF_TRY_ADD)	{ ret_bool(ret, folio_ref_try_add_rcu(op_folio(op), op->n)); }
#endif
OP(TRY_GET_FOLIO)	{ ret_folio(ret, try_get_folio(op_page(op), op->n)); }
OP(PUT_PAGE)		{ put_page(op_page(op)); }
OP(FOLIO_PUT)		{ folio_put(op_folio(op)); }
OP(FOLIO_PUT_REFS)	{ folio_put_refs(op_folio(op), op->n); }
#if GD_SINCE(6, 12)
OP(PUT_DEVMAP_MANAGED)	{ ret_bool(ret, put_devmap_managed_folio_refs(op_folio(op), op->n)); }
#else
OP(PUT_DEVMAP_MANAGED)	{ ret_bool(ret, put_devmap_managed_page_refs(&op_folio(op)->page, op->n)); }
#endif

OP(PAGE_REF_SUB_RETURN)
{
	struct page *page = op_page(op);

#if GD_SINCE(6, 12)
	/* it goes to the count without a look at what it was given */
	ret_int(ret, folio_ref_sub_return((struct folio *)page, op->n));
#else
	ret_int(ret, page_ref_sub_return(page, op->n));
#endif
}

/* ---- grab ---- */
#if GD_SINCE(6, 12)
OP(GRAB_SLOW)		{ ret_errno(ret, try_grab_folio(op_page_folio(op), op->n, op_foll(op))); }
OP(GRAB_FAST)		{ ret_folio(ret, try_grab_folio_fast(op_page(op), op->n, op_foll(op))); }
OP(FOLIO_ADD_PIN)	{ folio_add_pin(op_folio(op)); }
#else
OP(GRAB_SLOW)		{ ret_errno(ret, try_grab_page(op_page(op), op_foll(op)) ? 0 : -ENOMEM); }
OP(GRAB_FAST)		{ ret_folio(ret, try_grab_folio(op_page(op), op->n, op_foll(op))); }
#endif

/* ---- put and unpin ---- */
OP(GUP_PUT_FOLIO)	{ gup_put_folio(op_folio(op), op->n, op_foll(op)); }
OP(UNPIN_USER_PAGE)	{ unpin_user_page(op_page(op)); }
#if GD_SINCE(6, 12)
OP(UNPIN_FOLIO)		{ unpin_folio(op_folio(op)); }
OP(UNPIN_USER_FOLIO)	{ unpin_user_folio(op_folio(op), op_ulong(op)); }
#endif

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

OP(UNPIN_USER_PAGE_RANGE_DIRTY_LOCK)
{
	unpin_user_page_range_dirty_lock(op_page(op), op_ulong(op),
					 op->mods & GD_MOD_DIRTY);
}

OP(UNPIN_FAST)
{
	unsigned long npages = op_list(op, false);

#if GD_SINCE(6, 12)
	gup_fast_unpin_user_pages(gd.list, npages);
#else
	unpin_user_pages_lockless(gd.list, npages);
#endif
}

#if GD_SINCE(6, 12)
OP(UNPIN_FOLIOS)
{
	unsigned long npages = op_list(op, true);

	unpin_folios((struct folio **)gd.list, npages);
}
#endif

OP(SANITY_CHECK)
{
	unsigned long npages = op_list(op, false);

	sanity_check_pinned_pages(gd.list, npages);
}

/* ---- predicates ---- */
OP(GUP_MUST_UNSHARE)
{
#if GD_SINCE(6, 12)
	unsigned int kind = op->arg % 3;

	vm_flags_init(&gd_vma, VM_READ | VM_MAYREAD | VM_MAYWRITE |
		      (kind == 1 ? VM_SHARED | VM_MAYSHARE : 0));
	ret_bool(ret, gup_must_unshare(kind ? &gd_vma : NULL, op_foll(op), op_page(op)));
#else
	ret_bool(ret, gup_must_unshare(op_foll(op), op_page(op)));
#endif
}

OP(FOLIO_MAYBE_DMA_PINNED)	{ ret_bool(ret, folio_maybe_dma_pinned(op_folio(op))); }
OP(FOLIO_IS_LONGTERM_PINNABLE)	{ ret_bool(ret, folio_is_longterm_pinnable(op_folio(op))); }
OP(IS_PCI_P2PDMA_PAGE)		{ ret_bool(ret, is_pci_p2pdma_page(op_page(op))); }
OP(MM_SET_HAS_PINNED_FLAG)	{ mm_set_has_pinned_flag(&gd_mm.flags); }

#if GD_SINCE(6, 12)
OP(NEEDS_COW_FOR_DMA)		{ ret_bool(ret, folio_needs_cow_for_dma(&gd_vma, op_page_folio(op))); }
OP(GUP_FAST_FOLIO_ALLOWED)	{ ret_bool(ret, gup_fast_folio_allowed(op_folio(op), op_foll(op))); }

/* Its callers have ruled out pages with no mapping or an encoded one. */
OP(IS_SECRETMEM)
{
	struct address_space *mapping = op_page_folio(op)->mapping;

	if (!mapping || (unsigned long)mapping & PAGE_MAPPING_FLAGS)
		ret_bool(ret, false);
	else
		ret_bool(ret, secretmem_mapping(mapping));
}
#else
OP(PAGE_MAYBE_DMA_PINNED)	{ ret_bool(ret, page_maybe_dma_pinned(op_page(op))); }
OP(IS_LONGTERM_PINNABLE_PAGE)	{ ret_bool(ret, is_longterm_pinnable_page(op_page(op))); }
OP(NEEDS_COW_FOR_DMA)		{ ret_bool(ret, page_needs_cow_for_dma(&gd_vma, op_page(op))); }
OP(IS_SECRETMEM)		{ ret_bool(ret, page_is_secretmem(op_page(op))); }
#endif
