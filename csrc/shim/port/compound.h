/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compound pages: how they are formed, the contents of their first tails, and
 * the kind of folio.
 */
#ifndef GD_PORT_COMPOUND_H
#define GD_PORT_COMPOUND_H

#include "page.h"

/*
 * Does a folio, given its head, have a pin count?  v5.7, "mm/gup:
 * page->hpage_pinned_refcount: exact pin counts for huge pages": in the second
 * tail; before, and in the series, a pin is 1024 references.  v5.18, "mm: Make
 * compound_pincount always available": in the first tail, and so in all large
 * folios.
 */
static inline bool port_has_pincount(struct page *head)
{
#if GD_SERIES
	return false;
#elif GD_SINCE(5, 18)
	return port_flags(head) & 1ul << PG_head;
#else
	return port_flags(head) & 1ul << PG_head && compound_order(head) > 1;
#endif
}

/* Its address. */
#if GD_SERIES
static inline atomic_t *port_pincount(struct page *head)
{
	return NULL;
}
#else
#if GD_SINCE(6, 3) != GD_OTHER_PINCOUNT
static inline atomic_t *port_pincount(struct page *head)
{
	return &((struct folio *)head)->_pincount;
}
#else
static inline atomic_t *port_pincount(struct page *head)
{
	return compound_pincount_ptr(head);
}
#endif
#endif

/* The same as numbers: the page within the folio, and the offset in that page. */
#if GD_SERIES
#define PORT_PINCOUNT_PAGE	0
#define PORT_PINCOUNT_OFFSET	sizeof(struct page)	/* no such place */
#else
#define PORT_PINCOUNT_PAGE	((unsigned long)port_pincount(NULL) / sizeof(struct page))
#define PORT_PINCOUNT_OFFSET	((unsigned long)port_pincount(NULL) % sizeof(struct page))
#endif

/*
 * Make a page tail number i of a folio, with the kernel's own setters: like
 * prep_compound_tail(), whose arguments change every few versions, and which
 * was in mm/page_alloc.c.
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

/* The kind of a compound page is its destructor until v6.6, "mm: remove HUGETLB_PAGE_DTOR". */
#if !GD_SERIES && !GD_SINCE(6, 6)
static inline void port_set_dtor(struct page *head, enum compound_dtor_id dtor)
{
#if GD_SINCE(6, 4)
	folio_set_compound_dtor((struct folio *)head, dtor);
#else
	set_compound_page_dtor(head, dtor);
#endif
}
#endif

/* v6.3: "mm: remove head_compound_mapcount() and _ptr functions" */
#if GD_SINCE(6, 3)
#define port_entire_mapcount(head)	(&((struct folio *)(head))->_entire_mapcount)
#else
#define port_entire_mapcount(head)	compound_mapcount_ptr(head)
#endif

/*
 * The fields of the head that are in the first tails.  v6.4 has a function for
 * them outside of mm/page_alloc.c: "mm: move most of core MM initialization to
 * mm/mm_init.c".
 */
static inline void port_form_head(struct page *head, u32 order)
{
#if GD_SERIES
	set_compound_order(head, order);
#elif GD_SINCE(6, 4)
	prep_compound_head(head, order);
#else
	port_set_dtor(head, COMPOUND_PAGE_DTOR);
	set_compound_order(head, order);
	atomic_set(port_entire_mapcount(head), -1);
	if (port_has_pincount(head))
		atomic_set(port_pincount(head), 0);
#endif
}

/*
 * Make a head a small folio.  Its second page is on a list by then; what old
 * kernels would read there, a count of mappings and a destructor, is that of an
 * unused page.
 */
static inline void port_unform_head(struct page *head)
{
#if !GD_SERIES && !GD_SINCE(6, 4)
	atomic_set(port_entire_mapcount(head), 0);
#endif
#if !GD_SERIES && !GD_SINCE(6, 6)
	port_set_dtor(head, NULL_COMPOUND_DTOR);
#endif
}

/*
 * Make it a hugetlb folio.  v6.9 has a page type for them ("mm: turn
 * folio_test_hugetlb into a PageType", also in stable kernels), v6.6 a flag of
 * the second page ("mm: remove HUGETLB_PAGE_DTOR"), older kernels a destructor.
 */
#if GD_SERIES || !IS_ENABLED(CONFIG_HUGETLB_PAGE)
/* this kernel has none, or does not distinguish them */
static inline void port_set_hugetlb(struct page *head) {}
#elif !GD_SINCE(6, 6)
static inline void port_set_hugetlb(struct page *head)
{
	port_set_dtor(head, HUGETLB_PAGE_DTOR);
}
#else
#if GD_SINCE(6, 9) != GD_OTHER_HUGETLB_TYPE
static inline void port_set_hugetlb(struct page *head)
{
	__folio_set_hugetlb((struct folio *)head);
}
#else
static inline void port_set_hugetlb(struct page *head)
{
	SetPageHugeTLB(head);
}
#endif
#endif

/* v6.10: "mm: free up PG_slab" */
#if GD_SERIES
#define PORT_SLAB_FLAG	0
#elif GD_SINCE(6, 10) != GD_OTHER_SLAB_FLAG
#define PORT_SLAB_FLAG	0
#else
#define PORT_SLAB_FLAG	(1ul << PG_slab)
#endif

/*
 * Make it a folio of the slab allocator, by a flag or by a page type; and does the
 * code under test take a head for pinned?  v5.17: "mm: Add folio_maybe_dma_pinned()";
 * before, both are about pages.
 */
#if GD_SERIES
static inline void port_set_slab(struct page *head) {}

static inline bool port_maybe_dma_pinned(struct page *head)
{
	return page_dma_pinned(head);
}
#else
#if GD_SINCE(5, 17) != GD_OTHER_FOLIO_QUESTIONS
static inline void port_set_slab(struct page *head)
{
	__folio_set_slab((struct folio *)head);
}

static inline bool port_maybe_dma_pinned(struct page *head)
{
	return folio_maybe_dma_pinned((struct folio *)head);
}
#else
static inline void port_set_slab(struct page *head)
{
	__SetPageSlab(head);
}

static inline bool port_maybe_dma_pinned(struct page *head)
{
	return page_maybe_dma_pinned(head);
}
#endif
#endif

#endif
