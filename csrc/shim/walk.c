// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of the lockless walk: its entry points, with the slow path
 * answered from the script.  Included by unit.c, behind ops.c.
 */
#undef __gup_longterm_locked
#undef get_user_pages_unlocked

static u32 canonical_foll(unsigned int flags)
{
	u32 canonical = 0, i;

	for (i = 0; i < GD_NR_FOLL; i++)
		if (gd_foll_bits[i] & flags)
			canonical |= 1u << i;
	return canonical;
}

static long gd_slow(unsigned long start, unsigned long nr_pages, struct page **pages,
		    unsigned int gup_flags)
{
	unsigned long nr, i;
	struct gd_rec *rec;
	int answer;

	gd_after();
	gd_step();
	rec = gd_record(GD_R_ASK);
	rec->a = GD_A_SLOW;
	rec->c = canonical_foll(gup_flags);
	rec->d = start;
	rec = gd_record(GD_R_ASK);
	rec->a = GD_A_SLOW_NR;
	rec->b = !pages;
	rec->d = nr_pages;
	answer = gd_answer(GD_WHEN_SLOW, GD_DEFAULT_SLOW);
	if (answer <= 0)
		return answer;
	nr = min_t(unsigned long, answer, nr_pages);
	for (i = 0; pages && i < nr; i++)
		pages[i] = gd.poison;
	return nr;
}

/* Entries beyond the list are not looked at; storing one has ended the operation. */
static void ret_pages(struct gd_rec *ret, int nr, struct page **pages)
{
	ret_int(ret, nr);
	if (nr > 0 && pages)
		gd.nr_entries = min_t(u32, nr, GD_MAX_LIST);
}

static struct page **op_pages(const struct gd_op *op)
{
	return op->mods & GD_MOD_NULL ? NULL : gd.list;
}

#define WALK(ROLE, fn)								\
	OP(ROLE)								\
	{									\
		struct page **pages = op_pages(op);				\
										\
		ret_pages(ret, fn(op->addr, op->n, op_foll(op), pages), pages);	\
	}

WALK(GET_USER_PAGES_FAST, get_user_pages_fast)
WALK(GET_USER_PAGES_FAST_ONLY, get_user_pages_fast_only)
WALK(PIN_USER_PAGES_FAST, pin_user_pages_fast)
#if !GD_SINCE(6, 5)
WALK(PIN_USER_PAGES_FAST_ONLY, pin_user_pages_fast_only)
#endif
