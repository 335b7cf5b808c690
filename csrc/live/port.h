/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What depends on the version of the booted kernel, beside what shim/port has:
 * the functions that are found by name, and how the module uses them.
 */
#ifndef GD_LIVE_PORT_H
#define GD_LIVE_PORT_H

/*
 * Functions of the image that modules are not given, with their types where no
 * header has them.  v6.10: "mm: gup: stop abusing try_grab_folio", "mm/gup:
 * consistently name GUP-fast functions".  LIVE_TRY_GET_FOLIO: it is a function of
 * its own.
 */
#if GD_SINCE(6, 10)
#define LIVE_TRY_GET_FOLIO	1
#define LIVE_FUNCTIONS		\
	LIVE(try_get_folio)	\
	LIVE(try_grab_folio)	\
	LIVE(try_grab_folio_fast) \
	LIVE(folio_add_pin)	\
	LIVE(gup_put_folio)	\
	LIVE(gup_fast_folio_allowed) \
	LIVE(gup_fast_unpin_user_pages) \
	LIVE(sanity_check_pinned_pages)
struct folio *try_get_folio(struct page *page, int refs);
struct folio *try_grab_folio_fast(struct page *page, int refs, unsigned int flags);
bool gup_fast_folio_allowed(struct folio *folio, unsigned int flags);
void gup_fast_unpin_user_pages(struct page **pages, unsigned long npages);
#else
#define LIVE_TRY_GET_FOLIO	0
#define LIVE_FUNCTIONS		\
	LIVE(try_grab_folio)	\
	LIVE(try_grab_page)	\
	LIVE(gup_put_folio)	\
	LIVE(unpin_user_pages_lockless) \
	LIVE(sanity_check_pinned_pages)
void unpin_user_pages_lockless(struct page **pages, unsigned long npages);
#endif
void sanity_check_pinned_pages(struct page **pages, unsigned long npages);
void gup_put_folio(struct folio *folio, int refs, unsigned int flags);

/*
 * The lockless unpin; do lists skip a NULL (v6.12: "mm/gup: handle NULL pages in
 * unpin_user_pages()")?
 */
#if GD_SINCE(6, 10)
#define live_unpin_lockless	live.gup_fast_unpin_user_pages
#else
#define live_unpin_lockless	live.unpin_user_pages_lockless
#endif
#define LIVE_LISTS_SKIP_NULL	GD_SINCE(6, 12)

/* Is the huge zero page told by the pointer of that name?  v6.10 has a folio. */
#define LIVE_HUGE_ZERO_PAGE	(!GD_SINCE(6, 10))

/*
 * Do grabs ask whether it is a page of a PCI device?  v6.2: "mm: introduce
 * FOLL_PCI_P2PDMA to gate getting PCI P2PDMA pages".
 */
#if GD_SINCE(6, 2)
#define live_refuses_p2pdma(flags)	(!((flags) & FOLL_PCI_P2PDMA))
#else
#define live_refuses_p2pdma(flags)	false
#endif

/* v6.5: "mm/gup: remove unused vmas parameter from get_user_pages()" and the like */
#if GD_SINCE(6, 5)
#define live_get_user_pages(start, nr, flags, pages)	get_user_pages(start, nr, flags, pages)
#define live_pin_user_pages(start, nr, flags, pages)	pin_user_pages(start, nr, flags, pages)
#else
#define live_get_user_pages(start, nr, flags, pages)	get_user_pages(start, nr, flags, pages, NULL)
#define live_pin_user_pages(start, nr, flags, pages)	pin_user_pages(start, nr, flags, pages, NULL)
#endif

#endif
