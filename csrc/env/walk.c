// SPDX-License-Identifier: GPL-2.0
/*
 * Scripted: functions that the lockless walk calls.  Each call is a step, an
 * event and a hook point; it returns the script's answer, else the default of
 * hooks.h.
 */
#include "../shim/harness.h"

struct gd_rec *gd_ask(u8 what)
{
	struct gd_rec *rec;

	gd_after();
	gd_step();
	rec = gd_record(GD_R_ASK);
	rec->a = what;
	return rec;
}

/* its contents are not read */
static struct dev_pagemap pagemap;

struct dev_pagemap *gd_get_dev_pagemap(unsigned long pfn, struct dev_pagemap *pgmap)
{
	struct gd_rec *rec = gd_ask(GD_A_PAGEMAP);

	rec->b = !!pgmap;
	rec->c = pfn - GD_PFN_BASE < GD_NR_PAGES ? pfn - GD_PFN_BASE : GD_NOWHERE;
	return gd_answer(GD_HOOK_PAGEMAP) ? &pagemap : NULL;
}

void gd_put_dev_pagemap(struct dev_pagemap *pgmap)
{
	gd_ask(GD_A_PAGEMAP_PUT)->b = !!pgmap;
}

int gd_make_page_accessible(struct page *page)
{
	gd_call(GD_C_MAKE_ACCESSIBLE, page);
	return gd_answer(GD_HOOK_ACCESSIBLE);
}

/* The slow path; only its answer is compared. */
long gd_slow(unsigned long start, unsigned long nr_pages, struct page **pages,
		    unsigned int gup_flags)
{
	unsigned long nr, i;
	struct gd_rec *rec;
	int answer;

	rec = gd_ask(GD_A_SLOW);
	rec->c = gd_canonical_foll(gup_flags);
	rec->d = start;
	rec = gd_record(GD_R_ASK);
	rec->a = GD_A_SLOW_NR;
	rec->b = !pages;
	rec->d = nr_pages;
	answer = gd_answer(GD_HOOK_SLOW);
	if (answer <= 0)
		return answer;
	nr = min_t(unsigned long, answer, nr_pages);
	for (i = 0; pages && i < nr; i++)
		pages[i] = gd.poison;
	return nr;
}
