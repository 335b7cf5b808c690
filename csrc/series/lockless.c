// SPDX-License-Identifier: GPL-2.0
/*
 * The call sites of the lockless walk.  Each takes its references and then
 * rechecks the page-table entry; `changed` says that the entry has changed by
 * then.  Returns 1 to continue the walk, 0 to end it.
 */
#include <linux/mm.h>

static int gup_pte_range(struct page *page, unsigned int flags, bool changed,
			 struct page **pages, int *nr)
{
	struct page *head = try_grab_compound_head(page, 1, flags);

	if (!head)
		return 0;
	if (changed) {
		put_compound_head(head, 1, flags);
		return 0;
	}
	SetPageReferenced(page);
	pages[(*nr)++] = page;
	return 1;
}

/* n pages of one entry, with one grab: common to the four functions below */
static int gup_huge_entry(struct page *page, int n, unsigned int flags, bool changed,
			  struct page **pages, int *nr)
{
	struct page *head = compound_head(page);
	int i, refs = clamp_t(int, n, 1, compound_left(page, head));

	head = try_grab_compound_head(page, refs, flags);
	if (!head)
		return 0;
	if (changed) {
		put_compound_head(head, refs, flags);
		return 0;
	}
	SetPageReferenced(head);
	for (i = 0; i < refs; i++)
		pages[(*nr)++] = page + i;
	return 1;
}

static int gup_hugepte(struct page *page, int n, unsigned int flags, bool changed,
		       struct page **pages, int *nr)
{
	return gup_huge_entry(page, n, flags, changed, pages, nr);
}

static int gup_huge_pmd(struct page *page, int n, unsigned int flags, bool changed,
			struct page **pages, int *nr)
{
	return gup_huge_entry(page, n, flags, changed, pages, nr);
}

static int gup_huge_pud(struct page *page, int n, unsigned int flags, bool changed,
			struct page **pages, int *nr)
{
	return gup_huge_entry(page, n, flags, changed, pages, nr);
}

static int gup_huge_pgd(struct page *page, int n, unsigned int flags, bool changed,
			struct page **pages, int *nr)
{
	return gup_huge_entry(page, n, flags, changed, pages, nr);
}

/* Drop the recorded pages, the last one first. */
static void undo_dev_pagemap(int *nr, int nr_start, unsigned int flags,
			     struct page **pages)
{
	while (*nr > nr_start) {
		struct page *page = pages[--(*nr)];

		ClearPageReferenced(page);
		if (flags & FOLL_PIN)
			unpin_user_page(page);
		else
			put_page(page);
	}
}

/* n device pages; `fails` is the number of the pagemap lookup that fails, from 1. */
static int __gup_device_huge(struct page *page, int n, unsigned int flags, int fails,
			     struct page **pages, int *nr)
{
	int i, nr_start = *nr;

	for (i = 0; i < n; i++, page++) {
		if (fails == i + 1) {
			undo_dev_pagemap(nr, nr_start, flags, pages);
			return 0;
		}
		SetPageReferenced(page);
		pages[*nr] = page;
#if GD_SERIES == 8
		grab_page(page, flags);
#else
		/* this page is not recorded yet, so it stays marked as referenced */
		if (!try_grab_page(page, flags)) {
			undo_dev_pagemap(nr, nr_start, flags, pages);
			return 0;
		}
#endif
		(*nr)++;
	}
	return 1;
}
