// SPDX-License-Identifier: GPL-2.0
/*
 * The exported symbol of a side, and running a program.
 */
#include <generated/utsrelease.h>
#include "harness.h"

extern struct gd_site gd_sites_start[], gd_sites_end[];
extern const char *const gd_gap_names[];
extern const struct gd_op_entry gd_ops_start[], gd_ops_end[];

static gd_op_fn page_ops[256];

/* the layer of an operation */
static const u8 layers[256] = {
#define GD_OP(id, role, layer, operands, effect, result, names, help) \
	[id] = GD_LAYER_##layer,
#include "ops.h"
};

/* runs in place of an operation that this side does not have */
#ifndef GD_BEYOND
#define GD_BEYOND(op, nr_acts)	NULL
#endif

static void gd_init(void *memmap, void *list, void *tables, void *scratch)
{
	const struct gd_op_entry *entry;

	for (entry = gd_ops_start; entry < gd_ops_end; entry++)
		page_ops[entry->id] = entry->fn;
	gd.scratch = scratch;
	gd.memmap = memmap;
	gd.list = list;
	gd.tables = tables;
	gd_arena_init();
}

/* Find pages that changed without being recorded: only plain stores do that. */
static void sweep(void)
{
	u32 i, k;

	for (i = 0; i < gd.prog->world.nr_folios; i++)
		for (k = 0; k < gd_nr_looked_at(i); k++)
			gd_look(gd.base[i] + k);
	gd_record_changes();
}

/* Run one operation with its actions; returns whether it came back. */
static int run_op(const struct gd_op *op, const struct gd_act *act, u32 nr_acts)
{
	struct gd_rec ret = { .kind = GD_R_RET, .a = GD_RET_VOID }, *rec;
	gd_op_fn world = gd_world_op(op->op), fn = page_ops[op->op], beyond;
	int why = GD_STOP_NONE;

	gd_next_op();
	gd_next_isolations();
	beyond = GD_BEYOND(op, nr_acts);
	gd_watch(act, nr_acts);
	gd.slow = layers[op->op] == GD_LAYER_SLOW || gd.prog->world.state & GD_W_REAL_SLOW_PATH;
	if (layers[op->op] == GD_LAYER_SLOW)
		gd_slow_begins();
	if (beyond)
		why = gd_guarded(beyond, op, &ret);
	else if (world)
		world(op, &ret);
	else if (fn)
		why = gd_guarded(fn, op, &ret);
	else
		ret.a = GD_RET_ABSENT;
	if (why != GD_STOP_NONE)
		ret = (struct gd_rec){ .kind = GD_R_RET, .a = GD_RET_STOPPED };
	else if (gd.nr_entries)
		gd_record_entries();
	if (why == GD_STOP_NONE && !world)
		ret.b |= gd_locks_held();
	gd_drop_locks();
	gd_record_changes();
	gd_record_state();
	rec = gd_record(GD_R_RET);
	*rec = ret;
	return why;
}

static void gd_run(const struct gd_program *prog, struct gd_trace *trace)
{
	static const u8 ends[] = {
		[GD_STOP_NONE] = GD_END_DONE, [GD_STOP_BUG] = GD_END_BUG,
		[GD_STOP_OOPS] = GD_END_OOPS, [GD_STOP_LIMIT] = GD_END_LIMIT,
		[GD_STOP_GAP] = GD_END_GAP,
	};
	int why = GD_STOP_NONE;
	const struct gd_act *act = prog->act;
	const struct gd_act *last_act = act + prog->world.nr_acts;
	struct gd_rec *end;
	u32 i;

	gd.prog = prog;
	gd.trace = trace;
	gd.rec = trace->rec;
	gd.last_rec = trace->rec + trace->cap - 1;
	gd_next_program();
	gd_next_op();
	gd_world_setup();
	for (i = 0; i < prog->world.nr_ops && why == GD_STOP_NONE; i++) {
		const struct gd_act *first = act;

		while (act < last_act && act->owner == i)
			act++;
		why = run_op(&prog->op[i], first, act - first);
	}
	gd_next_op();
	sweep();
	end = gd_record(GD_R_END);
	end->a = ends[why];
	end->b = i;
	trace->nr = gd.rec - trace->rec;
	gd_arena_reset();
}

#ifndef GD_LIVE	/* a module has no such symbol */
static int gd_has_op(u32 op)
{
	return op < 256 && (gd_world_op(op) || page_ops[op]);
}

struct gd_side gd_side = {
	.abi = GD_ABI_VERSION,
	.side_size = sizeof(struct gd_side),
	.program_size = sizeof(struct gd_program),
	.rec_size = sizeof(struct gd_rec),
	.release = UTS_RELEASE,
	.version = PORT_VERSION,
	.series = GD_SERIES,
	.debug_vm = IS_ENABLED(CONFIG_DEBUG_VM),
	.gaps = gd_gap_names,
	.sites = gd_sites_start,
	.sites_end = gd_sites_end,
	.memmap_size = GD_NR_PAGES * sizeof(struct page),
	.scratch_size = sizeof(struct gd_scratch),
	.init = gd_init,
	.has_op = gd_has_op,
	.run = gd_run,
	.limit = gd_limit,
	.oops = gd_oops,
	.in_kernel = &gd.in_kernel,
};
#endif
