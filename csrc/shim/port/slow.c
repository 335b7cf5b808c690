// SPDX-License-Identifier: GPL-2.0
/*
 * Entry points of the slow path that have had other arguments; the others are in
 * ../slow.c.
 */

/* v6.5: "mm/gup: remove vmas parameter from get_user_pages_remote()" and its kin */
#if GD_SINCE(6, 5)
UNDER_LOCK(GET_USER_PAGES, get_user_pages(op->addr, nr, op_foll(op), pages))
UNDER_LOCK(PIN_USER_PAGES, pin_user_pages(op->addr, nr, op_foll(op), pages))
UNDER_LOCK_TO_DROP(GET_USER_PAGES_REMOTE,
		   get_user_pages_remote(&gd_mm, op->addr, nr, op_foll(op), pages, locked))
UNDER_LOCK_TO_DROP(PIN_USER_PAGES_REMOTE,
		   pin_user_pages_remote(&gd_mm, op->addr, nr, op_foll(op), pages, locked))
#else
UNDER_LOCK(GET_USER_PAGES, get_user_pages(op->addr, nr, op_foll(op), pages, NULL))
UNDER_LOCK(PIN_USER_PAGES, pin_user_pages(op->addr, nr, op_foll(op), pages, NULL))
UNDER_LOCK_TO_DROP(GET_USER_PAGES_REMOTE,
		   get_user_pages_remote(&gd_mm, op->addr, nr, op_foll(op), pages, NULL, locked))
UNDER_LOCK_TO_DROP(PIN_USER_PAGES_REMOTE,
		   pin_user_pages_remote(&gd_mm, op->addr, nr, op_foll(op), pages, NULL, locked))
#endif
