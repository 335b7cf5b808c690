// SPDX-License-Identifier: GPL-2.0
/*
 * Called before every load and store where the engine wants no signals (see
 * build/coverage.rs): a fault is seen before it happens.
 */
#include "harness.h"

#define GD_LOAD(size)							\
	void __sanitizer_cov_load##size(void *p) { gd_access(p); }	\
	void __sanitizer_cov_store##size(void *p) { gd_access(p); }

GD_LOAD(1)
GD_LOAD(2)
GD_LOAD(4)
GD_LOAD(8)
GD_LOAD(16)
