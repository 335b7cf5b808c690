/* SPDX-License-Identifier: GPL-2.0 */
/* Attributes, comparisons, error pointers. */
#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <linux/types.h>

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define noinline	__attribute__((__noinline__))
#define __maybe_unused	__attribute__((__unused__))

#define offsetof(type, member)	__builtin_offsetof(type, member)

/* options are defined as 0 or 1 */
#define IS_ENABLED(option)	(option)

#define swap(a, b) do {							\
	__typeof__(a) __swap = (a);					\
	(a) = (b);							\
	(b) = __swap;							\
} while (0)

#define min_t(type, a, b) ({						\
	type __a = (a), __b = (b);					\
	__a < __b ? __a : __b; })
#define clamp_t(type, value, low, high) ({				\
	type __value = (value), __low = (low), __high = (high);		\
	__value < __low ? __low : __value > __high ? __high : __value; })

#define EEXIST	17
#define EFAULT	14
#define EINVAL	22
#define ENOMEM	12

#define MAX_ERRNO	4095

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool IS_ERR(const void *ptr)
{
	return (unsigned long)ptr >= (unsigned long)-MAX_ERRNO;
}

#endif
