/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page-table entries: the bits of the flags, and entries that are not present.
 */
#ifndef GD_PORT_PGTABLE_H
#define GD_PORT_PGTABLE_H

#include "version.h"
#include <linux/swapops.h>

/* since 7.3 or before named after userfaultfd, not after its write protection */
#ifdef _PAGE_BIT_UFFD
#define PORT_PAGE_UFFD	_PAGE_UFFD
#else
#define PORT_PAGE_UFFD	_PAGE_UFFD_WP
#endif

/* v6.6: "x86/mm: Introduce _PAGE_SAVED_DIRTY", for entries that are read-only */
#ifdef _PAGE_SAVED_DIRTY
#define PORT_PAGE_SAVED_DIRTY	_PAGE_SAVED_DIRTY
#else
#define PORT_PAGE_SAVED_DIRTY	_PAGE_DIRTY
#endif

/*
 * The bits that a flag sets and clears in an entry that is present, accessed,
 * read-only and for user mode.  A row that does not compile is removed: after
 * v6.12 entries are not marked as device memory.
 */
static const u64 port_entry_set[GD_NR_ENTRY_FLAGS] = {
	[GD_EF_RW] = _PAGE_RW,
	[GD_EF_DIRTY] = _PAGE_DIRTY,
	[GD_EF_PROTNONE] = _PAGE_PROTNONE,
	[GD_EF_SPECIAL] = _PAGE_SPECIAL,
	[GD_EF_DEVMAP] = _PAGE_DEVMAP,
	[GD_EF_SOFT_DIRTY] = _PAGE_SOFT_DIRTY,
	[GD_EF_UFFD_WP] = PORT_PAGE_UFFD,
	[GD_EF_NX] = _PAGE_NX,
	[GD_EF_PKEY_BIT0] = _PAGE_PKEY_BIT0,
	[GD_EF_PKEY_BIT1] = _PAGE_PKEY_BIT1,
};

static const u64 port_entry_cleared[GD_NR_ENTRY_FLAGS] = {
	[GD_EF_OLD] = _PAGE_ACCESSED,
	[GD_EF_KERNEL] = _PAGE_USER,
	[GD_EF_ABSENT] = _PAGE_PRESENT,
};

/*
 * Swap offsets are stored inverted.  The ones here have their upper bits set,
 * so the entry contains no bits that look like flags or like an existing page.
 */
static inline u64 port_swap_entry(void)
{
	return swp_entry_to_pte(swp_entry(1, -1ul)).pte;
}

#define PORT_MIGRATION_OFFSET(pfn)	((pfn) | -1ul << 40)

/*
 * v5.14: "mm/swapops: rework swap entry manipulation code"; the older function
 * requires a locked page.
 */
#if !IS_ENABLED(CONFIG_MIGRATION)
static inline u64 port_migration_entry(unsigned long pfn)
{
	return port_swap_entry();
}
#else
#if GD_SINCE(5, 14) != GD_OTHER_MIGRATION_ENTRY
static inline u64 port_migration_entry(unsigned long pfn)
{
	return swp_entry_to_pte(make_readable_migration_entry(PORT_MIGRATION_OFFSET(pfn))).pte;
}
#else
static inline u64 port_migration_entry(unsigned long pfn)
{
	return swp_entry_to_pte(swp_entry(SWP_MIGRATION_READ, PORT_MIGRATION_OFFSET(pfn))).pte;
}
#endif
#endif

#endif
