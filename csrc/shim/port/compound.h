/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compound pages: how they are formed, what is kept in their first tails, and
 * what kind of folio they are.
 */
#ifndef GD_PORT_COMPOUND_H
#define GD_PORT_COMPOUND_H

#include "page.h"

/*
 * Where a large folio's pin count lies: in which of its pages, and where in
 * that page.  v5.7: "mm/gup: page->hpage_pinned_refcount: exact pin counts for
 * huge pages"; before, as in the series, a pin is 1024 references.
 */
#if GD_SERIES
#define PORT_HAS_PINCOUNT	0
#define PORT_PINCOUNT_PAGE	0
#define PORT_PINCOUNT_OFFSET	sizeof(struct page)	/* nowhere */
#else
#define PORT_HAS_PINCOUNT	1
#define PORT_PINCOUNT_PAGE	1
#define PORT_PINCOUNT_OFFSET							\
	(offsetof(struct folio, _pincount) - PORT_PINCOUNT_PAGE * sizeof(struct page))
#endif

static inline int port_pincount(const struct page *head)
{
#if GD_SERIES
	return 0;
#else
	return ((const struct folio *)head)->_pincount.counter;
#endif
}

static inline void port_set_pincount(struct page *head, int value)
{
#if !GD_SERIES
	((struct folio *)head)->_pincount.counter = value;
#endif
}

/*
 * Make a page tail number i of a folio, by the kernel's own setters: what
 * prep_compound_tail() does, which takes other arguments in every few versions
 * and was in mm/page_alloc.c.
 */
static inline void port_form_tail(struct page *head, u32 order, u32 i)
{
	head[i].mapping = TAIL_MAPPING;
#if GD_SINCE(7, 1) != GD_OTHER_SET_COMPOUND_HEAD
	set_compound_head(head + i, head, order);
#else
	set_compound_head(head + i, head);
#endif
#if !GD_SERIES
	set_page_private(head + i, 0);
#endif
}

/* Those fields of the head that are kept in the first tails. */
static inline void port_form_head(struct page *head, u32 order)
{
#if GD_SERIES
	set_compound_order(head, order);
#elif GD_SINCE(6, 12)
	prep_compound_head(head, order);
#else
	/* what prep_compound_head() of mm/page_alloc.c does */
	set_compound_page_dtor(head, COMPOUND_PAGE_DTOR);
	set_compound_order(head, order);
	atomic_set(compound_mapcount_ptr(head), -1);
	atomic_set(compound_pincount_ptr(head), 0);
#endif
}

/*
 * Make it a hugetlb folio.  v6.9 has a page type for them ("mm: turn
 * folio_test_hugetlb into a PageType"), older ones tell them by what frees them.
 */
static inline void port_set_hugetlb(struct page *head)
{
#if GD_SERIES
	/* it does not tell them from others */
#elif GD_SINCE(6, 12)
	__folio_set_hugetlb((struct folio *)head);
#else
	set_compound_page_dtor(head, HUGETLB_PAGE_DTOR);
#endif
}

/* Make it a folio of the slab allocator: by a flag, or by a page type. */
static inline void port_set_slab(struct page *head)
{
#if !GD_SERIES
	__folio_set_slab((struct folio *)head);
#endif
}

/* Does the code under test take a head for pinned? */
static inline bool port_maybe_dma_pinned(struct page *head)
{
#if GD_SERIES
	return page_dma_pinned(head);
#else
	return folio_maybe_dma_pinned((struct folio *)head);
#endif
}

#endif
