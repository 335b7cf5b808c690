/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Redirects calls of mm/gup.c to the script although their code exists, in a
 * header or in mm/gup.c itself.  Included before mm/gup.c and after the headers
 * that declare the functions, so that only the text of mm/gup.c is affected.
 */
#ifndef GD_REDIRECT_H
#define GD_REDIRECT_H

#include "calls.h"
#include "harness.h"
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/swapops.h>
#include <linux/uaccess.h>

#define put_dev_pagemap			gd_put_dev_pagemap
#ifndef CONFIG_ZONE_DEVICE	/* the inline version finds none */
#define get_dev_pagemap			gd_get_dev_pagemap
#endif
#define arch_make_page_accessible	gd_make_page_accessible
#define arch_make_folio_accessible(folio) gd_make_page_accessible((struct page *)(folio))

/* user memory does not exist; it is accessed while that is permitted */
#ifdef user_access_begin
#undef user_access_begin
#define user_access_begin(ptr, len) gd_user_access_begin((user_access_begin)(ptr, len))
#undef user_access_end
#define user_access_end()		gd_user_access_end()
#endif
#undef unsafe_get_user
#define unsafe_get_user(x, ptr, label)						\
do {										\
	if (gd_user_access((unsigned long)(ptr), false))			\
		goto label;							\
	(x) = 0;								\
} while (0)
#undef unsafe_put_user
#define unsafe_put_user(x, ptr, label)						\
do {										\
	if (gd_user_access((unsigned long)(ptr), true))				\
		goto label;							\
} while (0)

/* these permit it themselves */
#undef __get_user
#define __get_user(x, ptr)							\
({										\
	(x) = 0;								\
	gd_permitted_user_access((unsigned long)(ptr), false);			\
})
#undef __put_user
#define __put_user(x, ptr)		gd_permitted_user_access((unsigned long)(ptr), true)

/* pages have no contents either; a folio is cleared as a whole */
#define folio_zero_range(folio, start, length)					\
do {										\
	if ((start) == 0 && (length) == folio_size(folio))			\
		gd_zero_folio((struct page *)(folio));				\
} while (0)

/* what it says is not compared */
#undef pr_warn
#define pr_warn(...)			gd_log()

/* no-ops on x86 */
#undef flush_anon_page
#define flush_anon_page(vma, page, address) gd_flush(GD_FLUSH_ANON, page, address)
#undef flush_dcache_page
#define flush_dcache_page(page)		gd_flush(GD_FLUSH_PAGE, page, 0)
#undef flush_dcache_folio
#define flush_dcache_folio(folio)	gd_flush(GD_FLUSH_FOLIO, (struct page *)(folio), 0)

/* the slow path: mm/memory.c, mm/huge_memory.c and mm/hugetlb.c */
#define handle_mm_fault			gd_handle_mm_fault
#define __pte_alloc			gd_pte_alloc
#define __split_huge_pmd(vma, pmd, address, ...) gd_split_huge_pmd(address)
#define hugetlbfs_pagecache_present(h, vma, address) gd_pagecache_present(vma, address)
/* for a flag of old kernels, FOLL_SPLIT */
#define split_huge_page(page)		gd_split_huge_page(page)
#define isolate_hugetlb(folio, list)	gd_isolate_hugetlb((struct page *)(folio), list)
#define folio_isolate_hugetlb(folio, list) gd_isolate_hugetlb((struct page *)(folio), list)

/* for another one: who waits for the end of a migration looks at the entry again */
#ifdef FOLL_MIGRATION
static inline bool gd_pmd_migrates(pmd_t pmd)
{
	return is_pmd_migration_entry(pmd) || gd_is_no_migration();
}

#define is_pmd_migration_entry(pmd)	gd_pmd_migrates(pmd)
#define migration_entry_wait(mm, pmd, address) gd_wait_for_migration(mm, GD_L_PTE, address)
#define pmd_migration_entry_wait(mm, pmd) gd_wait_at_entry(pmd)
#endif

/*
 * The slow path of the fast entry points is a function of the same file: its
 * definition is left alone, and calls of it are redirected, unless the program
 * asks for the real one.
 */
#define GD_SLOW(name, ...)							\
	(gd_slow_is_real() ? name(__VA_ARGS__) : gd_slow_##name(__VA_ARGS__))

#define __gup_longterm_locked(...)	GD_USE(__gup_longterm_locked, __VA_ARGS__)
#define GD_CALL___gup_longterm_locked(...) GD_SLOW(__gup_longterm_locked, __VA_ARGS__)
#define get_user_pages_unlocked(...)	GD_USE(get_user_pages_unlocked, __VA_ARGS__)
#define GD_CALL_get_user_pages_unlocked(...) GD_SLOW(get_user_pages_unlocked, __VA_ARGS__)

/* after pages: the array for VMAs, or `locked`, or both; then the flags */
#define GD_LAST_OF_2(a, b)		(b)
#define GD_LAST_OF_3(a, b, c)		(c)
#define GD_PICK(a, b, c, name, ...)	name
#define GD_LAST(...)			GD_PICK(__VA_ARGS__, GD_LAST_OF_3, GD_LAST_OF_2)(__VA_ARGS__)
#define gd_slow___gup_longterm_locked(mm, start, nr_pages, pages, ...)		\
	gd_slow(start, nr_pages, pages, GD_LAST(__VA_ARGS__))

static inline long gd_slow_get_user_pages_unlocked(unsigned long start, unsigned long nr_pages,
						   struct page **pages, unsigned int gup_flags)
{
	return gd_slow(start, nr_pages, pages, gup_flags);
}

#endif
