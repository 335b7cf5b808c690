/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables as data, for Rust: operations (ops.h), hook points (hooks.h), revisions and
 * facts (revisions.h).
 */
#ifndef GUPDIFF_ABI_TABLE_H
#define GUPDIFF_ABI_TABLE_H

#include "effect.h"
#include "program.h"
#include "types.h"

enum gd_layer { GD_LAYER_PAGE, GD_LAYER_LOCKLESS, GD_LAYER_SLOW };

struct gd_hook_info {
	enum gd_layer layer;
	gd_u8 object;		/* enum gd_object */
	gd_u8 answer;		/* enum gd_answer */
	gd_s32 default_answer;
	const char *text;
	const char *help;
	const char *actor;
};

/* by enum gd_hook */
extern const struct gd_hook_info gd_hook_table[GD_NR_HOOKS];

struct gd_op_info {
	gd_u8 id;
	gd_u8 result;		/* enum gd_ret */
	gd_u32 operands;	/* GD_S_* */
	enum gd_arg arg;
	enum gd_n n;
	enum gd_val val;
	enum gd_layer layer;
	struct gd_effect effect;
	const char *role;
	const char *names;
	const char *help;
};

extern const struct gd_op_info gd_op_table[];
extern const gd_u32 gd_op_table_len;

enum gd_op_id {
#define GD_OP(id, role, layer, operands, effect, result, names, help) GD_OP_##role = id,
#include "ops.h"
};

/* ---- revisions ---- */

/* Numbers of revisions: comparable within the series, and within the kernels. */
#define GD_REV_SERIES(version)		(version)
#define GD_REV_KERNEL(major, minor)	((major) << 16 | (minor))
#define GD_REV_ALWAYS			0
#define GD_REV_NEVER			0x7fffffff

enum gd_revision {
#define GD_REVISION(name, text, number) GD_REV_##name = number,
#include "revisions.h"
};

/* the index in gd_fact_table */
enum gd_fact {
#define GD_FACT(name, series, kernel, until, what) GD_FACT_##name,
#include "revisions.h"
};

/* the number of facts */
enum {
	GD_NR_FACTS = 0
#define GD_FACT(name, series, kernel, until, what) + 1
#include "revisions.h"
};

struct gd_revision_info {
	gd_u32 number;
	const char *text;
};

/* true for the series from one version on, and for kernels from one to before another */
struct gd_fact_info {
	enum gd_fact fact;
	gd_u32 series;
	gd_u32 kernel;
	gd_u32 until;
	const char *name;
	const char *what;
};

extern const struct gd_revision_info gd_revision_table[];
extern const gd_u32 gd_revision_table_len;
/* by enum gd_fact */
extern const struct gd_fact_info gd_fact_table[GD_NR_FACTS];

#endif
