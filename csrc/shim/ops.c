// SPDX-License-Identifier: GPL-2.0
/*
 * The page-level operations of the kernels: each calls one kernel function with
 * operands from the program.  It is included by unit.c and compiled like the
 * code under test, part of which is inline here: put nothing but the call here
 * (see operands.c).
 */
#include "harness.h"

static __always_inline struct folio *op_folio(const struct gd_op *op)
{
	return (struct folio *)op_head(op);
}

static __always_inline void ret_folio(struct gd_rec *ret, struct folio *folio)
{
	ret_head(ret, (struct page *)folio);
}

/* ---- references ---- */
OP(GET_PAGE)		{ get_page(op_page(op)); }
OP(FOLIO_GET)		{ folio_get(op_folio(op)); }
OP(TRY_GET_PAGE)	{ ret_bool(ret, try_get_page(op_page(op))); }
OP(PUT_PAGE)		{ put_page(op_page(op)); }
OP(FOLIO_PUT)		{ folio_put(op_folio(op)); }
OP(FOLIO_PUT_REFS)	{ folio_put_refs(op_folio(op), op->n); }

/* ---- put and unpin ---- */
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

OP(UNPIN_USER_PAGE_RANGE_DIRTY_LOCK)
{
	unpin_user_page_range_dirty_lock(op_page(op), op_ulong(op),
					 op->mods & GD_MOD_DIRTY);
}

OP(SANITY_CHECK)
{
	unsigned long npages = op_list(op, false);

	sanity_check_pinned_pages(gd.list, npages);
}

/* ---- predicates ---- */
OP(FOLIO_MAYBE_DMA_PINNED)	{ ret_bool(ret, folio_maybe_dma_pinned(op_folio(op))); }
OP(FOLIO_IS_LONGTERM_PINNABLE)	{ ret_bool(ret, folio_is_longterm_pinnable(op_folio(op))); }
OP(IS_PCI_P2PDMA_PAGE)		{ ret_bool(ret, is_pci_p2pdma_page(op_page(op))); }
