/* SPDX-License-Identifier: GPL-2.0 */
/*
 * WARN and BUG as calls of the harness.  WARN_ONCE fires every time, so every
 * hit is an event.  A WARN that can never fire is also a site, because it is
 * part of the posted code.
 */
#ifndef _LINUX_BUG_H
#define _LINUX_BUG_H

#include <linux/kernel.h>

#define GD_SITE_ATTRIBUTE __attribute__((__used__))
#include <gd_site.h>

#define WARN_ON_ONCE(condition) ({					\
	bool __warn = !!(condition);					\
	if (unlikely(__warn))						\
		gd_warn(GD_SITE(GD_SITE_WARN));				\
	unlikely(__warn); })

#if CONFIG_DEBUG_VM
#define VM_BUG_ON_PAGE(condition, page) do {				\
	if (unlikely(condition))					\
		gd_bug(GD_SITE(GD_SITE_BUG));				\
} while (0)
#else
#define VM_BUG_ON_PAGE(condition, page)	((void)sizeof(condition))
#endif

#endif
