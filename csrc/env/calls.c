// SPDX-License-Identifier: GPL-2.0
/*
 * Scripted: functions outside of mm/gup.c that it calls.  Each call is an event
 * with the folio's state at that time; the answer is the default of hooks.h.
 * Functions that have had several names have one name here; shim/port/calls.c
 * maps the kernel's names to it.
 */
#include <linux/wait_bit.h>
#include "../shim/harness.h"

/* the last reference is dropped; the page stays readable */
void gd_freed(struct page *page)
{
	gd_call(GD_C_FOLIO_PUT, page);
}

/* Returns whether it was clean. */
bool gd_dirtied(struct page *page)
{
	bool clean;

	gd_after();
	clean = !(port_flags(page) & 1ul << PG_dirty);
	gd_call(GD_C_FOLIO_MARK_DIRTY, page);
	*port_flag_word(page) |= 1ul << PG_dirty;
	return clean;
}

/* the folio was locked; its holder unlocks it for us */
void gd_locked(struct page *page)
{
	gd_call(GD_C_FOLIO_LOCK, page);
}

void gd_unlocked(struct page *page)
{
	gd_call(GD_C_FOLIO_UNLOCK, page);
	*port_flag_word(page) &= ~(1ul << PG_locked);
}

void wake_up_var(void *var)
{
	gd_call(GD_C_WAKE_UP_VAR, container_of(var, struct page, _refcount));
}

void mod_node_page_state(struct pglist_data *pgdat, enum node_stat_item item, long delta)
{
	if (item == NR_FOLL_PIN_ACQUIRED)
		gd.acquired += delta;
	else if (item == NR_FOLL_PIN_RELEASED)
		gd.released += delta;
	else if (item == NR_ISOLATED_ANON || item == NR_ISOLATED_FILE)
		gd.isolated[item - NR_ISOLATED_ANON] += delta;
}

/* the world defines the type of a pageblock; there are none outside of it */
unsigned long gd_pageblock(const struct page *page, unsigned long pfn)
{
	static const u8 type[GD_NR_MIGRATETYPES] = {
		[GD_MT_UNMOVABLE] = MIGRATE_UNMOVABLE,
		[GD_MT_MOVABLE] = MIGRATE_MOVABLE,
		[GD_MT_RECLAIMABLE] = MIGRATE_RECLAIMABLE,
		[GD_MT_CMA] = MIGRATE_CMA,
		[GD_MT_ISOLATE] = MIGRATE_ISOLATE,
	};

	gd_access(page);
	pfn -= GD_PFN_BASE;
	if (pfn >= GD_NR_PAGES)
		gd_oops();
	return type[gd_migratetype[pfn >> GD_SLOT_SHIFT]];
}
