/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: counts RCU read-side critical sections, which the kernel opens with
 * a mapping of a page table and closes with its unmapping.  There is no grace
 * period to wait for, so a count is enough.
 */
#ifndef GD_RCUPDATE_H
#define GD_RCUPDATE_H
#include_next <linux/rcupdate.h>
#include <gd_hook.h>
#define rcu_read_lock()		gd_rcu_read_lock()
#define rcu_read_unlock()	gd_rcu_read_unlock()
#endif
