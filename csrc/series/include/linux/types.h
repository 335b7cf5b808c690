/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's names for the types of the language. */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

typedef unsigned char __u8, u8;
typedef unsigned short __u16, u16;
typedef unsigned int __u32, u32;
typedef int __s32, s32;
typedef unsigned long long __u64, u64;
typedef _Bool bool;

enum { false, true };

#define NULL ((void *)0)

typedef struct {
	int counter;
} atomic_t;

#endif
