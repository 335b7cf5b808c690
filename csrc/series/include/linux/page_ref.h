/* SPDX-License-Identifier: GPL-2.0 */
/* The reference count of exactly the given page, head or tail. */
#ifndef _LINUX_PAGE_REF_H
#define _LINUX_PAGE_REF_H

#include <linux/atomic.h>
#include <linux/mm_types.h>

static inline int page_ref_count(const struct page *page)
{
	return atomic_read(&page->_refcount);
}

static inline void page_ref_add(struct page *page, int nr)
{
	atomic_add_return(nr, &page->_refcount);
}

static inline void page_ref_sub(struct page *page, int nr)
{
	atomic_sub_return(nr, &page->_refcount);
}

static inline void page_ref_inc(struct page *page)
{
	page_ref_add(page, 1);
}

/* New in the series: drivers must know when the count drops to one. */
static inline int page_ref_sub_return(struct page *page, int nr)
{
	return atomic_sub_return(nr, &page->_refcount);
}

static inline bool page_ref_sub_and_test(struct page *page, int nr)
{
	return page_ref_sub_return(page, nr) == 0;
}

static inline bool page_ref_add_unless(struct page *page, int nr, int u)
{
	return atomic_add_unless(&page->_refcount, nr, u);
}

#endif
