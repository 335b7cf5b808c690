// SPDX-License-Identifier: GPL-2.0
/*
 * Scripted: what mm/gup.c asks of the rest of the kernel.  Each call is an
 * event with the folio's state at that time; the answer is the default one of
 * gupdiff.h.
 */
#include <linux/wait_bit.h>
#include "../shim/harness.h"

/* the last reference is gone: the page stays readable */
void __folio_put(struct folio *folio)
{
	gd_call(GD_C_FOLIO_PUT, &folio->page);
}

bool folio_mark_dirty(struct folio *folio)
{
	bool clean = !folio_test_dirty(folio);

	gd_call(GD_C_FOLIO_MARK_DIRTY, &folio->page);
	folio->flags |= 1ul << PG_dirty;
	return clean;
}

/* the lock was taken; its holder gives it to us */
void __folio_lock(struct folio *folio)
{
	gd_call(GD_C_FOLIO_LOCK, &folio->page);
}

void folio_unlock(struct folio *folio)
{
	gd_call(GD_C_FOLIO_UNLOCK, &folio->page);
	folio->flags &= ~(1ul << PG_locked);
}

void wake_up_var(void *var)
{
	gd_call(GD_C_WAKE_UP_VAR, container_of(var, struct page, _refcount));
}

void mod_node_page_state(struct pglist_data *pgdat, enum node_stat_item item, long delta)
{
	if (item == NR_FOLL_PIN_ACQUIRED)
		gd.acquired += delta;
	else if (item == NR_FOLL_PIN_RELEASED)
		gd.released += delta;
}

/* the world says what a pageblock is; nobody has pageblocks outside of it */
unsigned long get_pfnblock_flags_mask(const struct page *page, unsigned long pfn,
				      unsigned long mask)
{
	static const u8 type[GD_NR_MIGRATETYPES] = {
		[GD_MT_UNMOVABLE] = MIGRATE_UNMOVABLE,
		[GD_MT_MOVABLE] = MIGRATE_MOVABLE,
		[GD_MT_RECLAIMABLE] = MIGRATE_RECLAIMABLE,
		[GD_MT_CMA] = MIGRATE_CMA,
		[GD_MT_ISOLATE] = MIGRATE_ISOLATE,
	};

	gd_access(page);
	pfn -= GD_PFN_BASE;
	if (pfn >= GD_NR_PAGES)
		gd_oops();
	return type[gd_migratetype[pfn >> GD_SLOT_SHIFT]] & mask;
}

#if !GD_SINCE(6, 12)
/* mm/hugetlb.c is too much of a file to bring in for these */
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
