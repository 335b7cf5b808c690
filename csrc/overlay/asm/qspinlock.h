/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: page-table locks are in the struct pages of page tables, which do
 * not exist here.  The kernel takes them with a function, but unlocks and tests
 * them inline; here these are calls, too.
 */
#ifndef GD_QSPINLOCK_H
#define GD_QSPINLOCK_H
#ifndef __ASSEMBLY__
#include <linux/types.h>
#include <asm-generic/qspinlock_types.h>

extern void gd_spin_unlock(void);
extern int gd_spin_is_locked(void);

#define queued_spin_unlock queued_spin_unlock
static __always_inline void queued_spin_unlock(struct qspinlock *lock)
{
	gd_spin_unlock();
}

#define queued_spin_is_locked queued_spin_is_locked
static __always_inline int queued_spin_is_locked(struct qspinlock *lock)
{
	return gd_spin_is_locked();
}
#endif
#include_next <asm/qspinlock.h>
#endif
