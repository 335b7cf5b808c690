/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: WARN and BUG become calls.  Left as ud2 they would cost a signal
 * each and collide with the engines' own handlers.  Every expansion leaves a
 * struct gd_site in the section gd_sites, so that the sites of an object can
 * be listed.  The once-latches of the kernel are cleared by gd_warn(), so no
 * hit is swallowed.
 */
#ifndef GD_BUG_H
#define GD_BUG_H
#include_next <asm/bug.h>
#ifndef __ASSEMBLY__
#include <gupdiff.h>

extern void gd_warn(struct gd_site *site);
extern void gd_bug(struct gd_site *site) __attribute__((noreturn));

#define GD_SITE(k) ({							\
	static struct gd_site __gd_site					\
		__attribute__((__section__("gd_sites"), __aligned__(8))) = {	\
		.func = __func__, .file = __FILE__, .line = __LINE__,	\
		.counter = __COUNTER__, .kind = k,			\
	};								\
	&__gd_site; })

#undef __WARN_FLAGS
#define __WARN_FLAGS(...)	gd_warn(GD_SITE(GD_SITE_WARN))
#undef BUG
#define BUG()			gd_bug(GD_SITE(GD_SITE_BUG))
#endif
#endif
