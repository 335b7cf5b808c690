/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fields of struct page that kernels keep under different names or in different
 * types.  Plain loads and stores, without the kernel's hooks: they are the
 * harness's own and no accesses of the code under test.
 */
#ifndef GD_PORT_PAGE_H
#define GD_PORT_PAGE_H

#include "version.h"

/* The flag word.  After v6.12 it became a struct: memdesc_flags_t. */
static inline unsigned long *port_flag_word(struct page *page)
{
	return &page->flags;
}

static inline unsigned long port_flags(const struct page *page)
{
	return page->flags;
}

/*
 * The link of a tail to its head: the head's address, with bit 0 set.  After
 * v6.12 the field became compound_info, which may hold a mask instead.
 */
static inline bool port_is_tail(const struct page *page)
{
	return page->compound_head & 1;
}

static inline struct page *port_head_of(const struct page *tail)
{
	return (struct page *)(tail->compound_head & ~1ul);
}

static inline void port_link_tail(struct page *page, const struct page *head)
{
	page->compound_head = (unsigned long)head | 1;
}

static inline void port_unlink_tail(struct page *page)
{
	page->compound_head = 0;
}

/* What a page of ZONE_DEVICE belongs to.  Later this is a field of the folio. */
static inline struct dev_pagemap *port_pgmap(const struct page *head)
{
	return head->pgmap;
}

static inline void port_set_pgmap(struct page *head, struct dev_pagemap *pgmap)
{
	head->pgmap = pgmap;
}

#endif
