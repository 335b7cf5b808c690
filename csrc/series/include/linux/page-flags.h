/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page flags, zones and compound pages.  The bit numbers are arbitrary:
 * traces have canonical ones.
 */
#ifndef _LINUX_PAGE_FLAGS_H
#define _LINUX_PAGE_FLAGS_H

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/mm_types.h>

enum pageflags {
	PG_locked, PG_referenced, PG_uptodate, PG_dirty, PG_lru, PG_active,
	PG_workingset, PG_waiters, PG_reserved, PG_private, PG_private_2,
	PG_writeback, PG_head, PG_swapbacked, PG_unevictable, PG_mlocked,
	PG_hwpoison, PG_young, PG_idle, PG_reclaim, PG_swapcache, PG_arch_1,
	PG_anon_exclusive,	/* newer than the series, and not read by it */
};

enum zone_type { ZONE_NORMAL, ZONE_MOVABLE, ZONE_DEVICE };

#define ZONES_PGSHIFT	62

#define PAGE_MAPPING_ANON	1ul
#define PAGE_MAPPING_MOVABLE	2ul
#define PAGE_MAPPING_KSM	(PAGE_MAPPING_ANON | PAGE_MAPPING_MOVABLE)
#define PAGE_MAPPING_FLAGS	(PAGE_MAPPING_ANON | PAGE_MAPPING_MOVABLE)

#define TAIL_MAPPING	((struct address_space *)0xdead000000000400ul)

static inline bool is_zone_device_page(const struct page *page)
{
	return READ_ONCE(page->flags) >> ZONES_PGSHIFT == ZONE_DEVICE;
}

static inline struct page *compound_head(const struct page *page)
{
	unsigned long link = READ_ONCE(page->compound_head);

	return (struct page *)(link & 1 ? link - 1 : (unsigned long)page);
}

static inline void set_compound_head(struct page *page, struct page *head)
{
	page->compound_head = (unsigned long)head | 1;
}

static inline bool PageHead(const struct page *page)
{
	return test_bit(PG_head, &page->flags);
}

static inline unsigned int compound_order(const struct page *head)
{
	return PageHead(head) ? READ_ONCE(head[1].compound_order) : 0;
}

static inline void set_compound_order(struct page *head, unsigned int order)
{
	head[1].compound_order = order;
}

/* These flags are in the head. */
static inline bool PageDirty(struct page *page)
{
	return test_bit(PG_dirty, &compound_head(page)->flags);
}

static inline void SetPageReferenced(struct page *page)
{
	set_bit(PG_referenced, &compound_head(page)->flags);
}

static inline void ClearPageReferenced(struct page *page)
{
	clear_bit(PG_referenced, &compound_head(page)->flags);
}

#endif
