/* SPDX-License-Identifier: GPL-2.0 */
/*
 * State, other than pages, that the code under test reads or changes.
 */
#ifndef GD_PORT_MM_H
#define GD_PORT_MM_H

#include "version.h"

/* v5.14: "mm: introduce memfd_secret system call to create "secret" memory areas" */
#if GD_SINCE(5, 14)
#include <linux/secretmem.h>
#endif

/*
 * Did this mm ever have pins?  A bit of its flags since v5.15 ("mm: gup: pack
 * has_pinned in MMF_HAS_PINNED"), in their first word; since v6.18 the flags
 * are a bitmap.  Before v5.15 a field of its own.
 */
#if GD_SERIES || GD_SINCE(5, 15) != GD_OTHER_HAS_PINNED
static inline bool port_has_pinned(const struct mm_struct *mm)
{
	return *(const unsigned long *)&mm->flags & 1ul << MMF_HAS_PINNED;
}

static inline void port_set_has_pinned(struct mm_struct *mm, bool pinned)
{
	*(unsigned long *)&mm->flags = pinned ? 1ul << MMF_HAS_PINNED : 0;
}
#else
static inline bool port_has_pinned(const struct mm_struct *mm)
{
	return mm->has_pinned.counter;
}

static inline void port_set_has_pinned(struct mm_struct *mm, bool pinned)
{
	mm->has_pinned.counter = pinned;
}
#endif

/*
 * Do drivers get their pages back when one reference is left?  Removed in
 * v6.15: "fs/dax: properly refcount fs dax pages".
 */
#ifndef GD_WITHOUT_DEVMAP_MANAGED_KEY
static inline bool port_devmap_key(void)
{
	return static_key_enabled(&devmap_managed_key);
}

/* kept in a variable; the code is not patched */
static inline void port_set_devmap_key(bool on)
{
	devmap_managed_key.key.enabled.counter = on;
}
#else
static inline bool port_devmap_key(void)
{
	return false;
}

static inline void port_set_devmap_key(bool on) {}
#endif

#endif
