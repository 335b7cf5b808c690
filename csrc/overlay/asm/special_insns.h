/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: the register PKRU of current is a variable, which the program sets.  The
 * machine's own is about the memory of this process, or there is none.
 */
#ifndef GD_SPECIAL_INSNS_H
#define GD_SPECIAL_INSNS_H

#define rdpkru gd_machine_rdpkru
#include_next <asm/special_insns.h>
#undef rdpkru

#ifndef __ASSEMBLY__
extern u32 gd_pkru;

static inline u32 rdpkru(void)
{
	return gd_pkru;
}
#endif
#endif
