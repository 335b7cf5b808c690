// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of the other layers, which a running kernel cannot provide: they
 * need page tables of the program's own, and hook points within an operation.
 */

static void no_lockless(const struct gd_op *op, struct gd_rec *ret)
{
	gd_gap(LIVE_GAP_LOCKLESS);
}

static void no_script(const struct gd_op *op, struct gd_rec *ret)
{
	gd_gap(LIVE_GAP_SCRIPT);
}

static gd_op_fn live_beyond(const struct gd_op *op, u32 nr_acts)
{
	switch (op->op) {
	case GD_OP_GET_USER_PAGES_FAST ... GD_OP_PIN_USER_PAGES_FAST_ONLY:
		return no_lockless;
	}
	return nr_acts ? no_script : NULL;
}
#define GD_BEYOND(op, nr_acts)	live_beyond(op, nr_acts)
