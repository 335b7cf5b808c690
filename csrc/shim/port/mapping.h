/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The low bits of a folio's mapping, which give the type of the pointer.  Up to
 * v6.16 they are named after the page, and one of them marks pages with
 * movable_ops; later kernels recognise these by their page type.
 */
#ifndef GD_PORT_MAPPING_H
#define GD_PORT_MAPPING_H

#include "version.h"

#ifdef PAGE_MAPPING_FLAGS
#define PORT_SAYS_MOVABLE	true
#define PORT_MAPPING_ANON	PAGE_MAPPING_ANON
#define PORT_MAPPING_KSM	PAGE_MAPPING_KSM
#define PORT_MAPPING_FLAGS	PAGE_MAPPING_FLAGS
#else
#define PORT_SAYS_MOVABLE	false
#define PORT_MAPPING_ANON	FOLIO_MAPPING_ANON
#define PORT_MAPPING_KSM	FOLIO_MAPPING_KSM
#define PORT_MAPPING_FLAGS	FOLIO_MAPPING_FLAGS
#endif

static inline unsigned long port_mapping_bits(u32 class)
{
	static const u8 bits[GD_NR_MAPPINGS] = {
		[GD_M_ANON] = PORT_MAPPING_ANON,
		[GD_M_KSM] = PORT_MAPPING_KSM,
		[GD_M_MOVABLE] = PAGE_MAPPING_MOVABLE,
	};

	return bits[class];
}

/* GD_M_NONE: no such bits, so a pointer to an address_space. */
static inline u32 port_mapping_class(unsigned long mapping)
{
	static const u8 class[PORT_MAPPING_FLAGS + 1] = {
		[PORT_MAPPING_ANON] = GD_M_ANON,
		[PORT_MAPPING_FLAGS & ~PORT_MAPPING_ANON] = GD_M_MOVABLE,
		[PORT_MAPPING_KSM] = GD_M_KSM,
	};

	return class[mapping & PORT_MAPPING_FLAGS];
}

#endif
