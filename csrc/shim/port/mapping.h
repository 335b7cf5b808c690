/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The low bits of a folio's mapping, which tell what it points to.  After v6.12
 * they belong to the folio, and pages with movable_ops are told by their type.
 */
#ifndef GD_PORT_MAPPING_H
#define GD_PORT_MAPPING_H

#include "version.h"

static inline unsigned long port_mapping_bits(u32 class)
{
	static const u8 bits[GD_NR_MAPPINGS] = {
		[GD_M_ANON] = PAGE_MAPPING_ANON,
		[GD_M_KSM] = PAGE_MAPPING_KSM,
		[GD_M_MOVABLE] = PAGE_MAPPING_MOVABLE,
	};

	return bits[class];
}

/* GD_M_NONE: no such bits, and so a pointer to an address_space. */
static inline u32 port_mapping_class(unsigned long mapping)
{
	static const u8 class[PAGE_MAPPING_FLAGS + 1] = {
		[PAGE_MAPPING_ANON] = GD_M_ANON,
		[PAGE_MAPPING_MOVABLE] = GD_M_MOVABLE,
		[PAGE_MAPPING_KSM] = GD_M_KSM,
	};

	return class[mapping & PAGE_MAPPING_FLAGS];
}

#endif
