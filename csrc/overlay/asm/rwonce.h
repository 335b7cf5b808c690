/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: READ_ONCE checks its address first, and WRITE_ONCE reports stores to
 * page-table entries.  asm-generic/rwonce.h lets an architecture override
 * __READ_ONCE (arm64 does); x86 has no rwonce.h of its own, so nothing is
 * replaced.
 */
#ifndef GD_RWONCE_H
#define GD_RWONCE_H
#ifndef __ASSEMBLY__
#include <gd_hook.h>
#define __READ_ONCE(x) ({							\
	const volatile __unqual_scalar_typeof(x) *__gd_p =			\
		(const volatile __unqual_scalar_typeof(x) *)&(x);		\
	gd_access(__gd_p);							\
	*__gd_p; })
#endif
#include <asm-generic/rwonce.h>
#ifndef __ASSEMBLY__
#undef __WRITE_ONCE
#define __WRITE_ONCE(x, val)							\
do {										\
	*(volatile typeof(x) *)&(x) = (val);					\
	gd_stored(&(x));							\
} while (0)
#endif
#endif
