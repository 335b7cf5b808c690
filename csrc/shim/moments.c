// SPDX-License-Identifier: GPL-2.0
/*
 * Moments: where another CPU acts within an operation, and where the
 * environment's answer comes from.  Seen are updates of counts, through the
 * hooks before atomics, and loads of page-table entries and of
 * write_protect_seq, plain ones too, through -fsanitize-coverage=trace-loads.
 *
 * There is no hook behind an atomic: what is to happen after one happens before
 * whatever is seen next, which is the same, as everything that could tell the
 * difference is seen.
 */
#include "harness.h"
#include "loads.h"

/* the hooks know no header, and the loader knows no overlay */
_Static_assert(GD_GUARD_SIZE == GD_GUARD_BYTES, "guards have one size");

/* An attached operation. */
struct gd_watch {
	const struct gd_op *op;
	u32 object;		/* page, or number of a table's entry */
	u32 seen;
	bool fired;
};

static struct gd_watch watch[GD_MAX_OPS];
u32 gd_nr_watch;
static u32 watched;		/* a bit for each moment that is waited for */

/*
 * What happened and has not been reacted to: a count was updated, or is about
 * to be.
 */
unsigned char gd_pending;
static u32 pending_page;
static const void *pending_count;

/* the answer that was given for the call at hand */
static bool answered;
static int answer;

/*
 * The loads that are looked into: all of them while something is pending or
 * write_protect_seq is waited for, else those of the tables or, if no moment is
 * waited for there, those behind the tables, which fault.  The code under test
 * announces every single load, so whether one matters is decided by one
 * comparison.
 */
unsigned long gd_loads_from, gd_loads_size;

#define WATCHED_TABLES	(1u << GD_WHEN_READ_PTE | 1u << GD_WHEN_READ_PMD |	\
			 1u << GD_WHEN_READ_PUD | 1u << GD_WHEN_READ_PGD)

static void look_into_loads(void)
{
	gd_loads_from = 0;
	gd_loads_size = -1ul;
	if (gd_pending || watched & 1u << GD_WHEN_READ_SEQ)
		return;
#if GD_TABLES
	gd_loads_from = (unsigned long)gd.tables;
	gd_loads_size = GD_TABLES_SIZE + GD_GUARD_SIZE;
	if (!(watched & WATCHED_TABLES)) {
		gd_loads_from += GD_TABLES_SIZE;
		gd_loads_size -= GD_TABLES_SIZE;
	}
#else
	gd_loads_size = 0;
#endif
}

static void carry_out(struct gd_watch *w)
{
	struct gd_rec ret;

	w->fired = true;
	gd_record(GD_R_ACT)->b = w->op - gd.prog->op;
	gd.in_kernel = 0;
	gd_world_ops[w->op->op](w->op, &ret);
	gd.in_kernel = 1;
}

static void moment(u8 when, u32 object)
{
	u32 i;

	if (!(watched & 1u << when))
		return;
	for (i = 0; i < gd_nr_watch; i++) {
		struct gd_watch *w = &watch[i];

		if (w->op->when == when && w->object == object && ++w->seen == w->op->nth)
			carry_out(w);
	}
}

/*
 * A pin count that is about to be updated, of a folio that was split since the
 * kernel looked: by now the mapping of another page lies there.  No pin count
 * is kept for what is not large, so that word stays as it is.
 */
static struct page *kept;
static void *kept_mapping;

static void keep_mapping(u32 nr)
{
	kept = gd.memmap + nr;
	kept_mapping = kept->mapping;
}

/* React to what happened last. */
void gd_after(void)
{
	u8 when = gd_pending;

	if (likely(!when))
		return;
	gd_pending = GD_WHEN_NONE;
	look_into_loads();
	if (kept)
		kept->mapping = kept_mapping;
	kept = NULL;
	moment(when, pending_page);
}

