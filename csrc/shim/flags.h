/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page flags: converts the kernel's bits to the canonical ones of programs and
 * traces, and back.
 */
#ifndef GD_FLAGS_H
#define GD_FLAGS_H

#include "harness.h"

/* the kernel's bits; 0: the kernel does not have the flag */
static const unsigned long flag_mask[GD_NR_FLAGS] = {
#define GD_ROW(flag, bit) [flag] = 1ul << (bit),
#include "port/flags.h"
};

/*
 * On some kernels the flag word of the first tail holds other data: the order in
 * its low byte, and on some whether it is hugetlb in PG_active.  On all
 * kernels, these flags are neither set nor observed on tails.
 */
#define GD_NOT_ON_TAILS								\
	(1u << GD_F_LOCKED | 1u << GD_F_REFERENCED | 1u << GD_F_UPTODATE |	\
	 1u << GD_F_DIRTY | 1u << GD_F_LRU | 1u << GD_F_ACTIVE |		\
	 1u << GD_F_WAITERS | 1u << GD_F_WRITEBACK | 1u << GD_F_HEAD)

/* the same in the kernel's bits */
static const unsigned long tail_bits = 0
#define GD_ROW(flag, bit) | (GD_NOT_ON_TAILS >> (flag) & 1 ? 1ul << (bit) : 0)
#include "port/flags.h"
;

static inline u32 canonical_flags(unsigned long word, bool tail)
{
	u32 flags = 0
#define GD_ROW(flag, bit) | (u32)(word >> (bit) & 1) << (flag)
#include "port/flags.h"
	;

	return tail ? flags & ~GD_NOT_ON_TAILS : flags;
}

#endif
