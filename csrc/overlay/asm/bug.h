/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: WARN and BUG become calls.  Left as ud2 they would cost a signal
 * each and collide with the engines' own handlers.  The once-latches of the
 * kernel are cleared by gd_warn(), so no hit is swallowed.
 */
#ifndef GD_BUG_H
#define GD_BUG_H
#include_next <asm/bug.h>
#ifndef __ASSEMBLY__
#include <gd_site.h>

#undef __WARN_FLAGS
#define __WARN_FLAGS(...)	gd_warn(GD_SITE(GD_SITE_WARN))
#undef BUG
#define BUG()			gd_bug(GD_SITE(GD_SITE_BUG))
#endif
#endif
