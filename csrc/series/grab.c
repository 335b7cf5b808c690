// SPDX-License-Identifier: GPL-2.0
/*
 * Taking references and pins, as chosen by FOLL_GET and FOLL_PIN.
 */
#include <linux/mm.h>

static void count_requested(long pins)
{
	if (IS_ENABLED(CONFIG_DEBUG_VM))
		mod_node_page_state(NR_FOLL_PIN_REQUESTED, pins);
}

/* ---- the lockless walk ---- */

/* Takes refs references on the head; NULL if that is impossible. */
static struct page *try_get_compound_head(struct page *page, int refs)
{
	struct page *head = compound_head(page);

	if (WARN_ON_ONCE(page_ref_count(head) < 0))
		return NULL;
	return page_ref_add_unless(head, refs, 0) ? head : NULL;
}

/* The product is truncated to an int. */
static struct page *try_pin_compound_head(struct page *page, int refs)
{
	page = try_get_compound_head(page, GUP_PIN_COUNTING_BIAS * refs);
	if (!page)
		return NULL;
	count_requested(refs);
	return page;
}

/* Up to v9 FOLL_GET is the default; since v10 one of the two must be set. */
static struct page *try_grab_compound_head(struct page *page, int refs,
					   unsigned int flags)
{
	if (flags & FOLL_PIN)
		return try_pin_compound_head(page, refs);
#if GD_SERIES >= 10
	if (WARN_ON_ONCE(!(flags & FOLL_GET)))
		return NULL;
#endif
	return try_get_compound_head(page, refs);
}

/* ---- the slow path: one reference or pin; neither flag: nothing ---- */

#if GD_SERIES == 8
/*
 * Two bugs that the review found: all but one reference of the pin go to the
 * page itself instead of its head, and nothing checks for overflow of the
 * count.  The warning can never fire.
 */
static void grab_page(struct page *page, unsigned int flags)
{
	if (flags & FOLL_GET) {
		get_page(page);
	} else if (flags & FOLL_PIN) {
		get_page(page);
		WARN_ON_ONCE(flags & FOLL_GET);
		page_ref_add(page, GUP_PIN_COUNTING_BIAS - 1);
		count_requested(1);
	}
}
#else
/* False: no reference was taken. */
static bool try_grab_page(struct page *page, unsigned int flags)
{
#if GD_SERIES >= 11
	WARN_ON_ONCE((flags & FOLL_GET) && (flags & FOLL_PIN));
#endif
	if (flags & FOLL_GET)
		return try_get_page(page);

	if (flags & FOLL_PIN) {
		page = compound_head(page);
#if GD_SERIES >= 11
		if (WARN_ON_ONCE(page_ref_count(page) <= 0))
			return false;
#else
		/* can never fire */
		WARN_ON_ONCE(flags & FOLL_GET);
		if (WARN_ON_ONCE(page_ref_zero_or_close_to_bias_overflow(page)))
			return false;
#endif
		page_ref_add(page, GUP_PIN_COUNTING_BIAS);
		count_requested(1);
	}
	return true;
}
#endif
