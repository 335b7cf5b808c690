/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel's headers read or call but the kernel does not export: each is
 * renamed to what a pointer to it points to, and the pointer is looked
 * up when the module is loaded.  Included before any kernel header.
 */
#define secretmem_aops	(*live_secretmem_aops)
#define huge_zero_page	(*live_huge_zero_page)
#define get_pfnblock_flags_mask	(*live_get_pfnblock_flags_mask)
#define get_pfnblock_migratetype	(*live_get_pfnblock_migratetype)
