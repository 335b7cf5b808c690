/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which kernel the C side is compiled for.  All that depends on this is in this
 * folder: each accessor once, with its versions from the newest to the oldest;
 * the last one also serves what is older.  The rest of the harness calls the
 * accessors and names no version (csrc/tests/port.rs).
 *
 * Branches ask for the kernels that were tried (csrc/kernels/table), and for the
 * version of an upstream change where it is known which one that was.
 *
 * GD_SERIES is the version of the FOLL_PIN series, and 0 for kernels.
 */
#ifndef GD_PORT_VERSION_H
#define GD_PORT_VERSION_H

#include <linux/version.h>

#ifndef GD_SERIES
#define GD_SERIES 0
#endif

/* a kernel of this version, or a newer one */
#define GD_SINCE(major, minor)							\
	(!GD_SERIES && LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

/*
 * Which of two spellings a tree has is not always told by its version: changes
 * are backported, and come to a maintainer's tree long before they have one.  So
 * a choice is written
 *
 *	#if GD_SINCE(6, 18) != GD_OTHER_NAME
 *
 * and the version says what is tried first: where that does not compile,
 * GD_OTHER_NAME is defined as 1 (csrc/sides/src/compile/detect.rs).
 */

/* what the side says of itself */
#define PORT_VERSION	LINUX_VERSION_CODE

#endif
