/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sites: every expansion of WARN and BUG puts a struct gd_site into a section
 * of its own, so that the sites of an object can be listed without those of
 * unused functions, which are dropped.
 */
#ifndef GD_SITE_H
#define GD_SITE_H

#include <gupdiff.h>

extern void gd_warn(struct gd_site *site);
extern void gd_bug(struct gd_site *site) __attribute__((noreturn));

/* extra attributes of a site; for kernels, the optimiser may drop it */
#ifndef GD_SITE_ATTRIBUTE
#define GD_SITE_ATTRIBUTE
#endif

#define GD_SITE_SECTION(nr)	GD_SITE_SECTION_(nr)
#define GD_SITE_SECTION_(nr)	"gd_sites." #nr

#define GD_SITE(k) ({							\
	static struct gd_site __gd_site GD_SITE_ATTRIBUTE		\
		__attribute__((__section__(GD_SITE_SECTION(__COUNTER__)),	\
			       __aligned__(8))) = {			\
		.func = __func__, .file = __FILE__, .line = __LINE__,	\
		.counter = __COUNTER__, .kind = k,			\
	};								\
	&__gd_site; })

#endif
