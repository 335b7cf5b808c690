/* SPDX-License-Identifier: GPL-2.0 */
/* The series was posted on top of 5.5-rc1. */
#define KERNEL_VERSION(a, b, c)	(((a) << 16) + ((b) << 8) + (c))
#define LINUX_VERSION_CODE	KERNEL_VERSION(5, 5, 0)
