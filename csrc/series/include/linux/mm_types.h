/* SPDX-License-Identifier: GPL-2.0 */
/* struct page as the series has it, and the types that it points to. */
#ifndef _LINUX_MM_TYPES_H
#define _LINUX_MM_TYPES_H

#include <linux/types.h>

/* only their addresses matter */
struct address_space {
	unsigned long unused;
};

enum memory_type {
	MEMORY_DEVICE_PRIVATE = 1,
	MEMORY_DEVICE_FS_DAX,
	MEMORY_DEVICE_PCI_P2PDMA,
	/* newer than the series, which treats them as unmanaged pages */
	MEMORY_DEVICE_COHERENT,
	MEMORY_DEVICE_GENERIC,
};

struct dev_pagemap {
	enum memory_type type;
};

/*
 * The head's pgmap and a tail's link to its head share a word, as in the
 * kernel: bit 0 tells which.  The order of a compound page is in its first
 * tail.
 */
struct page {
	unsigned long flags;
	union {
		unsigned long compound_head;
		struct dev_pagemap *pgmap;
	};
	unsigned long compound_order;
	struct address_space *mapping;
	unsigned long unused[2];
	atomic_t _mapcount;
	atomic_t _refcount;
	unsigned long unused_too;
};

/*
 * State that programs set for newer kernels, and that the series does not
 * use.
 */
#define MMF_HAS_PINNED	0

struct mm_struct {
	unsigned long flags;
	struct {
		unsigned int sequence;
	} write_protect_seq;
};

#define GD_EFLAGS_IF	0x200ul

extern unsigned long gd_eflags;

static inline bool arch_irqs_disabled(void)
{
	return !(gd_eflags & GD_EFLAGS_IF);
}

#endif
