/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FOLL_ flags by their canonical number; 0: there is no such flag.  v6.3
 * renumbered them and keeps the internal ones in mm/internal.h ("mm/gup: move
 * private gup FOLL_ flags to internal.h"), which needs nothing here.
 */
#ifndef GD_PORT_FOLL_H
#define GD_PORT_FOLL_H

#include "version.h"

static const unsigned long port_foll[GD_NR_FOLL] = {
	[GD_FOLL_WRITE] = FOLL_WRITE,
	[GD_FOLL_GET] = FOLL_GET,
	[GD_FOLL_PIN] = FOLL_PIN,
	[GD_FOLL_LONGTERM] = FOLL_LONGTERM,
	[GD_FOLL_FORCE] = FOLL_FORCE,
	[GD_FOLL_TOUCH] = FOLL_TOUCH,
	[GD_FOLL_DUMP] = FOLL_DUMP,
	[GD_FOLL_NOWAIT] = FOLL_NOWAIT,
	[GD_FOLL_HWPOISON] = FOLL_HWPOISON,
	[GD_FOLL_TRIED] = FOLL_TRIED,
	[GD_FOLL_REMOTE] = FOLL_REMOTE,
	[GD_FOLL_ANON] = FOLL_ANON,
	[GD_FOLL_SPLIT_PMD] = FOLL_SPLIT_PMD,
#if !GD_SERIES
	[GD_FOLL_FAST_ONLY] = FOLL_FAST_ONLY,
	[GD_FOLL_NOFAULT] = FOLL_NOFAULT,
#endif
#if GD_SINCE(6, 2)	/* "mm/gup: remove FOLL_MIGRATION" and others */
	[GD_FOLL_PCI_P2PDMA] = FOLL_PCI_P2PDMA,
	[GD_FOLL_INTERRUPTIBLE] = FOLL_INTERRUPTIBLE,
#else
	[GD_FOLL_MIGRATION] = FOLL_MIGRATION,
#endif
#if GD_SINCE(6, 3)	/* "mm/gup: add FOLL_UNLOCKABLE" */
	[GD_FOLL_UNLOCKABLE] = FOLL_UNLOCKABLE,
#endif
#if GD_SINCE(6, 5)	/* "mm/gup: reintroduce FOLL_NUMA as FOLL_HONOR_NUMA_FAULT" */
	[GD_FOLL_HONOR_NUMA_FAULT] = FOLL_HONOR_NUMA_FAULT,
#endif
#if GD_SINCE(6, 9)	/* "mm/madvise: make MADV_POPULATE_(READ|WRITE) handle VM_FAULT_RETRY properly" */
	[GD_FOLL_MADV_POPULATE] = FOLL_MADV_POPULATE,
#endif
#ifdef FOLL_SPLIT	/* up to v5.14 */
	[GD_FOLL_SPLIT] = FOLL_SPLIT,
#endif
};

#endif
