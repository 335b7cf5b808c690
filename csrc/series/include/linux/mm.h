/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flags, counters, and the functions on references that the rest of the kernel
 * defines inline.
 */
#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <linux/bug.h>
#include <linux/page-flags.h>
#include <linux/page_ref.h>

#define FOLL_WRITE	0x01
#define FOLL_TOUCH	0x02
#define FOLL_GET	0x04
#define FOLL_DUMP	0x08
#define FOLL_FORCE	0x10
#define FOLL_NOWAIT	0x20
#define FOLL_HWPOISON	0x100
#define FOLL_MIGRATION	0x400
#define FOLL_TRIED	0x800
#define FOLL_REMOTE	0x2000
#define FOLL_ANON	0x8000
#define FOLL_LONGTERM	0x10000
#define FOLL_SPLIT_PMD	0x20000
#define FOLL_PIN	0x40000

/*
 * A pin is this many references.  The type matters: added to an unsigned int,
 * an unsigned long cannot wrap, and an int compared with one is converted.
 */
#if GD_SERIES_BIAS32
#define GUP_PIN_COUNTING_BIAS	(1u << 10)
#else
#define GUP_PIN_COUNTING_BIAS	(1ul << 10)
#endif

/* ---- the rest of the kernel (env.c) ---- */

enum node_stat_item { NR_FOLL_PIN_REQUESTED, NR_FOLL_PIN_RETURNED };

void mod_node_page_state(enum node_stat_item item, long delta);
void __put_page(struct page *page);
void free_devmap_managed_page(struct page *page);
void set_page_dirty(struct page *page);
void __lock_page(struct page *page);
void unlock_page(struct page *page);
void mlock_vma_page(struct page *page);

struct static_key_false {
	struct {
		atomic_t enabled;
	} key;
};

#define static_key_enabled(k)	((k)->key.enabled.counter > 0)

extern struct static_key_false devmap_managed_key;

/* ---- references ---- */

/* Zero, or so close to INT_MAX that the count has wrapped to -127..-1. */
static inline bool page_ref_zero_or_close_to_overflow(struct page *page)
{
	return (unsigned int)page_ref_count(page) + 127u <= 127u;
}

static inline void get_page(struct page *page)
{
	page = compound_head(page);
	VM_BUG_ON_PAGE(page_ref_zero_or_close_to_overflow(page), page);
	page_ref_inc(page);
}

static inline bool try_get_page(struct page *page)
{
	page = compound_head(page);
	if (WARN_ON_ONCE(page_ref_count(page) <= 0))
		return false;
	page_ref_inc(page);
	return true;
}

/* Does the driver get the page back when its refcount drops to one? */
static inline bool page_is_devmap_managed(struct page *page)
{
	enum memory_type type;

	if (!static_key_enabled(&devmap_managed_key) || !is_zone_device_page(page))
		return false;
	type = READ_ONCE(READ_ONCE(page->pgmap)->type);
	return type == MEMORY_DEVICE_PRIVATE || type == MEMORY_DEVICE_FS_DAX;
}

/* After the last reference or pin of a managed page: is it idle, or freed? */
static inline void devmap_managed_page_dropped(struct page *page, int count)
{
	if (count == 1)
		free_devmap_managed_page(page);
	else if (count == 0)
		__put_page(page);
}

static inline int put_page_testzero(struct page *page)
{
	VM_BUG_ON_PAGE(page_ref_count(page) == 0, page);
	return page_ref_sub_and_test(page, 1);
}

static inline void put_page(struct page *page)
{
	page = compound_head(page);
	if (page_is_devmap_managed(page)) {
		devmap_managed_page_dropped(page, page_ref_sub_return(page, 1));
		return;
	}
	if (put_page_testzero(page))
		__put_page(page);
}

/* ---- pins ---- */

#if GD_SERIES == 9 || GD_SERIES == 10
/*
 * With a bias of unsigned long this is true for zero only; with a 32-bit bias
 * also for the last values before a pin makes the count pass zero.
 */
static inline bool page_ref_zero_or_close_to_bias_overflow(struct page *page)
{
	return (unsigned int)page_ref_count(page) + GUP_PIN_COUNTING_BIAS <=
	       GUP_PIN_COUNTING_BIAS;
}
#endif

/*
 * At least one pin, or so many references that it looks like one.  A negative
 * count also counts as pinned: up to v10 because the bias is an unsigned long,
 * since v11 because of a cast.
 */
static inline bool page_dma_pinned(struct page *page)
{
#if GD_SERIES_SIGNED
	return page_ref_count(compound_head(page)) >= (int)GUP_PIN_COUNTING_BIAS;
#elif GD_SERIES >= 11
	return (unsigned int)page_ref_count(compound_head(page)) >= GUP_PIN_COUNTING_BIAS;
#else
	return page_ref_count(compound_head(page)) >= GUP_PIN_COUNTING_BIAS;
#endif
}

/* ---- locks ---- */

static inline bool trylock_page(struct page *page)
{
	return !test_and_set_bit(PG_locked, &compound_head(page)->flags);
}

static inline void lock_page(struct page *page)
{
	if (!trylock_page(page))
		__lock_page(page);
}

#endif
