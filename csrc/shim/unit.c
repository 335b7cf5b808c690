// SPDX-License-Identifier: GPL-2.0
/*
 * The translation unit under test: the kernel's mm/gup.c, whole and
 * unmodified, with the operations behind it, so that they reach its static
 * functions (the kernel's own tools/testing does the same).
 */
#include "redirect.h"
#include GD_GUP_SOURCE
#include "ops.c"
#include "walk.c"
