/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: the kernel's own instrumentation points for KASAN and KCSAN, before
 * every atomic and every bit operation.  They record which pages are updated,
 * so that after an operation the harness only checks those.
 */
#ifndef GD_INSTRUMENTED_H
#define GD_INSTRUMENTED_H
#include_next <linux/instrumented.h>
#include <gd_hook.h>
#define instrument_read(v, s)			gd_access(v)
#define instrument_write(v, s)			gd_update(v)
#define instrument_read_write(v, s)		gd_update(v)
#define instrument_atomic_read(v, s)		gd_read(v)
#define instrument_atomic_write(v, s)		gd_update(v)
#define instrument_atomic_read_write(v, s)	gd_update(v)
#endif
