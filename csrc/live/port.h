/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Version-dependent parts of the module, besides those in shim/port: the
 * functions that are looked up by name, and how the module uses them.
 */
#ifndef GD_LIVE_PORT_H
#define GD_LIVE_PORT_H

/*
 * Functions of the image that are not exported, with their types where no
 * header has them. v6.10: "mm: gup: stop abusing try_grab_folio", "mm/gup:
 * consistently name GUP-fast functions". LIVE_TRY_GET_FOLIO: it is a separate
 * function.
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
#elif GD_SINCE(5, 18)
#define LIVE_TRY_GET_FOLIO	0
#define LIVE_FUNCTIONS		\
	LIVE(try_grab_folio)	\
	LIVE(try_grab_page)	\
	LIVE(gup_put_folio)	\
	LIVE(unpin_user_pages_lockless) \
	LIVE(sanity_check_pinned_pages)
void unpin_user_pages_lockless(struct page **pages, unsigned long npages);
#else
#define LIVE_TRY_GET_FOLIO	0
#define LIVE_FUNCTIONS		\
	LIVE(try_grab_compound_head) \
	LIVE(try_grab_page)	\
	LIVE(put_compound_head)
struct page *try_grab_compound_head(struct page *page, int refs, unsigned int flags);
void put_compound_head(struct page *page, int refs, unsigned int flags);
#endif

/* v5.18: "mm/gup: Convert try_get_compound_head() to try_get_folio()" and its kin */
#if GD_SINCE(5, 18)
#define LIVE_HAS_LOCKLESS_UNPIN
#define LIVE_HAS_SANITY_CHECK
void sanity_check_pinned_pages(struct page **pages, unsigned long npages);
void gup_put_folio(struct folio *folio, int refs, unsigned int flags);
#endif

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

/*
 * v5.15 has a function that says in an mm that there are pins ("mm: gup: pack
 * has_pinned in MMF_HAS_PINNED"); v6.18 gives it the mm ("mm: update coredump logic to
 * correctly use bitmap mm flags" and its kin).
 */
#if GD_SINCE(6, 18)
#define LIVE_HAS_PINNED_ARG	struct mm_struct *
#define live_mm_of(arg)		(arg)
#elif GD_SINCE(5, 15)
#define LIVE_HAS_PINNED_ARG	unsigned long *
#define live_mm_of(arg)		container_of(arg, struct mm_struct, flags)
#endif

/* which page is the zero page; in 7.2 at the latest zero_pfn() is a function */
#if GD_SINCE(7, 2)
#define live_zero_pfn	zero_page_pfn
#else
#define live_zero_pfn	zero_pfn
#endif
extern unsigned long live_zero_pfn;

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

/*
 * What a pageblock is for: a number, in which v6.17 has a bit of its own for those that
 * are isolated ("mm/page_isolation: make page isolation a standalone bit").
 */
#if GD_SINCE(6, 17)
#define PORT_BLOCK_MASK		(PAGEBLOCK_MIGRATETYPE_MASK | PAGEBLOCK_ISO_MASK)
#define PORT_BLOCK_ISOLATE	PAGEBLOCK_ISO_MASK
#define LIVE_BLOCK_GETTER	"get_pfnblock_migratetype"
#define live_block_getter	live_get_pfnblock_migratetype
#else
#define PORT_BLOCK_MASK		MIGRATETYPE_MASK
#define PORT_BLOCK_ISOLATE	MIGRATE_ISOLATE
#define LIVE_BLOCK_GETTER	"get_pfnblock_flags_mask"
#define live_block_getter	live_get_pfnblock_flags_mask
#endif

/*
 * Which mappings are of secret memory?  v5.14: "mm: introduce memfd_secret system call
 * to create "secret" memory areas".
 */
#define LIVE_SECRETMEM		(GD_SINCE(5, 14) && IS_ENABLED(CONFIG_SECRETMEM))

/*
 * Where the kernel looks for the file and the line of a WARN.  v5.13 has a function for it
 * ("bug: Provide a helper to get file/line of a bug" and its kin).
 */
#if GD_SINCE(5, 13)
#define LIVE_BUG_PLACE		1
#else
#define LIVE_BUG_PLACE		0
#endif

/* v6.19 at the latest: the trap of a WARN with a message says which one it is */
#define LIVE_BUG_ENTRY		GD_SINCE(6, 19)

/*
 * Calls that become events, by their names, and what is called when a memory fault is
 * about to be an oops, with the registers.  v5.16, "mm: Add folio_put()" and its kin;
 * v5.17 has folio_put() call __folio_put(); v5.12, "x86/fault: Split the OOPS code out
 * from no_context()".
 */
#if GD_SINCE(5, 17)
#define LIVE_FOLIO_PUT		"__folio_put"
#else
#define LIVE_FOLIO_PUT		"__put_page"
#endif
#if GD_SINCE(5, 16)
#define LIVE_MARK_DIRTY		"folio_mark_dirty"
#define LIVE_LOCK		"__folio_lock"
#define LIVE_UNLOCK		"folio_unlock"
#else
#define LIVE_MARK_DIRTY		"set_page_dirty"
#define LIVE_LOCK		"__lock_page"
#define LIVE_UNLOCK		"unlock_page"
#endif
#if GD_SINCE(5, 12)
#define LIVE_OOPS		"page_fault_oops"
#else
#define LIVE_OOPS		"fixup_exception"
#endif

/*
 * v5.17 is the last in which a driver is told of pages that it gets back when one
 * reference is left ("mm: remove the extra ZONE_DEVICE struct page refcount" and its
 * kin came after).
 */
#define LIVE_DRIVER_FREES	(!GD_SINCE(5, 18))

#endif
