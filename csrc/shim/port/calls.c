// SPDX-License-Identifier: GPL-2.0
/*
 * What mm/gup.c calls of the rest of the kernel, under the names and with the
 * types that this version has.  What comes of a call is in env/calls.c.
 */

/* v5.16, "mm: Add folio_put()" and its kin: before, of pages, whose heads they look up */
#if GD_SINCE(5, 16) != GD_OTHER_FOLIO_CALLS
void __folio_put(struct folio *folio)
{
	gd_freed(&folio->page);
}

bool folio_mark_dirty(struct folio *folio)
{
	return gd_dirtied(&folio->page);
}

void __folio_lock(struct folio *folio)
{
	gd_locked(&folio->page);
}

void folio_unlock(struct folio *folio)
{
	gd_unlocked(&folio->page);
}
#else
int set_page_dirty(struct page *page)
{
	return gd_dirtied(compound_head(page));
}

void __lock_page(struct page *page)
{
	gd_locked(compound_head(page));
}

void unlock_page(struct page *page)
{
	gd_unlocked(compound_head(page));
}

/* in mm/page-writeback.c, which is too much of a file to bring in for it */
int set_page_dirty_lock(struct page *page)
{
	int dirtied;

	lock_page(page);
	dirtied = set_page_dirty(page);
	unlock_page(page);
	return dirtied;
}
#endif

/* v5.17 has folio_put() call __folio_put() */
void __put_page(struct page *page)
{
	gd_freed(page);
}

/*
 * Up to v5.17 pages whose driver wants them back count from one: when that is left,
 * free_devmap_managed_page() tells the driver.  This is in mm/swap.c, too much of a
 * file again; callers have asked whether it is such a page.
 */
#if GD_SINCE(5, 18) != GD_OTHER_DEVMAP_PUT
#else
#ifdef CONFIG_DEV_PAGEMAP_OPS
void put_devmap_managed_page(struct page *page)
{
	int count = page_ref_dec_return(page);

	if (count == 1)
		free_devmap_managed_page(page);
	else if (!count)
		__put_page(page);
}
#endif

static void driver_freed(struct page *page)
{
	gd_call(GD_C_FREE_DEVMAP_MANAGED, page);
}

static const struct dev_pagemap_ops port_pgmap_ops = { .page_free = driver_freed };
#endif

/* later the kernel calls _printk() */
#ifndef printk
int (printk)(const char *fmt, ...)
{
	return 0;
}
#endif

/*
 * What a page's block is for: v6.17 has the second one, before there is the first.
 * v5.14: "mm: constify get_pfnblock_flags_mask and get_pfnblock_migratetype".
 */
#if GD_SINCE(5, 14)
unsigned long get_pfnblock_flags_mask(const struct page *page, unsigned long pfn,
				      unsigned long mask)
#else
unsigned long get_pfnblock_flags_mask(struct page *page, unsigned long pfn,
				      unsigned long mask)
#endif
{
	return gd_pageblock(page, pfn) & mask;
}

enum migratetype get_pfnblock_migratetype(const struct page *page, unsigned long pfn)
{
	return gd_pageblock(page, pfn);
}

#if GD_SINCE(6, 12)
void dump_page(const struct page *page, const char *reason) {}
#else
void dump_page(struct page *page, const char *reason) {}
#endif

#if !GD_SINCE(6, 12) && IS_ENABLED(CONFIG_HUGETLB_PAGE)
/*
 * v6.9 has a page type and asks inline ("mm: turn folio_test_hugetlb into a
 * PageType").  Before, these were in mm/hugetlb.c, which is too much of a file
 * to bring in for them.
 */
int PageHuge(struct page *page)
{
	return PageCompound(page) &&
	       compound_head(page)[1].compound_dtor == HUGETLB_PAGE_DTOR;
}

int PageHeadHuge(struct page *page)
{
	return PageHead(page) && page[1].compound_dtor == HUGETLB_PAGE_DTOR;
}
#endif
