// SPDX-License-Identifier: GPL-2.0
/*
 * The arena of struct pages: slots with a folio of every order in each of
 * them, built once; what a program touches is noted and rebuilt after it.
 */
#include "harness.h"

unsigned long gd_memmap_end;

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
	u32 nr = offset / sizeof(struct page), field = offset % sizeof(struct page);

	gd_access(p);
	if (unlikely(!gd.in_kernel || offset >= GD_NR_PAGES * sizeof(struct page)))
		return;
	if (unlikely(gd_nr_watch)) {
		if (field == offsetof(struct page, _refcount))
			gd_moment_update(p, nr, true);
		else if (field == GD_PINCOUNT_OFFSET)
			gd_moment_update(p, nr, false);
		else
			gd_after();
	}
	if (field == offsetof(struct page, _refcount))
		gd_step();
	gd_touch(nr);
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

/* The shadow of a page that no program has changed: see build_page(). */
void gd_new_shadow(struct gd_shadow *shadow, u32 nr)
{
	u32 slot = nr >> GD_SLOT_SHIFT, offset = nr & (GD_SLOT_PAGES - 1);
	u32 order = slot_order(slot);
	bool tail = offset && !(offset >> order);

	*shadow = (struct gd_shadow){ .nr = nr, .mapping = tail };
	if (offset >> order)
		return;			/* past the folio */
	shadow->flags = template_flags(slot_template(slot));
	if (order && !offset)
		shadow->flags |= 1ul << PG_head;
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
	}
	gd.nr_shadows = 0;
}

void gd_next_op(void)
{
	gd.nr_touched = 0;
	gd.nr_entries = 0;
	gd.steps = 0;
	gd.op_nr++;
}

void gd_next_program(void)
{
	gd.nr_shadows = 0;
	gd.op_nr = 0;
}

/* The first tails hold fields of the head: build these again, too. */
static void build_head(u32 nr)
{
	u32 slot = nr >> GD_SLOT_SHIFT;

	if ((nr & (GD_SLOT_PAGES - 1)) < 4 && slot_order(slot))
		gd_form_head(gd.memmap + (slot << GD_SLOT_SHIFT), slot_order(slot));
}

/*
 * Undo what the program did.  gd_look() has looked at the first pages of a
 * folio; they are built again whether or not something was seen, since not
 * every field is looked at.
 */
void gd_arena_reset(void)
{
	const struct gd_shadow *shadow = gd.scratch->shadow;
	u32 i, k;

	for (i = 0; i < gd.nr_shadows; i++)
		build_page(shadow[i].nr);
	for (i = 0; i < gd.prog->world.nr_folios; i++)
		for (k = 0; k < gd_nr_looked_at(i); k++)
			if (!gd_shadow(gd.base[i] + k))
				build_page(gd.base[i] + k);
	for (i = 0; i < gd.nr_shadows; i++)
		build_head(shadow[i].nr);
	for (i = 0; i < gd.prog->world.nr_folios; i++)
		build_head(gd.base[i]);
	gd.nr_shadows = 0;
#if GD_TABLES
	gd_tables_reset();
#endif
}
