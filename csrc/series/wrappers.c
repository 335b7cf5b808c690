// SPDX-License-Identifier: GPL-2.0
/*
 * The wrappers' checks of their flags, which come first: returns an errno, or
 * the flags that they pass on.  Callers may not choose FOLL_GET and FOLL_PIN
 * themselves.
 */
#include <linux/mm.h>

static long pin_user_pages(unsigned int gup_flags)
{
	if (WARN_ON_ONCE(gup_flags & FOLL_GET))
		return -EINVAL;
	return gup_flags | FOLL_PIN;
}

/* A long-term pin must not drop the lock, so it does not accept `locked`. */
static long pin_user_pages_remote(unsigned int gup_flags, bool locked)
{
	if (WARN_ON_ONCE(gup_flags & FOLL_GET))
		return -EINVAL;
	gup_flags |= FOLL_PIN;
	if (WARN_ON_ONCE((gup_flags & FOLL_LONGTERM) && locked))
		return -EINVAL;
	return gup_flags;
}

static long pin_user_pages_fast(unsigned int gup_flags)
{
	if (WARN_ON_ONCE(gup_flags & FOLL_GET))
		return -EINVAL;
	return gup_flags | FOLL_PIN;
}

static long get_user_pages(unsigned int gup_flags)
{
	return WARN_ON_ONCE(gup_flags & FOLL_PIN) ? -EINVAL : (long)gup_flags;
}

static long get_user_pages_remote(unsigned int gup_flags)
{
	return WARN_ON_ONCE(gup_flags & FOLL_PIN) ? -EINVAL : (long)gup_flags;
}

static long get_user_pages_locked(unsigned int gup_flags)
{
	return WARN_ON_ONCE(gup_flags & FOLL_PIN) ? -EINVAL : (long)gup_flags;
}

static long get_user_pages_unlocked(unsigned int gup_flags)
{
	return WARN_ON_ONCE(gup_flags & FOLL_PIN) ? -EINVAL : (long)gup_flags;
}

static long get_user_pages_fast(unsigned int gup_flags)
{
	return WARN_ON_ONCE(gup_flags & FOLL_PIN) ? -EINVAL : (long)gup_flags;
}
