// SPDX-License-Identifier: GPL-2.0
/*
 * Calls on real mappings of init: what get_user_pages() and pin_user_pages()
 * and their kin give, and what they leave on the folios.
 */

static long call_gup(u32 call, unsigned long start, unsigned long nr,
		     unsigned int foll, struct page **pages)
{
	struct mm_struct *mm = current->mm;
	long ret;

	switch (call) {
	case GD_USER_PIN_FAST:
		return pin_user_pages_fast(start, nr, foll, pages);
	case GD_USER_GET_FAST:
		return get_user_pages_fast(start, nr, foll, pages);
	case GD_USER_PIN_UNLOCKED:
		return pin_user_pages_unlocked(start, nr, pages, foll);
	case GD_USER_GET_UNLOCKED:
		return get_user_pages_unlocked(start, nr, pages, foll);
	}
	mmap_read_lock(mm);
	ret = call == GD_USER_PIN ? live_pin_user_pages(start, nr, foll, pages) :
				    live_get_user_pages(start, nr, foll, pages);
	mmap_read_unlock(mm);
	return ret;
}

static struct gd_user_state user_state(struct page *head)
{
	u64 counts = observe_counts(head);

	return (struct gd_user_state){
		.ref = (int)counts,
		.pin = counts >> 32,
		.pinned = port_maybe_dma_pinned(head),
	};
}

/* Groups the pages by folio; tells how many there are. */
static u32 user_folios(struct gd_user *u, struct page **pages, long nr, struct page **heads)
{
	u32 count = 0;
	long i;

	for (i = 0; i < nr; i++) {
		struct page *head = compound_head(pages[i]);
		struct gd_user_folio *f;

		if (count && heads[count - 1] == head) {
			u->folio[count - 1].nr++;
			continue;
		}
		if (count == GD_USER_FOLIOS)
			return count + 1;
		heads[count] = head;
		f = &u->folio[count++];
		f->offset = pages[i] - head;
		f->nr = 1;
		f->order = compound_order(head);
		f->kind = is_zero_pfn(page_to_pfn(pages[i])) ? GD_K_ZERO :
			  PageHuge(head) ? GD_K_HUGETLB : GD_K_NORMAL;
		f->anon = PageAnon(head);
	}
	return count;
}

static void give_back(const struct gd_user *u, struct page **pages, long nr)
{
	long i;

	if (u->call < GD_USER_GET_FAST) {
		unpin_user_pages(pages, nr);
		return;
	}
	for (i = 0; i < nr; i++)
		put_page(pages[i]);
}

/* The page that is mapped now, if that can be told without a fault. */
static struct page *mapped_page(unsigned long address)
{
	struct page *page = NULL;

	if (get_user_pages_fast_only(address, 1, 0, &page) != 1)
		return NULL;
	put_page(page);
	return page;
}

static bool is_movable(const struct page *page)
{
	return page_zonenum(page) == ZONE_MOVABLE;
}

static long live_user(struct gd_user __user *arg)
{
	struct page *pages[GD_USER_MAX_PAGES] = {}, *before;
	struct page *heads[GD_USER_FOLIOS];
	struct gd_user *u;
	struct gd_op op = {};
	u32 i;

	if (live_header->nr_user == GD_LIVE_MAX_USER)
		return -ENOSPC;
	u = &live_header->user[live_header->nr_user];
	if (copy_from_user(u, arg, sizeof(*u)))
		return -EFAULT;
	if (u->nr_pages > GD_USER_MAX_PAGES)
		return -EINVAL;
	op.foll = u->foll;
	before = mapped_page(u->address);
	if (before && is_movable(before))
		u->facts |= GD_USER_WAS_MOVABLE;

	u->acquired = -node_counter(NR_FOLL_PIN_ACQUIRED);
	u->released = -node_counter(NR_FOLL_PIN_RELEASED);
	u->result = call_gup(u->call, u->address, u->nr_pages, op_foll(&op), pages);
	u->acquired += node_counter(NR_FOLL_PIN_ACQUIRED);
	if (u->result > 0) {
		if (before && before != pages[0])
			u->facts |= GD_USER_MOVED;
		if (is_movable(pages[0]))
			u->facts |= GD_USER_IS_MOVABLE;
		u->nr_folios = user_folios(u, pages, u->result, heads);
		for (i = 0; i < min_t(u32, u->nr_folios, GD_USER_FOLIOS); i++)
			u->folio[i].held = user_state(heads[i]);
		give_back(u, pages, u->result);
		for (i = 0; i < min_t(u32, u->nr_folios, GD_USER_FOLIOS); i++)
			u->folio[i].given_back = user_state(heads[i]);
	}
	u->released += node_counter(NR_FOLL_PIN_RELEASED);
	live_header->nr_user++;
	return 0;
}
