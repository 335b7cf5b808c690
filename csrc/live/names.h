/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Symbols that the kernel's headers use but the kernel does not export: each
 * name is defined as a dereferenced pointer, which is looked up when the module
 * is loaded. Include this before any kernel header.
 */
#define secretmem_aops	(*live_secretmem_aops)
#define huge_zero_page	(*live_huge_zero_page)
#define get_pfnblock_flags_mask	(*live_get_pfnblock_flags_mask)
#define get_pfnblock_migratetype	(*live_get_pfnblock_migratetype)
