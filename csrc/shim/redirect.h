/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that mm/gup.c makes and that are answered from the script although
 * there is code for them: in a header, or in mm/gup.c itself.  Included before
 * mm/gup.c and after the headers that declare them, so that only the text of
 * mm/gup.c is concerned.
 */
#ifndef GD_REDIRECT_H
#define GD_REDIRECT_H

#include "harness.h"

#define get_dev_pagemap			gd_get_dev_pagemap
#define put_dev_pagemap			gd_put_dev_pagemap
#define arch_make_page_accessible	gd_make_page_accessible
#define arch_make_folio_accessible(folio) gd_make_page_accessible((struct page *)(folio))

/*
 * The slow path is a static function of the same file: its definition is left
 * alone, calls of it go elsewhere.  They are told apart by their first word: a
 * parameter begins with a type, an argument does not.
 */
#define GD_TYPE_struct		~, 1,
#define GD_TYPE_unsigned	~, 1,
#define GD_PASTE(a, b)		GD_PASTE_(a, b)
#define GD_PASTE_(a, b)		a##b
#define GD_FIRST(first, ...)	first
#define GD_SECOND(...)		GD_SECOND_(__VA_ARGS__)
#define GD_SECOND_(a, b, ...)	b
#define GD_IS_DEFINITION(...)	GD_SECOND(GD_PASTE(GD_TYPE_, GD_FIRST(__VA_ARGS__)), 0, ~)
#define GD_NAME_1(name)		name
#define GD_NAME_0(name)		gd_slow_##name
#define GD_NAME(name, ...)	GD_PASTE(GD_NAME_, GD_IS_DEFINITION(__VA_ARGS__))(name)

#define __gup_longterm_locked(...)					\
	GD_NAME(__gup_longterm_locked, __VA_ARGS__)(__VA_ARGS__)
#define get_user_pages_unlocked(...)					\
	GD_NAME(get_user_pages_unlocked, __VA_ARGS__)(__VA_ARGS__)

/* the fifth argument: where the VMAs go, or whether the lock is held */
static inline long gd_slow___gup_longterm_locked(struct mm_struct *mm, unsigned long start,
						 unsigned long nr_pages, struct page **pages,
						 void *fifth, unsigned int gup_flags)
{
	return gd_slow(start, nr_pages, pages, gup_flags);
}

static inline long gd_slow_get_user_pages_unlocked(unsigned long start, unsigned long nr_pages,
						   struct page **pages, unsigned int gup_flags)
{
	return gd_slow(start, nr_pages, pages, gup_flags);
}

#endif
