// SPDX-License-Identifier: GPL-2.0
/*
 * The slow path's call sites: what each function does with the page that the
 * page-table entry points to.
 */
#include <linux/mm.h>

/* call sites that do not return -ENOMEM for a failed grab yet */
#if GD_SERIES >= 11
#define GRAB_ERROR	(-ENOMEM)
#else
#define GRAB_ERROR	(-EFAULT)
#endif

/* Take a reference or pin, or fail; NULL: continue. */
static struct page *grab_error(struct page *page, unsigned int flags)
{
#if GD_SERIES == 8
	grab_page(page, flags);
#else
	if (!try_grab_page(page, flags))
		return ERR_PTR(GRAB_ERROR);
#endif
	return NULL;
}

static struct page *follow_page_pte(struct page *page, unsigned int flags, bool devmap)
{
	/* without a reference the device could be removed */
	if (devmap && !(flags & (FOLL_GET | FOLL_PIN)))
		return ERR_PTR(-EEXIST);
#if GD_SERIES == 8
	/* a copy of grab_page() with its two bugs */
	if (flags & (FOLL_GET | FOLL_PIN)) {
		if (!try_get_page(page))
			return ERR_PTR(-ENOMEM);
		if (flags & FOLL_PIN) {
			WARN_ON_ONCE(flags & FOLL_GET);
			page_ref_add(page, GUP_PIN_COUNTING_BIAS - 1);
			count_requested(1);
		}
	}
#else
	if (!try_grab_page(page, flags))
		return ERR_PTR(-ENOMEM);
#endif
	return page;
}

/* The hugepd branch, where follow_huge_addr() has found the page. */
static struct page *follow_page_mask(struct page *page, unsigned int flags)
{
	WARN_ON_ONCE(flags & (FOLL_GET | FOLL_PIN));
#if GD_SERIES == 8
	return NULL;		/* a bug that the review found */
#else
	return page;
#endif
}

static struct page *follow_devmap_pmd(struct page *page, unsigned int flags)
{
	struct page *error;

	if (WARN_ON_ONCE((flags & FOLL_GET) && (flags & FOLL_PIN)))
		return NULL;
	if (!(flags & (FOLL_GET | FOLL_PIN)))
		return ERR_PTR(-EEXIST);
	error = grab_error(page, flags);
	return error ? error : page;
}

static struct page *follow_devmap_pud(struct page *page, unsigned int flags)
{
	struct page *error;

	if (WARN_ON_ONCE((flags & FOLL_GET) && (flags & FOLL_PIN)))
		return NULL;
	if (!(flags & (FOLL_GET | FOLL_PIN)))
		return ERR_PTR(-EEXIST);
	error = grab_error(page, flags);
	return error ? error : page;
}

/* Lock contention and pages without a mapping are left to vmscan. */
static void mlock_huge_page(struct page *head)
{
	if (!READ_ONCE(head->mapping) || !trylock_page(head))
		return;
	mlock_vma_page(head);
	unlock_page(head);
}

/* Up to v9 a page may already be mlocked when its grab fails. */
static struct page *follow_trans_huge_pmd(struct page *page, unsigned int flags,
					  bool mlock)
{
	struct page *head = compound_head(page), *error;

#if GD_SERIES >= 10
	error = grab_error(page, flags);
	if (error)
		return error;
#endif
	if (mlock)
		mlock_huge_page(head);
#if GD_SERIES < 10
	error = grab_error(page, flags);
	if (error)
		return error;
#endif
	return page;
}

/* The pages of a compound page, starting with this one. */
static int compound_left(struct page *page, struct page *head)
{
	return head + (1 << compound_order(head)) - page;
}

/* Returns the number of recorded pages, or an errno if there is none. */
static long follow_hugetlb_page(struct page *page, int n, unsigned int flags,
				struct page **pages)
{
	struct page *head = compound_head(page);
	int i, nr = clamp_t(int, n, 0, compound_left(page, head));

	for (i = 0; i < nr; i++) {
		struct page *error = grab_error(page + i, flags);

		if (error)
			return i ? i : PTR_ERR(error);
		pages[i] = page + i;
	}
	return nr;
}

static struct page *follow_huge_pmd(struct page *page, unsigned int flags)
{
	struct page *error;

	if (WARN_ON_ONCE((flags & FOLL_GET) && (flags & FOLL_PIN)))
		return NULL;
	error = grab_error(page, flags);
	return error ? error : page;
}

/* These two cannot take references. */
static struct page *follow_huge_pud(struct page *page, unsigned int flags)
{
	return flags & (FOLL_GET | FOLL_PIN) ? NULL : page;
}

static struct page *follow_huge_pgd(struct page *page, unsigned int flags)
{
	return flags & (FOLL_GET | FOLL_PIN) ? NULL : page;
}
