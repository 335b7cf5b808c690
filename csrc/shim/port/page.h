/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fields of struct page whose name or type depends on the kernel.  These are
 * plain loads and stores without the kernel's hooks: accesses of the harness,
 * not of the code under test.
 */
#ifndef GD_PORT_PAGE_H
#define GD_PORT_PAGE_H

#include "version.h"

/* The flag word.  v6.18 wraps it: "mm: introduce memdesc_flags_t". */
#if GD_SINCE(6, 18) != GD_OTHER_FLAG_WORD
static inline unsigned long *port_flag_word(struct page *page)
{
	return &page->flags.f;
}

static inline unsigned long port_flags(const struct page *page)
{
	return page->flags.f;
}
#else
static inline unsigned long *port_flag_word(struct page *page)
{
	return &page->flags;
}

static inline unsigned long port_flags(const struct page *page)
{
	return page->flags;
}
#endif

/*
 * v5.19: "mm: remember exclusively mapped anonymous pages with PG_anon_exclusive".
 * Before, it goes along unread, in a bit that is nobody's.
 */
#if GD_SERIES || GD_SINCE(5, 19) != GD_OTHER_ANON_EXCLUSIVE
enum { PORT_ANON_EXCLUSIVE = PG_anon_exclusive };
#else
enum { PORT_ANON_EXCLUSIVE = __NR_PAGEFLAGS };
#endif

/*
 * The link of a tail to its head, with bit 0 set: the head's address; or, where
 * the memory map of hugetlb pages can be shared (since 7.2 or before), a mask
 * for the tail's own address.  A mask can only lead to an address at which a
 * folio of that order can begin.
 */
#if GD_SINCE(7, 2) != GD_OTHER_TAIL_LINK
#define PORT_TAIL_LINK(page)	((page)->compound_info)
#define PORT_TAIL_MASKS		compound_info_has_mask()
#else
#define PORT_TAIL_LINK(page)	((page)->compound_head)
#define PORT_TAIL_MASKS		false
#endif

static inline bool port_is_tail(const struct page *page)
{
	return PORT_TAIL_LINK(page) & 1;
}

static inline struct page *port_head_of(const struct page *tail)
{
	unsigned long link = PORT_TAIL_LINK(tail) & ~1ul;

	return (struct page *)(PORT_TAIL_MASKS ? (unsigned long)tail & link : link);
}

static inline void port_link_tail(struct page *page, const struct page *head, u32 order)
{
	PORT_TAIL_LINK(page) = 1 | (PORT_TAIL_MASKS ? -(sizeof(struct page) << order) :
				    (unsigned long)head);
}

static inline void port_unlink_tail(struct page *page)
{
	PORT_TAIL_LINK(page) = 0;
}

/* The pagemap of a ZONE_DEVICE page; since v6.14 a field of the folio. */
#if GD_SINCE(6, 14) != GD_OTHER_PGMAP
static inline struct dev_pagemap *port_pgmap(const struct page *head)
{
	return ((const struct folio *)head)->pgmap;
}

static inline void port_set_pgmap(struct page *head, struct dev_pagemap *pgmap)
{
	((struct folio *)head)->pgmap = pgmap;
}
#else
static inline struct dev_pagemap *port_pgmap(const struct page *head)
{
	return head->pgmap;
}

static inline void port_set_pgmap(struct page *head, struct dev_pagemap *pgmap)
{
	head->pgmap = pgmap;
}
#endif

#endif
