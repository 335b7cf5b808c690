// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of the lockless walk: its entry points.  Included by unit.c,
 * after ops.c.
 */
#undef __gup_longterm_locked
#undef get_user_pages_unlocked

static __always_inline struct page **op_pages(const struct gd_op *op)
{
	return op->mods & GD_MOD_NULL ? NULL : gd.list;
}

/*
 * An old slow path may leave an entry unchanged, and an old walk of no pages
 * continues for as many as there are: clear entries of earlier operations.
 */
#define WALK(ROLE, fn)								\
	OP(ROLE)								\
	{									\
		struct page **pages = op_pages(op);				\
										\
		if (gd.slow)							\
			gd_clear_list(op->n ?: GD_MAX_LIST);			\
		ret_pages(ret, fn(op->addr, op->n, op_foll(op), pages), pages);	\
	}

WALK(GET_USER_PAGES_FAST, get_user_pages_fast)
WALK(GET_USER_PAGES_FAST_ONLY, get_user_pages_fast_only)
WALK(PIN_USER_PAGES_FAST, pin_user_pages_fast)
