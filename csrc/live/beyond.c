// SPDX-License-Identifier: GPL-2.0
/*
 * What belongs to layers that need more than a running kernel shows: the
 * program's own page tables, and a look into the middle of an operation.
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
