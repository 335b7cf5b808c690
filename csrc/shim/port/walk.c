// SPDX-License-Identifier: GPL-2.0
/*
 * Entry points of the lockless walk that some versions do not have; the others
 * are in ../walk.c.
 */

/* it had no callers; removed in v6.5 */
#if !GD_SINCE(6, 5)
WALK(PIN_USER_PAGES_FAST_ONLY, pin_user_pages_fast_only)
#endif
