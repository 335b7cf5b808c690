// SPDX-License-Identifier: GPL-2.0
/*
 * Operands and results of operations, for ops.c of the kernels and of the
 * series. It is not part of the code under test: its loads are not hook points,
 * and it is not instrumented for engines.
 */
#include "harness.h"
#include "port/foll.h"

unsigned int op_foll(const struct gd_op *op)
{
	unsigned int flags = op->foll;

	if (!(op->mods & GD_MOD_RAW))
		flags = gd_kernel_flags(port_foll, GD_NR_FOLL, flags);
	return flags;
}

u32 gd_canonical_foll(unsigned int flags)
{
	return gd_canonical_flags(port_foll, GD_NR_FOLL, flags);
}

struct page *op_page(const struct gd_op *op)
{
	return gd_operand(op->run[0], 0);
}

/*
 * The head of the operand's folio.  An invalid pointer is passed on unchanged:
 * what the function does with it is compared.
 */
struct page *op_head(const struct gd_op *op)
{
	struct page *page = op_page(op);

	return gd_in_arena(page) ? compound_head(page) : page;
}

/*
 * Write a run to the list; returns true if it lies in one slot with all pages
 * in place.  gd_record_changes() checks the pages.
 */
static bool lay_out(struct page **list, struct gd_run run)
{
	u32 i = run.page >> GD_RUN_SHIFT, k, first;

	if (i >= GD_MAX_FOLIOS || !run.len)
		return false;
	first = gd.base[i] + (run.page & GD_RUN_OFFSET);
	if (first >> GD_SLOT_SHIFT != (first + run.len - 1) >> GD_SLOT_SHIFT ||
	    first + run.len > GD_NR_PAGES || is_zone_device_page(gd.memmap + first))
		return false;
	for (k = 0; k < run.len; k++)
		list[k] = gd.memmap + first + k;
	gd.listed[gd.nr_listed++] = (struct gd_span){ first, run.len };
	return true;
}

/* Write the operand's runs as an array, followed by poison pointers. */
unsigned long op_list(const struct gd_op *op, bool heads)
{
	struct page **list = gd.list;
	unsigned long nr = 0, npages, end;
	int i;
	u32 k;

	for (i = 0; i < GD_NR_RUNS; i++) {
		struct gd_run run = op->run[i];

		if (!heads && nr + run.len <= GD_MAX_LIST && lay_out(list + nr, run)) {
			nr += run.len;
			continue;
		}
		for (k = 0; k < run.len && nr < GD_MAX_LIST; k++) {
			struct page *page = gd_operand(run, k);

			if (heads && gd_in_arena(page))
				page = compound_head(page);
			list[nr++] = page;
		}
	}
	npages = op->mods & GD_MOD_N ? op_ulong(op) : nr;
	/* the list may be read past its end, by a faulty operation or because of npages */
	end = min_t(unsigned long, nr + 64, GD_MAX_LIST);
	if (npages > end)
		end = GD_MAX_LIST;
	while (nr < end)
		list[nr++] = gd.poison;
	return npages;
}

void ret_bool(struct gd_rec *ret, bool value)
{
	ret->a = GD_RET_BOOL;
	ret->d = value;
}

void ret_errno(struct gd_rec *ret, int value)
{
	ret->a = GD_RET_ERRNO;
	ret->d = (long)value;
}

void ret_int(struct gd_rec *ret, long value)
{
	ret->a = GD_RET_INT;
	ret->d = value;
}

void ret_head(struct gd_rec *ret, const struct page *head)
{
	ret->a = head ? GD_RET_FOLIO : GD_RET_NULL;
	ret->d = head ? gd_nr(head) : 0;
}

/* A page, NULL or an error pointer; a page of the arena or one that is not. */
void ret_page(struct gd_rec *ret, const struct page *page)
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

/* Return exactly the entries that the operation has stored. */
void gd_clear_list(unsigned long nr)
{
	u32 i;

	for (i = 0; i < min_t(unsigned long, nr, GD_MAX_LIST); i++)
		gd.list[i] = gd.poison;
}

/* Entries after the list are not checked; a store to one has ended the operation. */
void ret_pages(struct gd_rec *ret, long nr, struct page **pages)
{
	ret_int(ret, nr);
	if (nr > 0 && pages)
		gd.nr_entries = min_t(u32, nr, GD_MAX_LIST);
}
