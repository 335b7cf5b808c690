// SPDX-License-Identifier: GPL-2.0
/*
 * A side in C that implements a handful of operations of Linux 6.1 without
 * CONFIG_DEBUG_VM, with counts of its own in place of struct pages:
 *
 *	cc -shared -fPIC -O2 -o counts.so FILE
 *	gupdiff run --left so:./counts.so corpus/seeds
 *
 * docs/implementations.md goes through it.
 */
#include <stddef.h>
#include "../gupdiff.h"

/* What this side knows of a folio. */
struct count {
	gd_u32 page;		/* of the head */
	gd_u8 order;
	gd_s32 ref, before;
};

static struct count count[GD_MAX_FOLIOS];
static const struct gd_program *prog;
static struct gd_trace *trace;

static struct gd_site sites[] = {
	{ .func = "try_get_page", .file = "counts.c", .line = __LINE__, .kind = GD_SITE_WARN },
};

static struct gd_rec *record(gd_u8 kind)
{
	struct gd_rec *rec = &trace->rec[trace->nr++];

	*rec = (struct gd_rec){ .kind = kind };
	return rec;
}

/* What a PAGE record, or one of a call, says of a folio's first page. */
static void describe(struct gd_rec *rec, const struct count *c)
{
	const struct gd_folio *f = &prog->folio[c - count];
	gd_u32 flags = f->flags & ~(1u << GD_F_HEAD | 1u << GD_F_ANON_EXCLUSIVE);
	int pinned = c->order ? f->pin > 0 : (gd_u32)c->ref >= 1024;

	flags |= (gd_u32)(c->order > 0) << GD_F_HEAD;
	flags |= (gd_u32)f->exclusive << GD_F_ANON_EXCLUSIVE;
	rec->b = flags;
	rec->c = c->page | (gd_u32)f->mapping << 20;
	rec->d = (gd_u32)c->ref | (gd_u64)(gd_u32)f->pin << 32;
	if (rec->kind == GD_R_PAGE)
		rec->a = flags >> 16 | (pinned ? 0x80 : 0);
}

/* Zero pages, slab, hugetlb and devices have more to them than a count. */
static struct count *find(const struct gd_op *op)
{
	gd_u32 index = op->run[0].page >> GD_RUN_SHIFT;
	gd_u32 offset = op->run[0].page & GD_RUN_OFFSET;

	if (index >= prog->world.nr_folios || prog->folio[index].kind != GD_K_NORMAL)
		return NULL;
	return offset >> count[index].order ? NULL : &count[index];
}

static void get_page(struct count *c)
{
	c->ref = (gd_s32)((gd_u32)c->ref + 1);
}

static int try_get_page(struct count *c)
{
	if (c->ref <= 0) {
		record(GD_R_WARN)->c = sites[0].id;
		return 0;
	}
	get_page(c);
	return 1;
}

static int folio_try_get(struct count *c)
{
	if (c->ref == 0)
		return 0;
	get_page(c);
	return 1;
}

static void put_page(struct count *c)
{
	c->ref = (gd_s32)((gd_u32)c->ref - 1);
#ifndef MISTAKE_NEVER_FREED
	if (c->ref == 0) {
		struct gd_rec *rec = record(GD_R_CALL);

		describe(rec, c);
		rec->a = GD_C_FOLIO_PUT;
	}
#endif
}

/* What other CPUs do meanwhile is more than this side can show. */
static int is_alone(gd_u32 index)
{
	gd_u32 i;

	for (i = 0; i < prog->world.nr_acts; i++)
		if (prog->act[i].owner == index)
			return 0;
	return 1;
}

static void run_op(gd_u32 index)
{
	struct gd_rec ret = { .kind = GD_R_RET, .a = GD_RET_VOID };
	const struct gd_op *op = &prog->op[index];
	struct count *c = is_alone(index) ? find(op) : NULL;
	gd_u32 i;

	switch (c ? op->op : 0) {
	case GD_OP_GET_PAGE:
#ifdef MISTAKE_CRASHES
		*(volatile int *)NULL = 0;
#endif
		get_page(c);
		break;
	case GD_OP_TRY_GET_PAGE:
		ret.a = GD_RET_BOOL;
		ret.d = try_get_page(c);
		break;
	case GD_OP_FOLIO_TRY_GET:
		ret.a = GD_RET_BOOL;
		ret.d = folio_try_get(c);
		break;
	case GD_OP_PUT_PAGE:
#ifdef MISTAKE_HANGS
		for (;;)
			;
#endif
		put_page(c);
		break;
	default:
		ret.a = GD_RET_ABSENT;
	}
	for (i = 0; i < prog->world.nr_folios; i++) {
		if (count[i].ref != count[i].before)
			describe(record(GD_R_PAGE), &count[i]);
		count[i].before = count[i].ref;
	}
	*record(GD_R_RET) = ret;
}

static void run(const struct gd_program *program, struct gd_trace *out)
{
	struct gd_rec *end;
	gd_u32 i;

	prog = program;
	trace = out;
	for (i = 0; i < prog->world.nr_folios; i++) {
		const struct gd_folio *f = &prog->folio[i];
		/* no device here: in ZONE_NORMAL or ZONE_MOVABLE, exclusive or not */
		gd_u32 template = f->movable * GD_T_MOVABLE + f->exclusive;
		gd_u32 slot = (template * GD_NR_ORDERS + f->order) * GD_MAX_FOLIOS + i;

		count[i] = (struct count){ slot << GD_SLOT_SHIFT, f->order, f->ref, f->ref };
	}
	for (i = 0; i < prog->world.nr_ops; i++)
		run_op(i);
	end = record(GD_R_END);
	end->a = GD_END_DONE;
	end->b = i;
#ifdef MISTAKE_NO_TRACE
	end->kind = 0;
#endif
}

static int has_op(gd_u32 op)
{
	switch (op) {
	case GD_OP_GET_PAGE:
	case GD_OP_TRY_GET_PAGE:
	case GD_OP_FOLIO_TRY_GET:
	case GD_OP_PUT_PAGE:
		return 1;
	default:
		return 0;
	}
}

/* It has no struct pages and no tables, and its process may be killed. */
static void init(void *memmap, void *list, void *tables, void *scratch) {}
static void nothing(void) {}
static const volatile int never;
static const char *const no_gaps[] = { NULL };

__attribute__((visibility("default")))
struct gd_side gd_side = {
	.abi = GD_ABI_VERSION,
	.side_size = sizeof(struct gd_side),
	.program_size = sizeof(struct gd_program),
	.rec_size = sizeof(struct gd_rec),
	.release = "counts.c",
	.version = 6 << 16 | 1 << 8,
	.gaps = no_gaps,
	.sites = sites,
	.sites_end = sites + 1,
	.memmap_size = GD_NR_PAGES,
	.scratch_size = 4096,
	.init = init,
	.has_op = has_op,
	.run = run,
	.oops = nothing,
	.limit = nothing,
	.in_kernel = &never,
};
