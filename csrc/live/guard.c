// SPDX-License-Identifier: GPL-2.0
/*
 * Runs one operation on the running kernel: installs the program's state for
 * its duration, and restores the kernel's own however the operation ends.
 */
#include <linux/objtool.h>

struct gd_harness gd;
static enum gd_stop gd_why;
static u32 live_cut;		/* do not run this operation */

void gd_stop(enum gd_stop why)
{
	gd_why = why;
	__builtin_longjmp(gd.jmp, 1);
}
STACK_FRAME_NON_STANDARD(gd_stop);

void gd_gap(u32 index)
{
	gd_record(GD_R_GAP)->c = index;
	gd_stop(GD_STOP_GAP);
}

/* ---- gaps due to this kernel's configuration ---- */

/* Does the operation ask whether its page may be pinned long-term? */
static bool asks_longterm(const struct gd_op *op)
{
	unsigned int foll = op_foll(op);

	switch (op->op) {
	case GD_OP_IS_LONGTERM_PINNABLE_PAGE:
	case GD_OP_FOLIO_IS_LONGTERM_PINNABLE:
		return true;
	case GD_OP_GRAB_FAST:
		return foll & FOLL_PIN && foll & FOLL_LONGTERM && !(foll & FOLL_GET);
	}
	return false;
}

static bool asks_p2pdma(const struct gd_op *op)
{
	switch (op->op) {
	case GD_OP_IS_PCI_P2PDMA_PAGE:
		return true;
	case GD_OP_GRAB_SLOW:
	case GD_OP_GRAB_FAST:
		return live_refuses_p2pdma(op_foll(op));
	}
	return false;
}

/*
 * The other sides have these options. A page of a kind that only they know must
 * not get such an operation here.
 */
static void check_config(const struct gd_op *op)
{
	u32 i = op->run[0].page >> GD_RUN_SHIFT, nr;
	struct dev_pagemap *pgmap;
	struct page *head;
	u8 type;

	if (!asks_longterm(op) && !asks_p2pdma(op))
		return;
	nr = i < GD_MAX_FOLIOS ? gd.base[i] + (op->run[0].page & GD_RUN_OFFSET) : GD_NR_PAGES;
	if (nr >= GD_NR_PAGES) {
		/* without the option, even a bad pointer is not dereferenced */
		if (!IS_ENABLED(CONFIG_PCI_P2PDMA) && op->op == GD_OP_IS_PCI_P2PDMA_PAGE)
			gd_gap(LIVE_GAP_P2PDMA);
		return;
	}
	type = gd_migratetype[nr >> GD_SLOT_SHIFT];
	if (!IS_ENABLED(CONFIG_CMA) && asks_longterm(op) &&
	    (type == GD_MT_CMA || type == GD_MT_ISOLATE))
		gd_gap(LIVE_GAP_CMA);
	head = compound_head(gd.memmap + nr);
	if (!is_zone_device_page(head))
		return;
	pgmap = port_pgmap(head);
	if (!IS_ENABLED(CONFIG_DEVICE_PRIVATE) && asks_longterm(op) &&
	    (!pgmap || pgmap == &gd_pgmap[GD_K_DEV_COHERENT]))
		gd_gap(LIVE_GAP_DEVICE_PRIVATE);
	if (!IS_ENABLED(CONFIG_PCI_P2PDMA) && asks_p2pdma(op) &&
	    (!pgmap || pgmap->type == MEMORY_DEVICE_PCI_P2PDMA))
		gd_gap(LIVE_GAP_P2PDMA);
}

/* ---- pages that may have changed ---- */

/*
 * There are no hooks here: the pages of an operation's operands (noted by
 * gd_operand()) and their heads are checked; only a range has further pages.
 * Checking too many is harmless, since only changes are recorded.
 */
static void touch_range(const struct gd_op *op)
{
	u32 i = op->run[0].page >> GD_RUN_SHIFT, nr, end, steps;

	if (op->op != GD_OP_UNPIN_USER_PAGE_RANGE_DIRTY_LOCK || i >= GD_MAX_FOLIOS)
		return;
	nr = gd.base[i] + (op->run[0].page & GD_RUN_OFFSET);
	end = GD_NR_PAGES;
	if (op->n >= 0 && (u32)op->n < end - min(nr, end))
		end = nr + op->n;
	/*
	 * Every folio on the way is a step, but for the zero page and one that
	 * is not left any more.
	 */
	for (steps = 0; nr < end && steps < GD_STEP_LIMIT + 2; steps++) {
		struct page *page = gd.memmap + nr, *head = compound_head(page);

		gd_touch(nr);
		nr = PageHead(head) ? gd_nr(head) + (1u << compound_order(head)) : nr + 1;
	}
}

/* ---- the operation ---- */

static long acquired, released;
static typeof(preempt_count()) preempted;

/*
 * With DEBUG_VM who asks for a pageblock may have the page's zone asked whether it goes
 * that far.  The arena's pages are of zones that end long before.
 */
static unsigned long spanned[MAX_NR_ZONES];

static void exchange_spans(void)
{
	struct zone *zones = NODE_DATA(0)->node_zones;
	u32 i;

	for (i = 0; IS_ENABLED(CONFIG_DEBUG_VM) && i < MAX_NR_ZONES; i++)
		swap(zones[i].spanned_pages, spanned[i]);
}

static void enter(void)
{
	u32 i;

	live_set_blocks();
	preempt_disable();
	for (i = 0; i < MAX_NR_ZONES; i++)
		spanned[i] = page_to_pfn(gd.memmap) + GD_NR_PAGES;
	exchange_spans();
	preempted = preempt_count();
	acquired = node_counter(NR_FOLL_PIN_ACQUIRED);
	released = node_counter(NR_FOLL_PIN_RELEASED);
	kernel_zero = exchange_zero(program_zero);
	gd.in_kernel = 1;
	if (gd_eflags & GD_EFLAGS_IF)
		local_irq_enable();
	else
		local_irq_disable();
}

static void leave(void)
{
	gd_eflags = irqs_disabled() ? 0 : GD_EFLAGS_IF;
	local_irq_disable();
	gd.in_kernel = 0;
	exchange_zero(kernel_zero);
	exchange_spans();
	gd.acquired = node_counter(NR_FOLL_PIN_ACQUIRED) - acquired;
	gd.released = node_counter(NR_FOLL_PIN_RELEASED) - released;
	preempt_count_set(preempted);
	local_irq_enable();
	preempt_enable();
}

int noinline gd_guarded(gd_op_fn fn, const struct gd_op *op, struct gd_rec *ret)
{
	enum gd_stop why = GD_STOP_NONE;

	enter();
	if (__builtin_setjmp(gd.jmp)) {
		why = gd_why;
	} else {
		if (op - gd.prog->op == live_cut)
			gd_gap(LIVE_GAP_LIMIT);
		check_config(op);
		fn(op, ret);
	}
	leave();
	touch_range(op);
	return why;
}
STACK_FRAME_NON_STANDARD(gd_guarded);
