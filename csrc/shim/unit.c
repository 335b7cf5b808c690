// SPDX-License-Identifier: GPL-2.0
/*
 * The translation unit under test: the kernel's mm/gup.c, complete and
 * unmodified, followed by the operations, so that they can call its static
 * functions (the kernel's own tools/testing does the same).
 *
 * GD_RENAMES, if defined, is a header for a tree with renamed functions:
 * gup-sides makes it from RENAMED=.
 */
#define GD_LOADS_INLINE
#include "loads.h"
#include "redirect.h"
#ifdef GD_RENAMES
#define GD_BEFORE_GUP
#include GD_RENAMES
#undef GD_BEFORE_GUP
#endif
#include GD_GUP_SOURCE
#ifdef GD_RENAMES
#include GD_RENAMES
#endif
#include "ops.c"
#include "port/ops.c"
#include "walk.c"
#include "port/walk.c"
#include "slow.c"
#include "port/slow.c"
