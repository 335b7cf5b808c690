/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page flags: GD_ROW(canonical number, the kernel's bit).  A row that does not
 * compile is removed (csrc/sides/src/compile/detect.rs): the tree does not have
 * the flag.
 */
GD_ROW(GD_F_LOCKED, PG_locked)
GD_ROW(GD_F_REFERENCED, PG_referenced)
GD_ROW(GD_F_UPTODATE, PG_uptodate)
GD_ROW(GD_F_DIRTY, PG_dirty)
GD_ROW(GD_F_LRU, PG_lru)
GD_ROW(GD_F_ACTIVE, PG_active)
GD_ROW(GD_F_WORKINGSET, PG_workingset)
GD_ROW(GD_F_WAITERS, PG_waiters)
GD_ROW(GD_F_ANON_EXCLUSIVE, PORT_ANON_EXCLUSIVE)
GD_ROW(GD_F_RESERVED, PG_reserved)
GD_ROW(GD_F_PRIVATE, PG_private)
GD_ROW(GD_F_WRITEBACK, PG_writeback)
GD_ROW(GD_F_HEAD, PG_head)
GD_ROW(GD_F_SWAPBACKED, PG_swapbacked)
GD_ROW(GD_F_UNEVICTABLE, PG_unevictable)
GD_ROW(GD_F_MLOCKED, PG_mlocked)
GD_ROW(GD_F_HWPOISON, PG_hwpoison)
GD_ROW(GD_F_YOUNG, PG_young)
GD_ROW(GD_F_IDLE, PG_idle)
GD_ROW(GD_F_RECLAIM, PG_reclaim)
GD_ROW(GD_F_SWAPCACHE, PG_swapcache)
GD_ROW(GD_F_ARCH_1, PG_arch_1)
GD_ROW(GD_F_PRIVATE_2, PG_private_2)
#undef GD_ROW
