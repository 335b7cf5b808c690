/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every load of the code under test first calls this function
 * (-fsanitize-coverage=trace-loads).  Few loads matter, so a single comparison
 * decides, inline: the calls in a unit that includes this file are inlined by a
 * second compiler run (csrc/sides/src/compile/mod.rs).
 */
#ifndef GD_LOADS_H
#define GD_LOADS_H

#include <gd_hook.h>

/* the address range of interesting loads, see script.c */
extern unsigned long gd_loads_from, gd_loads_size;
extern void gd_load(const void *p) GD_RARELY;

#define GD_LOADED(size)								\
	void __sanitizer_cov_load##size(const void *p)				\
	{									\
		if (__builtin_expect((unsigned long)p - gd_loads_from < gd_loads_size, 0)) \
			gd_load(p);						\
	}

#ifdef GD_LOADS_INLINE
#define GD_LOADED_INLINE(size)							\
	static inline __attribute__((__always_inline__, __used__)) GD_LOADED(size)
GD_LOADED_INLINE(1)
GD_LOADED_INLINE(2)
GD_LOADED_INLINE(4)
GD_LOADED_INLINE(8)
GD_LOADED_INLINE(16)
#endif

#endif
