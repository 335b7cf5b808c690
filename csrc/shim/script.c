// SPDX-License-Identifier: GPL-2.0
/*
 * The script: actions at the hook points of an operation, and answers of calls.
 * Hook points are updates of counts, detected with the hooks before atomics,
 * and loads of page-table entries and of write_protect_seq, including plain
 * ones, detected with -fsanitize-coverage=trace-loads.
 *
 * There is no hook after an atomic: an action after an atomic runs before the
 * next detected access.  This is equivalent, because every access that could
 * tell the difference is detected.
 */
#include "harness.h"
#include "loads.h"

/* gd_hook.h includes no header, and the loader does not see the overlay */
_Static_assert(GD_GUARD_SIZE == GD_GUARD_BYTES, "guards have one size");

/* an action of the running operation */
struct watch {
	const struct gd_act *act;
	u32 object;		/* page, or number of a table's entry */
	u32 seen;		/* how often its hook point was reached */
};

static struct watch watch[GD_MAX_ACTS];
u32 gd_nr_watch;
static u32 watched;		/* bit mask of the hook points that have an action */

/*
 * A pending event that has not been handled yet: a count was updated, or is
 * about to be.
 */
unsigned char gd_pending;
static u32 pending_page;
static const void *pending_count;

/* the answer to the current call */
static bool answered;
static int answer;

/*
 * The range of loads to look at: all loads while something is pending or
 * write_protect_seq is watched; else those of the tables; or, if no action is
 * about tables, those in the guard after the tables.  The code under test
 * reports every load, so a single comparison must decide.
 * comparison.
 */
unsigned long gd_loads_from, gd_loads_size;

#define WATCHED_TABLES	(1u << GD_HOOK_READ_PTE | 1u << GD_HOOK_READ_PMD |	\
			 1u << GD_HOOK_READ_PUD | 1u << GD_HOOK_READ_PGD)

