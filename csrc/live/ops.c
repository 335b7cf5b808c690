// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of csrc/shim on the running kernel. Most functions are called
 * by name (see symbols.h) or are inline in the kernel's headers, with which the
 * module is compiled. This file has those that the image does not have as
 * functions of their own.
 */

/* calls the image's function, or is the gap of its name */
#define LIVE_FN(name) (*({						\
	if (!live.name)							\
		gd_gap(LIVE_GAP_##name);				\
	live.name; }))

/* functions that this version does not have are not called either */
#define try_grab_compound_head	LIVE_FN(try_grab_compound_head)
#define put_compound_head	LIVE_FN(put_compound_head)
#define try_grab_folio		LIVE_FN(try_grab_folio)
#define try_grab_folio_fast	LIVE_FN(try_grab_folio_fast)
#define try_grab_page		LIVE_FN(try_grab_page)
#define folio_add_pin		LIVE_FN(folio_add_pin)
#define gup_fast_folio_allowed	LIVE_FN(gup_fast_folio_allowed)
#define gup_put_folio		LIVE_FN(gup_put_folio)

#if LIVE_TRY_GET_FOLIO
/*
 * Mostly part of its callers.  One of them does nothing else, with these flags, but ask
 * with DEBUG_VM whether interrupts are off.
 */
static struct folio *live_try_get_folio(struct page *page, int refs)
{
	if (live.try_get_folio)
		return live.try_get_folio(page, refs);
	if (IS_ENABLED(CONFIG_DEBUG_VM) && !irqs_disabled())
		gd_gap(LIVE_GAP_try_get_folio);
	return try_grab_folio_fast(page, refs, FOLL_GET | FOLL_PCI_P2PDMA);
}
#define try_get_folio		live_try_get_folio
#else
/* equal to calling these with FOLL_GET */
#define try_get_folio(page, refs)	try_grab_folio(page, refs, FOLL_GET)
#define try_get_compound_head(page, refs)	try_grab_compound_head(page, refs, FOLL_GET)
#endif

/*
 * Usually inlined into its only caller. unpin_user_pages() has the same loop;
 * it differs in the numbers of pages that it refuses, in skipping NULL (not in
 * all versions), and with DEBUG_VM in checking more.
 */
#ifdef LIVE_HAS_LOCKLESS_UNPIN
static void live_unpin_fast(struct page **pages, unsigned long npages)
{
	unsigned long i;

	if (live_unpin_lockless) {
		live_unpin_lockless(pages, npages);
		return;
	}
	if (IS_ERR_VALUE(npages) || IS_ENABLED(CONFIG_DEBUG_VM))
		gd_gap(LIVE_GAP_UNPIN_FAST);
	for (i = 0; LIVE_LISTS_SKIP_NULL && i < npages && i < GD_MAX_LIST; i++)
		if (!pages[i])
			gd_gap(LIVE_GAP_UNPIN_FAST);
	unpin_user_pages(pages, npages);
}
#define unpin_user_pages_lockless	live_unpin_fast
#define gup_fast_unpin_user_pages	live_unpin_fast
#endif

/* without CONFIG_DEBUG_VM it returns in its first line */
#ifdef LIVE_HAS_SANITY_CHECK
static void live_sanity_check(struct page **pages, unsigned long npages)
{
	if (IS_ENABLED(CONFIG_DEBUG_VM))
		LIVE_FN(sanity_check_pinned_pages)(pages, npages);
}
#define sanity_check_pinned_pages	live_sanity_check
#endif

/*
 * The first thing that pin_user_pages_fast() does, before it refuses an address
 * outside of user space.
 */
#ifdef LIVE_HAS_PINNED_ARG
static void mm_set_has_pinned_flag(LIVE_HAS_PINNED_ARG arg)
{
	struct mm_struct *mm = current->mm;
	struct page *page;

	current->mm = live_mm_of(arg);
	pin_user_pages_fast(TASK_SIZE_MAX, 1, 0, &page);
	current->mm = mm;
}
#endif

#include "../shim/ops.c"
#include "../shim/port/ops.c"
