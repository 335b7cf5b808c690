// SPDX-License-Identifier: GPL-2.0
/*
 * The harness without the code under test, in one unit: most of its build time
 * is spent on parsing the kernel's headers once.
 */
#include "arena.c"
#include "stop.c"
#include "trace.c"
#include "script.c"
#include "world.c"
#include "operands.c"
#if GD_TABLES
#include "tables.c"
#include "vmas.c"
#endif
#if GD_SERIES
#include "../series/env.c"
#else
#include "port/data.c"
#include "../env/data.c"
#include "../env/hugetlb.c"
#include "../env/inert.c"
#include "../env/calls.c"
#include "../env/walk.c"
#include "../env/slow.c"
#include "../env/memfd.c"
#include "port/calls.c"
#endif