static void look_into_loads(void)
{
	gd_loads_from = 0;
	gd_loads_size = -1ul;
	if (gd_pending || watched & 1u << GD_HOOK_READ_SEQ)
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

static void carry_out(struct watch *w)
{
	gd_op_fn change = gd_world_op(w->act->op.op);
	struct gd_rec ret;

	gd_record(GD_R_ACT)->b = w->act - gd.prog->act;
	gd.in_kernel = 0;
	if (change)
		change(&w->act->op, &ret);
	gd.in_kernel = 1;
}

static void reached(u8 hook, u32 object)
{
	u32 i;

	if (!(watched & 1u << hook))
		return;
	for (i = 0; i < gd_nr_watch; i++) {
		struct watch *w = &watch[i];

		if (w->act->hook == hook && w->object == object && ++w->seen == w->act->nth)
			carry_out(w);
	}
}

/*
 * A pin count that is about to be updated, in a folio that was split after the
 * kernel looked it up: the word may now be another page's mapping.  Small
 * folios have no pin count, so the word is left alone.
 */
static struct page *kept;
static void *kept_mapping;

static void keep_mapping(u32 nr)
{
	kept = gd.memmap + nr;
	kept_mapping = kept->mapping;
}

/* Handle the last event. */
void gd_after(void)
{
	u8 hook = gd_pending;

	if (likely(!hook))
		return;
	gd_pending = GD_HOOK_NONE;
	look_into_loads();
	if (kept)
		kept->mapping = kept_mapping;
	kept = NULL;
	reached(hook, pending_page);
}

/* The operation was stopped: the access that it was about to make did not happen. */
void gd_forget(void)
{
	gd_pending = GD_HOOK_NONE;
	kept = NULL;
}

/*
 * Before an atomic update of a count; nr is the page that contains it.  Only
 * called if the operation has actions, since otherwise nothing is ever pending.
 */
void gd_count_update(const volatile void *count, u32 nr, bool refcount)
{
	gd_after();
	if (!refcount)
		nr -= PORT_PINCOUNT_PAGE;
	reached(refcount ? GD_HOOK_BEFORE_REF : GD_HOOK_BEFORE_PIN, nr);
	if (!refcount && !PageHead(gd.memmap + nr) &&
	    PORT_PINCOUNT_OFFSET - offsetof(struct page, mapping) < sizeof(kept_mapping))
		keep_mapping(nr + PORT_PINCOUNT_PAGE);
	gd_pending = refcount ? GD_HOOK_AFTER_REF : GD_HOOK_AFTER_PIN;
	pending_page = nr;
	pending_count = (const void *)count;
	look_into_loads();
}

/* At a call: its return value. */
int gd_answer(u8 hook)
{
	static const int default_answers[] = {
#define GD_HOOK(name, layer, object, answer, default_answer, text, help, actor) \
	[GD_HOOK_##name] = default_answer,
#include "hooks.h"
	};

	answered = false;
	reached(hook, 0);
	return answered ? answer : default_answers[hook];
}

void gd_set_answer(int value)
{
	answered = true;
	answer = value;
}

/* At a hook point without an object that is not a call. */
void gd_reached(u8 hook)
{
	reached(hook, 0);
}

/*
 * The slow path reads entries under their lock, when no other CPU changes them:
 * its loads are not hook points.
 */
void gd_slow_begins(void)
{
	watched &= ~WATCHED_TABLES;
	look_into_loads();
}

/* Look up the objects of the hook points; tables may have been made since. */
void gd_find_objects(void)
{
	u32 i;

	for (i = 0; i < gd_nr_watch; i++) {
		const struct gd_act *act = watch[i].act;

		switch (act->hook) {
#if GD_TABLES
		case GD_HOOK_READ_PTE ... GD_HOOK_READ_PGD:
			watch[i].object = gd_table_entry(act->hook - GD_HOOK_READ_PTE,
							 act->at_addr);
			break;
#endif
		case GD_HOOK_BEFORE_REF ... GD_HOOK_AFTER_PIN:
			watch[i].object = gd.base[act->at_page >> GD_RUN_SHIFT] +
					  (act->at_page & GD_RUN_OFFSET);
			break;
		default:
			watch[i].object = 0;
		}
	}
}

/* Set the actions of the next operation. */
void gd_watch(const struct gd_act *act, u32 nr)
{
	u32 i;

	gd_pending = GD_HOOK_NONE;
	gd_nr_watch = nr;
	watched = 0;
	for (i = 0; i < nr; i++) {
		watch[i] = (struct watch){ .act = act + i };
		watched |= 1u << act[i].hook;
	}
	gd_find_objects();
	look_into_loads();
}

/* ---- loads ---- */

/* in objects with clang's own coverage: its counters */
extern const char __start___llvm_prf_cnts[] __attribute__((__weak__, __visibility__("hidden")));
extern const char __stop___llvm_prf_cnts[] __attribute__((__weak__, __visibility__("hidden")));

#if GD_TABLES
/* An entry is about to be loaded; its index gives the level. */
static void load_entry(u32 entry)
{
	u32 i;

	if (!(watched & WATCHED_TABLES))
		return;
	for (i = 0; i < gd_nr_watch; i++) {
		struct watch *w = &watch[i];

		if (1u << w->act->hook & WATCHED_TABLES && w->object == entry &&
		    ++w->seen == w->act->nth)
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
		reached(GD_HOOK_READ_SEQ, 0);
		return;
	}
#endif
	/* an update may load its count; a counter of clang's coverage is not the kernel's */
	if (gd_pending && p != pending_count &&
	    !((const char *)p >= __start___llvm_prf_cnts && (const char *)p < __stop___llvm_prf_cnts))
		gd_after();
}

/* for units in which the calls are not inlined */
GD_LOADED(1)
GD_LOADED(2)
GD_LOADED(4)
GD_LOADED(8)
GD_LOADED(16)
