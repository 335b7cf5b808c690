/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel version that the C side is compiled for.  Everything that depends
 * on it is in this folder: each accessor once, with its versions from the
 * newest to the oldest; the last one also serves older kernels.  The rest of
 * the harness calls the accessors and does not mention versions
 * (csrc/tests/port.rs).
 *
 * Branches compare with the known kernels (csrc/kernels/table), or with the
 * version of an upstream change if it is known.
 *
 * GD_SERIES is the version of the FOLL_PIN series; 0 for kernels.
 */
#ifndef GD_PORT_VERSION_H
#define GD_PORT_VERSION_H

#include <linux/version.h>

#ifndef GD_SERIES
#define GD_SERIES 0
#endif

/* this kernel version or a newer one */
#define GD_SINCE(major, minor)							\
	(!GD_SERIES && LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

/*
 * The version does not always determine which of two variants a tree has:
 * changes are backported, and are in maintainers' trees long before their
 * release. So a choice is written as
 *
 *	#if GD_SINCE(6, 18) != GD_OTHER_NAME
 *
 * The version selects the variant that is tried first; if it does not compile,
 * GD_OTHER_NAME is defined as 1 (csrc/sides/src/compile/detect.rs).
 */

/* the side's description of itself */
#define PORT_VERSION	LINUX_VERSION_CODE

#endif
