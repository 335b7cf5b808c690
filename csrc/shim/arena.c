// SPDX-License-Identifier: GPL-2.0
/*
 * The arena of struct pages: slots with a folio of every order in each of
 * them, built once; what a program touches is noted and rebuilt after it.
 */
#include "harness.h"

unsigned long gd_memmap_end;

/* Note that the running operation may have changed a page. */
void gd_touch(u32 nr)
{
	struct gd_shadow *shadow = &gd.scratch->shadow[nr];

	if (shadow->op_mark != gd.op_nr) {
		shadow->op_mark = gd.op_nr;
		if (gd.nr_touched < GD_MAX_TOUCHED)
			gd.scratch->touched[gd.nr_touched++] = nr;
	}
	if (shadow->prog_mark != gd.prog_nr) {
		shadow->prog_mark = gd.prog_nr;
		gd.scratch->dirty[gd.nr_dirty++] = nr;
	}
}

/* where a large folio's pin count lies in its first tail page */
#if GD_SERIES
#define GD_PINCOUNT_OFFSET	sizeof(struct page)	/* nowhere */
#elif GD_SINCE(6, 12)
#define GD_PINCOUNT_OFFSET	(offsetof(struct folio, _pincount) - sizeof(struct page))
#else
#define GD_PINCOUNT_OFFSET	offsetof(struct page, compound_pincount)
#endif

#ifndef GD_LIVE
/* Called by the kernel before every atomic or bit operation that writes. */
void gd_update(const volatile void *p)
{
	unsigned long offset = (unsigned long)p - (unsigned long)gd.memmap;

	gd_access(p);
	if (!gd.in_kernel || offset >= GD_NR_PAGES * sizeof(struct page))
		return;
	if (offset % sizeof(struct page) == offsetof(struct page, _refcount)) {
		gd_moment_update(p, offset / sizeof(struct page), true);
		gd_step();
	} else if (offset % sizeof(struct page) == GD_PINCOUNT_OFFSET) {
		gd_moment_update(p, offset / sizeof(struct page), false);
	} else {
		gd_after();
	}
	gd_touch(offset / sizeof(struct page));
}
#endif

/* ---- templates ---- */

static u32 slot_order(u32 slot)
{
	return slot / GD_MAX_FOLIOS % GD_NR_ORDERS;
}

static u32 slot_template(u32 slot)
{
	return slot / GD_MAX_FOLIOS / GD_NR_ORDERS;
}

static unsigned long template_flags(u32 template)
{
	static const u8 zone[GD_NR_TEMPLATES] = {
		[GD_T_NORMAL] = ZONE_NORMAL,
		[GD_T_NORMAL_EXCL] = ZONE_NORMAL,
		[GD_T_MOVABLE] = ZONE_MOVABLE,
		[GD_T_MOVABLE_EXCL] = ZONE_MOVABLE,
		[GD_T_DEVICE] = ZONE_DEVICE,
	};
	unsigned long flags = (unsigned long)zone[template] << ZONES_PGSHIFT;

	if (template == GD_T_NORMAL_EXCL || template == GD_T_MOVABLE_EXCL)
		flags |= 1ul << PG_anon_exclusive;
	return flags;
}

/* The kernel's own setters for the pages of a large folio. */
void gd_form_tail(struct page *head, u32 i)
{
#if GD_SINCE(6, 12)
	prep_compound_tail(head, i);
#else
	head[i].mapping = TAIL_MAPPING;
	set_compound_head(head + i, head);
#if !GD_SERIES
	set_page_private(head + i, 0);
#endif
#endif
}

/* Those fields of the head that are kept in the first tail pages. */
void gd_form_head(struct page *head, u32 order)
{
#if GD_SINCE(6, 12)
	prep_compound_head(head, order);
#elif GD_SERIES
	set_compound_order(head, order);
#else
	set_compound_page_dtor(head, COMPOUND_PAGE_DTOR);
	set_compound_order(head, order);
	atomic_set(compound_mapcount_ptr(head), -1);
	atomic_set(compound_pincount_ptr(head), 0);
#endif
}

/* Make a page of a slot what it is before any program. */
static void build_page(u32 nr)
{
	u32 slot = nr >> GD_SLOT_SHIFT, offset = nr & (GD_SLOT_PAGES - 1);
	u32 order = slot_order(slot);
	struct page *page = gd.memmap + nr, *head = page - offset;

	__builtin_memset(page, 0, sizeof(*page));
	if (offset >> order)
		return;			/* past the folio */
	page->flags = template_flags(slot_template(slot));
	atomic_set(&page->_mapcount, -1);
	if (!order)
		return;
	if (!offset) {
		page->flags |= 1ul << PG_head;
		return;
	}
	gd_form_tail(head, offset);
}

/* Remember a page as it is, so that only what differs is recorded. */
void gd_shadow_take(u32 nr)
{
	struct page *page = gd.memmap + nr;
	struct gd_shadow *shadow = &gd.scratch->shadow[nr];
	u64 counts = gd_observe_counts(page);

	shadow->flags = page->flags;
	shadow->mapping = gd_is_tail(page) ? 1 : (unsigned long)page->mapping;
	shadow->ref = (int)counts;
	shadow->pin = counts >> 32;
}

void gd_arena_init(void)
{
	u32 slot, offset;

	gd_env_init();
#if GD_TABLES
	gd_tables_init();
#endif
	gd_memmap_end = (unsigned long)(gd.memmap + GD_NR_PAGES);
	gd.poison = gd.memmap + GD_NR_PAGES + 64;
	for (slot = 0; slot < GD_NR_SLOTS; slot++) {
		u32 order = slot_order(slot), nr = slot << GD_SLOT_SHIFT;

		for (offset = 0; offset < 1u << order; offset++)
			build_page(nr + offset);
		if (order)
			gd_form_head(gd.memmap + nr, order);
		for (offset = 0; offset < 1u << order; offset++)
			gd_shadow_take(nr + offset);
	}
	gd.nr_dirty = 0;
}

/*
 * Marks are compared for equality with numbers that only grow; start afresh
 * when one has run out.
 */
static void forget_marks(void)
{
	u32 nr;

	for (nr = 0; nr < GD_NR_PAGES; nr++)
		gd.scratch->shadow[nr].op_mark = gd.scratch->shadow[nr].prog_mark = 0;
}

void gd_next_op(void)
{
	gd.nr_touched = 0;
	gd.nr_entries = 0;
	gd.steps = 0;
	if (!++gd.op_nr) {
		forget_marks();
		gd.op_nr = 1;
	}
}

void gd_next_program(void)
{
	if (!++gd.prog_nr) {
		forget_marks();
		gd.prog_nr = 1;
	}
}

/* Undo what the program did. */
void gd_arena_reset(void)
{
	u32 i;

	for (i = 0; i < gd.nr_dirty; i++)
		build_page(gd.scratch->dirty[i]);
	/* a second round, as the first tail pages hold fields of the head */
	for (i = 0; i < gd.nr_dirty; i++) {
		u32 nr = gd.scratch->dirty[i], slot = nr >> GD_SLOT_SHIFT;
		u32 offset = nr & (GD_SLOT_PAGES - 1);

		if (offset < 4 && slot_order(slot))
			gd_form_head(gd.memmap + (slot << GD_SLOT_SHIFT), slot_order(slot));
	}
	for (i = 0; i < gd.nr_dirty; i++)
		gd_shadow_take(gd.scratch->dirty[i]);
	gd.nr_dirty = 0;
#if GD_TABLES
	gd_tables_reset();
#endif
}
