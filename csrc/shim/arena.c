// SPDX-License-Identifier: GPL-2.0
/*
 * The arena of struct pages.  Each slot holds a folio of one order; all are
 * built once.  Pages that a program touches are recorded and rebuilt after it.
 */
#include "harness.h"
#include "flags.h"

#ifndef GD_LIVE
unsigned long gd_memmap_end, gd_guard_end;
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
			gd_count_update(p, nr, true);
		else if (field == PORT_PINCOUNT_OFFSET)
			gd_count_update(p, nr, false);
		else
			gd_after();
	}
	if (field == offsetof(struct page, _refcount))
		gd_step();
	gd_touch(nr);
}
#endif

/* ---- templates ---- */

static u32 slot_of(u32 template, u32 order, u32 index)
{
	return (template * GD_NR_ORDERS + order) * GD_MAX_FOLIOS + index;
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
		flags |= flag_mask[GD_F_ANON_EXCLUSIVE];
	return flags;
}

/* the parameters of a slot; a table, because they are looked up very often */
static u8 slot_order[GD_NR_SLOTS], slot_template[GD_NR_SLOTS];
static unsigned long slot_flags[GD_NR_SLOTS];	/* of every page of its folio */

static void number_slots(void)
{
	u32 slot;

	for (slot = 0; slot < GD_NR_SLOTS; slot++) {
		slot_order[slot] = slot / GD_MAX_FOLIOS % GD_NR_ORDERS;
		slot_template[slot] = slot / GD_MAX_FOLIOS / GD_NR_ORDERS;
		slot_flags[slot] = template_flags(slot_template[slot]);
	}
}

/* Tails after the first ones, without their links: these are all the same. */
#define GD_FIRST_TAILS	4
static struct page plain_tail[GD_NR_TEMPLATES];

static struct page *head_of_slot(u32 slot)
{
	return gd.memmap + (slot << GD_SLOT_SHIFT);
}

/* Is it a tail that holds no fields of the head, before any program? */
static bool is_plain_tail(u32 nr)
{
	u32 offset = nr & (GD_SLOT_PAGES - 1);

	return offset >= GD_FIRST_TAILS && !(offset >> slot_order[nr >> GD_SLOT_SHIFT]);
}

static void build_plain_tail(struct page *page, u32 slot)
{
	*page = plain_tail[slot_template[slot]];
	port_link_tail(page, head_of_slot(slot), slot_order[slot]);
}

/* Build a page of a slot as it is before any program, with the kernel's setters. */
static void form_page(u32 nr)
{
	u32 slot = nr >> GD_SLOT_SHIFT, offset = nr & (GD_SLOT_PAGES - 1);
	u32 order = slot_order[slot];
	struct page *page = gd.memmap + nr;

	__builtin_memset(page, 0, sizeof(*page));
	if (offset >> order)
		return;			/* past the folio */
	*port_flag_word(page) = slot_flags[slot];
	page->_mapcount.counter = -1;
	if (offset)
		port_form_tail(page - offset, order, offset);
	else if (order)
		*port_flag_word(page) |= 1ul << PG_head;
}

static void build_page(u32 nr)
{
	if (is_plain_tail(nr))
		build_plain_tail(gd.memmap + nr, nr >> GD_SLOT_SHIFT);
	else
		form_page(nr);
}

static inline bool same_words(const struct page *a, const struct page *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;
	u64 differ = 0;
	u32 i;

	for (i = 0; i < sizeof(*a) / sizeof(u64); i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

/*
 * Touch the pages of a run within one slot that may have changed.  There can be
 * a thousand of them, so a plain tail that is as it was built is recognised
 * quickly.
 */
void gd_touch_run(u32 first, u32 nr)
{
	u32 slot = first >> GD_SLOT_SHIFT, start = slot << GD_SLOT_SHIFT, i = first;
	u32 end = first + nr, plain_end = start + (1u << slot_order[slot]);
	bool plain = false;
	struct page built;

	for (; i < end && i < start + GD_FIRST_TAILS; i++)
		gd_touch(i);
	build_plain_tail(&built, slot);
	for (; i < end && i < plain_end; i++) {
		if (!gd_shadow(i) && same_words(gd.memmap + i, &built))
			plain = true;
		else
			gd_touch(i);
	}
	for (; i < end; i++)
		gd_touch(i);
	/* as gd_record_changes() does for each of them */
	if (plain)
		gd_touch(start);
}

/* The shadow of a page that no program has changed: see form_page(). */
void gd_new_shadow(struct gd_shadow *shadow, u32 nr)
{
	u32 slot = nr >> GD_SLOT_SHIFT, offset = nr & (GD_SLOT_PAGES - 1);
	u32 order = slot_order[slot];

	*shadow = (struct gd_shadow){ .nr = nr };
	if (offset >> order)
		return;			/* past the folio */
	shadow->flags = slot_flags[slot];
	if (offset)
		shadow->mapping = GD_A_TAIL;
	else if (order)
		shadow->flags |= 1ul << PG_head;
}

void gd_arena_init(void)
{
	u32 slot, offset, t;

	gd_env_init();
#if GD_TABLES
	gd_tables_init();
#endif
	number_slots();
#ifndef GD_LIVE
	gd_memmap_end = (unsigned long)(gd.memmap + GD_NR_PAGES);
	gd_guard_end = gd_memmap_end + GD_GUARD_SIZE;
#endif
	gd.poison = gd.memmap + GD_NR_PAGES + 64;
	for (t = 0; t < GD_NR_TEMPLATES; t++) {
		u32 nr = slot_of(t, GD_NR_ORDERS - 1, 0) << GD_SLOT_SHIFT;

		form_page(nr + GD_FIRST_TAILS);
		plain_tail[t] = gd.memmap[nr + GD_FIRST_TAILS];
	}
	for (slot = 0; slot < GD_NR_SLOTS; slot++) {
		u32 order = slot_order[slot], nr = slot << GD_SLOT_SHIFT;

		for (offset = 0; offset < 1u << order; offset++)
			build_page(nr + offset);
		if (order)
			port_form_head(gd.memmap + nr, order);
	}
	gd.nr_shadows = 0;
}

void gd_next_op(void)
{
	gd.nr_touched = 0;
	gd.nr_listed = 0;
	gd.nr_entries = 0;
	gd.steps = 0;
	gd.locked = 0;
	gd.op_nr++;
}

void gd_next_program(void)
{
	gd.nr_shadows = 0;
	gd.op_nr = 0;
}

/* The first tails hold fields of the head: rebuild these, too. */
static void build_head(u32 nr)
{
	u32 slot = nr >> GD_SLOT_SHIFT;

	if ((nr & (GD_SLOT_PAGES - 1)) < GD_FIRST_TAILS && slot_order[slot])
		port_form_head(head_of_slot(slot), slot_order[slot]);
}

/*
 * Undo what the program did.  gd_look() checks the first pages of a folio; they
 * are rebuilt in any case, because it does not check every field.
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
