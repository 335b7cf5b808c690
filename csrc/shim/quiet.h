/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before mm/memory.c: disables its message about a bad entry, which
 * would read page tables that may not exist.
 */
#include "calls.h"

#define print_bad_pte(...)		GD_USE(print_bad_pte, __VA_ARGS__)
#define GD_CALL_print_bad_pte(...)	((void)0)
#define print_bad_page_map(...)		GD_USE(print_bad_page_map, __VA_ARGS__)
#define GD_CALL_print_bad_page_map(...)	((void)0)
