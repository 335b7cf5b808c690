// SPDX-License-Identifier: GPL-2.0
/*
 * What mm/gup.c calls of the rest of the kernel, under the names and with the
 * types that this version has.  What comes of a call is in env/calls.c.
 */

/* v5.16, "mm: Add folio_put()" and its kin: before, of pages */
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

/* what a page's block is for: v6.17 has the second one, before there is the first */
unsigned long get_pfnblock_flags_mask(const struct page *page, unsigned long pfn,
				      unsigned long mask)
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

#if !GD_SINCE(6, 12)
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
