// SPDX-License-Identifier: GPL-2.0
/* The tables of operations, of hook points and of revisions as data. */
#include "gupdiff.h"

#define VOID	GD_RET_VOID
#define BOOL	GD_RET_BOOL
#define ERRNO	GD_RET_ERRNO
#define FOLIO	GD_RET_FOLIO
#define PAGE	GD_RET_PAGE
#define INT	GD_RET_INT

const struct gd_op_info gd_op_table[] = {
#define GD_OP(id, role, layer, operands, result, names, help) \
	{ id, GD_LAYER_##layer, result, 0, operands, #role, names, help },
#define GD_CHANGE(id, role, layer, operands, name, help) \
	{ id, GD_LAYER_##layer, VOID, 1, operands, #role, name, help },
#include "ops.h"
};
const gd_u32 gd_op_table_len = sizeof(gd_op_table) / sizeof(gd_op_table[0]);

const struct gd_hook_info gd_hook_table[GD_NR_HOOKS] = {
#define GD_HOOK(name, object, answer, otherwise, words, when, who) \
	[GD_HOOK_##name] = { GD_O_##object, GD_ANS_##answer, otherwise, words, when, who },
#include "hooks.h"
};

const struct gd_revision_info gd_revision_table[] = {
#define GD_REVISION(name, text, number) { number, text },
#include "revisions.h"
};
const gd_u32 gd_revision_table_len = sizeof(gd_revision_table) / sizeof(gd_revision_table[0]);

const struct gd_fact_info gd_fact_table[] = {
#define GD_FACT(name, series, kernel, until, what) { series, kernel, until, #name, what },
#include "revisions.h"
};
const gd_u32 gd_fact_table_len = sizeof(gd_fact_table) / sizeof(gd_fact_table[0]);
