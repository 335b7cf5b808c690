/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before mm/memory.c: what it prints of an entry that makes no sense is
 * not looked into, and it would read page tables for that which may be gone.
 */
#include "calls.h"

#define print_bad_pte(...)		GD_USE(print_bad_pte, __VA_ARGS__)
#define GD_CALL_print_bad_pte(...)	((void)0)
#define print_bad_page_map(...)		GD_USE(print_bad_page_map, __VA_ARGS__)
#define GD_CALL_print_bad_page_map(...)	((void)0)
