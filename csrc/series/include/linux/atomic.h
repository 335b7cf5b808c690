/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory accesses that the harness observes: each reports itself first, like
 * the kernels' instrumentation for KASAN and KCSAN
 * (../../../overlay/gd_hook.h).
 * There is one thread, so a volatile access is atomic enough; volatile also
 * keeps them in order before an access that faults.
 */
#ifndef _LINUX_ATOMIC_H
#define _LINUX_ATOMIC_H

#include <linux/types.h>
#include <gd_hook.h>

#define READ_ONCE(x) ({							\
	const volatile __typeof__(x) *__p = &(x);			\
	gd_access(__p);							\
	*__p; })

static inline int atomic_read(const atomic_t *v)
{
	gd_read(v);
	return READ_ONCE(v->counter);
}

static inline void atomic_set(atomic_t *v, int i)
{
	gd_update(v);
	*(volatile int *)&v->counter = i;
}

/* Arithmetic wraps: -fno-strict-overflow. */
static inline int atomic_add_return(int i, atomic_t *v)
{
	volatile int *counter = &v->counter;

	gd_update(v);
	return *counter += i;
}

static inline int atomic_sub_return(int i, atomic_t *v)
{
	volatile int *counter = &v->counter;

	gd_update(v);
	return *counter -= i;
}

/* A refused addition is an update, too. */
static inline bool atomic_add_unless(atomic_t *v, int a, int u)
{
	volatile int *counter = &v->counter;

	gd_update(v);
	if (*counter == u)
		return false;
	*counter += a;
	return true;
}

static inline bool test_bit(unsigned int nr, const unsigned long *word)
{
	return READ_ONCE(*word) >> nr & 1;
}

static inline void set_bit(unsigned int nr, volatile unsigned long *word)
{
	gd_update(word);
	*word |= 1ul << nr;
}

static inline void clear_bit(unsigned int nr, volatile unsigned long *word)
{
	gd_update(word);
	*word &= ~(1ul << nr);
}

static inline bool test_and_set_bit(unsigned int nr, volatile unsigned long *word)
{
	bool old;

	gd_update(word);
	old = *word >> nr & 1;
	*word |= 1ul << nr;
	return old;
}

#endif
