/* SPDX-License-Identifier: GPL-2.0 */
/* Integers of the interface, in the kernel and outside of it. */
#ifndef GUPDIFF_ABI_TYPES_H
#define GUPDIFF_ABI_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
typedef __u8 gd_u8;
typedef __u16 gd_u16;
typedef __u32 gd_u32;
typedef __s32 gd_s32;
typedef __u64 gd_u64;
#else
#include <stdint.h>
typedef uint8_t gd_u8;
typedef uint16_t gd_u16;
typedef uint32_t gd_u32;
typedef int32_t gd_s32;
typedef uint64_t gd_u64;
#endif

#endif
