// SPDX-License-Identifier: GPL-2.0
/*
 * Dropping references and pins.
 */
#include <linux/mm.h>

static void count_returned(void)
{
	if (IS_ENABLED(CONFIG_DEBUG_VM))
		mod_node_page_state(NR_FOLL_PIN_RETURNED, 1);
}

/* True: it was such a page, and is handled. */
static bool unpin_devmap_managed_user_page(struct page *page)
{
	int count;

	if (!page_is_devmap_managed(page))
		return false;
	count = page_ref_sub_return(page, GUP_PIN_COUNTING_BIAS);
	count_returned();
	devmap_managed_page_dropped(page, count);
	return true;
}

static void unpin_user_page(struct page *page)
{
	page = compound_head(page);
	if (unpin_devmap_managed_user_page(page))
		return;
	if (page_ref_sub_and_test(page, GUP_PIN_COUNTING_BIAS))
		__put_page(page);
	/* after the put, as posted: the page may be freed before it is counted */
	count_returned();
}

static void unpin_user_pages(struct page **pages, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages; i++)
		unpin_user_page(READ_ONCE(pages[i]));
}

static void set_page_dirty_lock(struct page *page)
{
	lock_page(page);
	set_page_dirty(page);
	unlock_page(page);
}

static void unpin_user_pages_dirty_lock(struct page **pages, unsigned long npages,
					bool make_dirty)
{
	unsigned long i;

	if (!make_dirty) {
		unpin_user_pages(pages, npages);
		return;
	}
	for (i = 0; i < npages; i++) {
		struct page *page = compound_head(READ_ONCE(pages[i]));

		if (!PageDirty(page))
			set_page_dirty_lock(page);
		unpin_user_page(page);
	}
}

/*
 * The back-out of the lockless walk's grab.  An extra reference keeps the page
 * until put_page(), which knows how to free pages.
 */
static void put_compound_head(struct page *head, int refs, unsigned int flags)
{
	if (flags & FOLL_PIN)
		refs *= GUP_PIN_COUNTING_BIAS;
	get_page(head);
	page_ref_sub(head, refs);
	put_page(head);
}
