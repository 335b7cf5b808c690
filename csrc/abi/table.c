// SPDX-License-Identifier: GPL-2.0
/* The tables of operations, of hook points and of revisions as data. */
#include "gupdiff.h"

/* the column effect */
#define ASKS(who)							\
	{ .kind = GD_EFFECT_KIND_ASK, .callers = GD_CALLERS_##who }
#define TAKES(thing, count, demand, who)				\
	{ .kind = GD_EFFECT_KIND_TAKE, .what = GD_WHAT_##thing, .by = GD_BY_##count,	\
	  .of = GD_OF_##demand, .callers = GD_CALLERS_##who }
#define GIVES(thing, count, who)					\
	{ .kind = GD_EFFECT_KIND_GIVE, .what = GD_WHAT_##thing, .by = GD_BY_##count,	\
	  .callers = GD_CALLERS_##who }
#define MARKS()		{ .kind = GD_EFFECT_KIND_MARK }
#define WALKS(thing, count, when)					\
	{ .kind = GD_EFFECT_KIND_WALK, .what = GD_WHAT_##thing, .by = GD_BY_##count,	\
	  .lock = GD_LOCK_##when }
#define FAULTS(how, when)						\
	{ .kind = GD_EFFECT_KIND_FAULT, .faults = GD_FAULTS_##how, .lock = GD_LOCK_##when }
#define PINS_FILE()	{ .kind = GD_EFFECT_KIND_PIN_FILE, .lock = GD_LOCK_TAKEN }
#define SETS(thing)	{ .kind = GD_EFFECT_KIND_SET, .part = GD_PART_##thing }

/* what operands hold beside bits */
#define KIND(operands, which)	(((operands) >> GD_S_##which##_SHIFT) & GD_S_KIND_MASK)

const struct gd_op_info gd_op_table[] = {
#define GD_OP(id, role, layer, operands, effect, result, names, help)		\
	{ id, GD_RET_##result, operands, KIND(operands, ARG), KIND(operands, N),	\
	  KIND(operands, VAL), GD_LAYER_##layer, effect, #role, names, help },
#include "ops.h"
};
const gd_u32 gd_op_table_len = sizeof(gd_op_table) / sizeof(gd_op_table[0]);

const struct gd_hook_info gd_hook_table[GD_NR_HOOKS] = {
#define GD_HOOK(name, layer, object, answer, default_answer, text, help, actor)	\
	[GD_HOOK_##name] = { GD_LAYER_##layer, GD_O_##object, GD_ANS_##answer,	\
			     default_answer, text, help, actor },
#include "hooks.h"
};

const struct gd_revision_info gd_revision_table[] = {
#define GD_REVISION(name, text, number) { number, text },
#include "revisions.h"
};
const gd_u32 gd_revision_table_len = sizeof(gd_revision_table) / sizeof(gd_revision_table[0]);

const struct gd_fact_info gd_fact_table[GD_NR_FACTS] = {
#define GD_FACT(name, series, kernel, until, what)				\
	[GD_FACT_##name] = { GD_FACT_##name, series, kernel, until, #name, what },
#include "revisions.h"
};
