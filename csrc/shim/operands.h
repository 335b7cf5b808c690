/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operands and results of page-level operations, for ops.c of the kernels and
 * of the series.  What includes this defines gd_foll_bits before.
 */
#ifndef GD_OPERANDS_H
#define GD_OPERANDS_H

#include "harness.h"

static unsigned int op_foll(const struct gd_op *op)
{
	unsigned int bits = 0, i;

	if (op->mods & GD_MOD_RAW)
		return op->foll;
	for (i = 0; i < GD_NR_FOLL; i++)
		if (op->foll & (1u << i))
			bits |= gd_foll_bits[i];
	return bits;
}

static struct page *op_page(const struct gd_op *op)
{
	return gd_operand(op->run[0], 0);
}

/*
 * The head of the operand's folio.  A pointer to nowhere goes to the function
 * as it is: what it does with it is part of what is compared.
 */
static struct page __maybe_unused *op_head(const struct gd_op *op)
{
	struct page *page = op_page(op);

	return gd_in_arena(page) ? compound_head(page) : page;
}

/* For parameters of type unsigned long: a negative n is a huge count. */
static unsigned long op_ulong(const struct gd_op *op)
{
	return (long)op->n;
}

/* Lay the operand's runs out as an array, with pointers to nowhere behind. */
static unsigned long op_list(const struct gd_op *op, bool heads)
{
	struct page **list = gd.list;
	unsigned long nr = 0, npages;
	int i;
	u32 k;

	for (i = 0; i < GD_NR_RUNS; i++) {
		struct gd_run run = op->run[i];

		for (k = 0; k < run.len && nr < GD_MAX_LIST; k++) {
			struct page *page = gd_operand(run, k);

			if (heads && gd_in_arena(page))
				page = compound_head(page);
			list[nr++] = page;
		}
	}
	npages = op->mods & GD_MOD_N ? op_ulong(op) : nr;
	/* the list may be read past its end: by an operation gone wrong, or npages */
	for (k = 0; k < 64 && nr < GD_MAX_LIST; k++)
		list[nr++] = gd.poison;
	if (npages > nr)
		while (nr < GD_MAX_LIST)
			list[nr++] = gd.poison;
	return npages;
}

static void ret_bool(struct gd_rec *ret, bool value)
{
	ret->a = GD_RET_BOOL;
	ret->d = value;
}

static void __maybe_unused ret_errno(struct gd_rec *ret, int value)
{
	ret->a = GD_RET_ERRNO;
	ret->d = (long)value;
}

static void ret_int(struct gd_rec *ret, long value)
{
	ret->a = GD_RET_INT;
	ret->d = value;
}

static void ret_head(struct gd_rec *ret, const struct page *head)
{
	ret->a = head ? GD_RET_FOLIO : GD_RET_NULL;
	ret->d = head ? gd_nr(head) : 0;
}

/* A page, NULL or an error pointer; a page of the arena or one that is not. */
static void __maybe_unused ret_page(struct gd_rec *ret, const struct page *page)
{
	if (IS_ERR(page)) {
		ret->a = GD_RET_ERRNO;
		ret->d = PTR_ERR(page);
		return;
	}
	ret->a = page ? GD_RET_PAGE : GD_RET_NULL;
	if (page)
		ret->d = gd_in_arena(page) ? gd_nr(page) : GD_NOWHERE;
}

/*
 * OP(ROLE) { ... } defines the operation of that role and enters it into the
 * table of this kernel; a role without one is absent from it.
 */
#define OP(role)								\
	static void op_##role(const struct gd_op *op, struct gd_rec *ret);	\
	static const struct gd_op_entry op_entry_##role				\
		__attribute__((__used__, __section__("gd_ops"))) =		\
		{ .id = GD_OP_##role, .fn = op_##role };			\
	static void op_##role(const struct gd_op *op, struct gd_rec *ret)

#endif
