// SPDX-License-Identifier: GPL-2.0
/*
 * Observes pages and other state, and writes records that mean the same on
 * every kernel.
 */
#include "harness.h"
#include "flags.h"
#include "port/mapping.h"

static u32 mapping_class(unsigned long mapping)
{
	u32 class = port_mapping_class(mapping);

	if (!mapping || class != GD_M_NONE)
		return class;
	return (struct address_space *)mapping - gd_space;
}

/* refcount | pincount << 32; only large folios have a pin count, if any do. */
static inline u64 observe_counts(struct page *page)
{
	u32 pin = 0;

	if (!port_is_tail(page) && port_has_pincount(page))
		pin = port_pincount(page)->counter;
	return (u32)page->_refcount.counter | (u64)pin << 32;
}

/* The observed state of a page, in the format of shadows. */
static inline void take(struct gd_shadow *shadow, struct page *page)
{
	u64 counts = observe_counts(page);

	shadow->flags = port_flags(page);
	shadow->mapping = port_is_tail(page) ? GD_A_TAIL : (unsigned long)page->mapping;
	shadow->ref = (int)counts;
	shadow->pin = counts >> 32;
}

/* The same for a touched page, compared with its shadow. */
void gd_shadow_take(u32 nr)
{
	take(gd_shadow(nr), gd.memmap + nr);
}

static inline bool same(const struct gd_shadow *a, const struct gd_shadow *b)
{
	bool tail = b->mapping == GD_A_TAIL;

	return a->mapping == b->mapping && a->ref == b->ref && a->pin == b->pin &&
	       (a->flags == b->flags ||
		canonical_flags(a->flags, tail) == canonical_flags(b->flags, tail));
}

/* Write a complete record. */
static inline void observe(u8 kind, struct page *page, const struct gd_shadow *seen)
{
	bool tail = seen->mapping == GD_A_TAIL;
	u32 flags = canonical_flags(seen->flags, tail);
	struct gd_rec rec = {
		.kind = kind,
		.a = flags >> 16,
		.b = flags,
		.c = gd_nr(page) | (tail ? 1u << 31 : mapping_class(seen->mapping) << 20),
		.d = (u32)seen->ref | (u64)seen->pin << 32,
	};

	if (!tail && port_maybe_dma_pinned(page))
		rec.a |= 0x80;
	*gd_next_record() = rec;
}

/* An event: the kernel called another function for a page. */
void gd_call(u8 call, const struct page *page)
{
	struct gd_shadow seen;
	struct gd_rec *rec;

	gd_after();
	gd_step();
	gd_touch(gd_nr(page));
	take(&seen, gd.memmap + gd_nr(page));
	rec = gd.rec;
	observe(GD_R_CALL, gd.memmap + gd_nr(page), &seen);
	rec->a = call;
}

/* The entries of pages[] that the operation returned: the first nr_entries of the list. */
void gd_record_entries(void)
{
	struct gd_rec *rec;
	u32 i;

	for (i = 0; i < gd.nr_entries; i++) {
		rec = gd_record(GD_R_ENTRY);
		rec->b = i;
		rec->c = gd_in_arena(gd.list[i]) ? gd_nr(gd.list[i]) : GD_NOWHERE;
	}
}

/*
 * Touch a page if its state differs from the last record, or, if no operation
 * has touched it, from its initial state.
 */
void gd_look(u32 nr)
{
	struct page *page = gd.memmap + nr;
	const struct gd_shadow *shadow = gd_shadow(nr);
	struct gd_shadow built, seen;

	if (!shadow) {
		gd_new_shadow(&built, nr);
		shadow = &built;
	}
	take(&seen, page);
	if (!same(shadow, &seen))
		gd_touch(nr);
	/* as gd_record_changes() does */
	if (port_is_tail(page))
		gd_touch(gd_nr(port_head_of(page)));
}

/* The end of the ascending run that begins at i. */
static u32 run_end(const u64 *a, u32 i, u32 nr)
{
	while (++i < nr && a[i - 1] <= a[i])
		;
	return i;
}

/* Merge pairs of neighbouring runs; returns the new number of runs. */
static u32 merge_runs(const u64 *from, u64 *to, u32 nr)
{
	u32 left = 0, middle, right, end, runs = 0;

	for (; left < nr; left = end, runs++) {
		middle = right = run_end(from, left, nr);
		end = middle < nr ? run_end(from, middle, nr) : nr;
		while (left < middle && right < end)
			*to++ = from[left] <= from[right] ? from[left++] : from[right++];
		while (left < middle)
			*to++ = from[left++];
		while (right < end)
			*to++ = from[right++];
	}
	return runs;
}

/*
 * Sort pages; b is a buffer of the same size.  Usually there are few pages, or
 * several runs of a folio's pages.
 */
static const u64 *sort_pages(u64 *a, u64 *b, u32 nr)
{
	u32 i, k;
	u64 one;

	if (nr > 32) {
		u64 *from = a, *to = b;

		if (run_end(a, 0, nr) == nr)
			return a;
		while (merge_runs(from, to, nr) > 1)
			swap(from, to);
		return to;
	}
	for (i = 1; i < nr; i++) {
		one = a[i];
		for (k = i; k && a[k - 1] > one; k--)
			a[k] = a[k - 1];
		a[k] = one;
	}
	return a;
}

/* Record every touched page that changed, in ascending order. */
void gd_record_changes(void)
{
	u64 *touched = gd.scratch->touched;
	const struct page *head, *last = NULL;
	struct gd_shadow *shadow, seen;
	u32 i, nr, changed = 0;
	const u64 *sorted;

	for (i = 0; i < gd.nr_listed; i++)
		gd_touch_run(gd.listed[i].first, gd.listed[i].nr);
	/* a tail may contain a field of the head */
	nr = gd.nr_touched;
	for (i = 0; i < gd.nr_touched; i++) {
		struct page *page = gd.memmap + (touched[i] >> 32);

		take(&seen, page);
		if (i < nr && seen.mapping == GD_A_TAIL) {
			head = port_head_of(page);
			if (head != last)
				gd_touch(gd_nr(head));
			last = head;
		}
		if (!same(&gd.scratch->shadow[(u32)touched[i]], &seen))
			touched[changed++] = touched[i];
	}
	sorted = sort_pages(touched, gd.scratch->spare, changed);
	for (i = 0; i < changed; i++) {
		shadow = &gd.scratch->shadow[(u32)sorted[i]];
		take(shadow, gd.memmap + shadow->nr);
		observe(GD_R_PAGE, gd.memmap + shadow->nr, shadow);
	}
}

/* Record the other state if it changed or a counter moved. */
void gd_record_state(void)
{
	u8 state = gd_world_state();
	struct gd_rec *rec;
	u32 isolated = (u16)gd.isolated[0] | (u32)gd.isolated[1] << 16;

	if (state == gd.state && !gd.acquired && !gd.released && !isolated)
		return;
	rec = gd_record(GD_R_STATE);
	rec->a = state;
	rec->d = (u32)gd.acquired | (u64)(u32)gd.released << 32;
	rec->c = isolated;
	gd.state = state;
	gd.acquired = gd.released = 0;
	gd.isolated[0] = gd.isolated[1] = 0;
}
