/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sites: every expansion of WARN and BUG leaves a struct gd_site in the section
 * gd_sites, so that the sites of an object can be listed.
 */
#ifndef GD_SITE_H
#define GD_SITE_H

#include <gupdiff.h>

extern void gd_warn(struct gd_site *site);
extern void gd_bug(struct gd_site *site) __attribute__((noreturn));

/* more attributes of a site; a kernel's are left to the optimiser */
#ifndef GD_SITE_ATTRIBUTE
#define GD_SITE_ATTRIBUTE
#endif

#define GD_SITE(k) ({							\
	static struct gd_site __gd_site GD_SITE_ATTRIBUTE		\
		__attribute__((__section__("gd_sites"), __aligned__(8))) = {	\
		.func = __func__, .file = __FILE__, .line = __LINE__,	\
		.counter = __COUNTER__, .kind = k,			\
	};								\
	&__gd_site; })

#endif