/* The operation has been stopped: what it was about to do has not happened. */
void gd_forget(void)
{
	gd_pending = GD_WHEN_NONE;
	kept = NULL;
}

/*
 * Before an atomic update of a count; nr is the page that it lies in.  Called if
 * there is a moment to wait for: nothing is ever pending otherwise.
 */
void gd_moment_update(const volatile void *count, u32 nr, bool refcount)
{
	gd_after();
	if (!refcount)
		nr--;		/* the pin count lies in the first tail */
	moment(refcount ? GD_WHEN_BEFORE_REF : GD_WHEN_BEFORE_PIN, nr);
	if (!refcount && !PageHead(gd.memmap + nr))
		keep_mapping(nr + 1);
	gd_pending = refcount ? GD_WHEN_AFTER_REF : GD_WHEN_AFTER_PIN;
	pending_page = nr;
	pending_count = (const void *)count;
	look_into_loads();
}

/* At a call: the answer of the script, or the default one. */
int gd_answer(u8 when, int otherwise)
{
	answered = false;
	moment(when, 0);
	return answered ? answer : otherwise;
}

void gd_set_answer(int value)
{
	answered = true;
	answer = value;
}

/* Look up what the moments are about; tables may have been made since. */
void gd_find_objects(void)
{
	u32 i;

	for (i = 0; i < gd_nr_watch; i++) {
		const struct gd_op *op = watch[i].op;

		switch (op->when) {
#if GD_TABLES
		case GD_WHEN_READ_PTE ... GD_WHEN_READ_PGD:
			watch[i].object = gd_table_entry(op->when - GD_WHEN_READ_PTE, op->at_addr);
			break;
#endif
		case GD_WHEN_BEFORE_REF ... GD_WHEN_AFTER_PIN:
			watch[i].object = gd.base[op->at_page >> GD_RUN_SHIFT] +
					  (op->at_page & GD_RUN_OFFSET);
			break;
		default:
			watch[i].object = 0;
		}
	}
}

/* The operation that comes next has nr attached ones behind it. */
void gd_attach(const struct gd_op *op, u32 nr)
{
	u32 i;

	gd_pending = GD_WHEN_NONE;
	gd_nr_watch = nr;
	watched = 0;
	for (i = 0; i < nr; i++) {
		watch[i] = (struct gd_watch){ .op = op + 1 + i };
		watched |= 1u << watch[i].op->when;
	}
	gd_find_objects();
	look_into_loads();
}

bool gd_attached_fired(u32 i)
{
	return watch[i].fired;
}

/* ---- loads ---- */

#if GD_TABLES
/* An entry is about to be loaded; its number says of which level it is. */
static void load_entry(u32 entry)
{
	u32 i;

	if (!(watched & WATCHED_TABLES))
		return;
	for (i = 0; i < gd_nr_watch; i++) {
		struct gd_watch *w = &watch[i];

		if (1u << w->op->when & WATCHED_TABLES && w->object == entry &&
		    ++w->seen == w->op->nth)
			carry_out(w);
	}
}
#endif

void noinline gd_load(const void *p)
{
#if GD_TABLES
	unsigned long offset = (unsigned long)p - (unsigned long)gd.tables;

	if (offset < GD_TABLES_SIZE + GD_GUARD_SIZE && gd.in_kernel) {
		gd_after();
		if (offset >= GD_TABLES_SIZE)
			gd_oops();
		load_entry(offset / sizeof(u64));
		return;
	}
	if (p == &gd_mm.write_protect_seq.sequence && gd.in_kernel) {
		gd_after();
		moment(GD_WHEN_READ_SEQ, 0);
		return;
	}
#endif
	/* an update may load its count */
	if (gd_pending && p != pending_count)
		gd_after();
}

/* for the units that do not have them inlined */
GD_LOADED(1)
GD_LOADED(2)
GD_LOADED(4)
GD_LOADED(8)
GD_LOADED(16)
