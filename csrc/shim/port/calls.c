// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that mm/gup.c calls, under the names and with the types of this
 * kernel version.  env/calls.c has their effects.
 */

/* The head as a function finds it that is passed a page; handles what is pending first. */
static struct page *gd_head(struct page *page)
{
	gd_after();
	return compound_head(page);
}

/* v5.16, "mm: Add folio_put()" and others: before, these take pages and look up the head */
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
	return gd_dirtied(gd_head(page));
}

void __lock_page(struct page *page)
{
	gd_locked(gd_head(page));
}

void unlock_page(struct page *page)
{
	gd_unlocked(gd_head(page));
}

/* defined in mm/page-writeback.c, which is too large to include for it */
int set_page_dirty_lock(struct page *page)
{
	int dirtied;

	lock_page(page);
	dirtied = set_page_dirty(page);
	unlock_page(page);
	return dirtied;
}
#endif

/* since v5.17 folio_put() calls __folio_put() */
void __put_page(struct page *page)
{
	gd_freed(page);
}

/*
 * Up to v5.17, pages that a driver wants back are free at refcount 1: then
 * free_devmap_managed_page() notifies the driver.  It is defined in mm/swap.c,
 * which is also too large; callers have checked that it is such a page.
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

/*
 * Replaces the function of mm/memremap.c, which is renamed.  Since 7.3 or
 * before there is no second argument, and the walk does not call it.
 */
#ifdef CONFIG_ZONE_DEVICE
#if GD_SINCE(6, 18) != GD_OTHER_GET_PAGEMAP
struct dev_pagemap *get_dev_pagemap(unsigned long pfn)
{
	return gd_get_dev_pagemap(pfn, NULL);
}
#else
struct dev_pagemap *get_dev_pagemap(unsigned long pfn, struct dev_pagemap *pgmap)
{
	return gd_get_dev_pagemap(pfn, pgmap);
}
#endif
#endif

/* later kernels call _printk() */
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

/* ---- the slow path ---- */

/*
 * v5.16, "mm/swap: Add folio_mark_accessed()" and "mm/lru: Add folio LRU functions";
 * v6.3, "mm: change to return bool for folio_isolate_lru()"
 */
void mark_page_accessed(struct page *page)
{
	gd_accessed(gd_head(page));
}

#if GD_SINCE(5, 16) != GD_OTHER_FOLIO_CALLS
void folio_mark_accessed(struct folio *folio)
{
	gd_accessed(&folio->page);
}

bool set_page_dirty(struct page *page)
{
	return gd_dirtied(gd_head(page));
}
#endif

#if GD_SINCE(6, 3) != GD_OTHER_ISOLATED
bool folio_isolate_lru(struct folio *folio)
{
	return port_isolated(gd_isolate(&folio->page, true));
}
#elif GD_SINCE(6, 1)
int folio_isolate_lru(struct folio *folio)
{
	return port_isolated(gd_isolate(&folio->page, true));
}
#else
int isolate_lru_page(struct page *page)
{
	return port_isolated(gd_isolate(page, true));
}
#endif

#ifdef CONFIG_MIGRATION
/* the reason is an enum since 7.3; v6.5: "mm: convert migrate_pages() to work on folios" */
#if GD_SINCE(7, 3) != GD_OTHER_MIGRATE_REASON
int migrate_pages(struct list_head *list, new_folio_t new, free_folio_t free,
		  unsigned long private, enum migrate_mode mode, enum migrate_reason reason,
		  unsigned int *succeeded)
#elif GD_SINCE(6, 5)
int migrate_pages(struct list_head *list, new_folio_t new, free_folio_t free,
		  unsigned long private, enum migrate_mode mode, int reason,
		  unsigned int *succeeded)
#elif GD_SINCE(5, 15)
int migrate_pages(struct list_head *list, new_page_t new, free_page_t free,
		  unsigned long private, enum migrate_mode mode, int reason,
		  unsigned int *succeeded)
#else
int migrate_pages(struct list_head *list, new_page_t new, free_page_t free,
		  unsigned long private, enum migrate_mode mode, int reason)
#endif
{
	return gd_migrate(list);
}
#endif

#if GD_SINCE(6, 12)
int migrate_device_coherent_folio(struct folio *folio)
{
	return gd_migrate_device(&folio->page);
}
#else
int migrate_device_coherent_page(struct page *page)
{
	return gd_migrate_device(page);
}
#endif

/* inline in 5.10, where it calls find_vma() */
#if GD_SINCE(5, 18) != GD_OTHER_INTERSECTION
struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, unsigned long start,
					     unsigned long end)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}
#endif

/* since 7.3; it takes a folio and decides itself what to drain */
#if GD_SINCE(7, 3) != GD_OTHER_DRAIN
void lru_cache_drain_for_folio(const struct folio *folio, unsigned int extra_refs,
			       enum lru_cache_drained *drained)
{
	gd_drained(2, gd_nr(&folio->page));
}
#endif

/*
 * v6.5, "gup: add warning if some caller would seem to want stack expansion",
 * also in 6.1; before, accesses below a stack made it grow.
 */
#if GD_SINCE(6, 1) != GD_OTHER_STACK
#else
struct vm_area_struct *find_extend_vma(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr &= PAGE_MASK);
	unsigned long start;

	if (!vma || vma->vm_start <= addr)
		return vma;
	start = vma->vm_start;
	if (!(vma->vm_flags & VM_GROWSDOWN) || gd_expand_stack(vma, addr))
		return NULL;
	if (vma->vm_flags & VM_LOCKED)
		populate_vma_page_range(vma, addr, start, NULL);
	return vma;
}
#endif

/*
 * Up to v5.17 the VMAs are checked after the pages; the array is as large as
 * the maximum of pages[].  v5.18: "mm/gup: remove the vma allocation from
 * gup_longterm_locked()".
 */
#if GD_SINCE(5, 18) != GD_OTHER_VMAS
#else
static struct vm_area_struct *vmas[GD_MAX_LIST];

void *__kmalloc(size_t size, gfp_t flags)
{
	if (size > sizeof(vmas))
		return NULL;
	memset(vmas, 0, size);
	return vmas;
}

void kfree(const void *p) {}
#endif

/* inline since v5.12, "preempt: Introduce CONFIG_PREEMPT_DYNAMIC" and others */
#if GD_SINCE(5, 12) != GD_OTHER_COND_RESCHED
#else
int _cond_resched(void)
{
	return 0;
}
#endif

/* only called for small folios; inline since v6.9 */
#if GD_SINCE(6, 9) != GD_OTHER_MAPCOUNT
#elif GD_SINCE(5, 18)
int folio_mapcount(struct folio *folio)
{
	return folio->page._mapcount.counter + 1;
}
#endif

/* since v5.18 done by faults: "mm/munlock: mlock_page() munlock_page() batch by pagevec" */
#if GD_SINCE(5, 18) != GD_OTHER_MLOCK
#else
void mlock_vma_page(struct page *page)
{
	gd_call(GD_C_MLOCK_VMA_PAGE, page);
	*port_flag_word(page) |= 1ul << PG_mlocked;
}
#endif
