// SPDX-License-Identifier: GPL-2.0
/*
 * The rest of the kernel for the series, like ../env for the kernels: data, and
 * calls that are events with the page's state at that time.
 */
#include "../shim/harness.h"

unsigned long gd_eflags;
struct mm_struct gd_mm, gd_other_mm;
struct static_key_false devmap_managed_key;
struct address_space gd_space[GD_NR_MAPPINGS];

struct dev_pagemap gd_pgmap[GD_NR_KINDS] = {
	[GD_K_DEV_PRIVATE] = { .type = MEMORY_DEVICE_PRIVATE },
	[GD_K_DEV_COHERENT] = { .type = MEMORY_DEVICE_COHERENT },
	[GD_K_DEV_FSDAX] = { .type = MEMORY_DEVICE_FS_DAX },
	[GD_K_DEV_GENERIC] = { .type = MEMORY_DEVICE_GENERIC },
	[GD_K_DEV_P2PDMA] = { .type = MEMORY_DEVICE_PCI_P2PDMA },
};

void gd_set_devmap_key(bool on)
{
	port_set_devmap_key(on);
}

/* the series has no zero pages */
void gd_set_zero_page(struct page *page) {}
void gd_set_huge_zero_page(struct page *page) {}

void gd_env_init(void) {}
void gd_env_reset(void) {}

void mod_node_page_state(enum node_stat_item item, long delta)
{
	if (item == NR_FOLL_PIN_REQUESTED)
		gd.acquired += delta;
	else
		gd.released += delta;
}

/* the last reference is dropped; the page stays readable */
void __put_page(struct page *page)
{
	gd_call(GD_C_FOLIO_PUT, page);
}

void free_devmap_managed_page(struct page *page)
{
	gd_call(GD_C_FREE_DEVMAP_MANAGED, page);
}

/* these look up the head, as all functions for page flags do */
void set_page_dirty(struct page *page)
{
	page = compound_head(page);
	gd_call(GD_C_FOLIO_MARK_DIRTY, page);
	page->flags |= 1ul << PG_dirty;
}

/* the folio was locked; its holder unlocks it for us */
void __lock_page(struct page *page)
{
	gd_call(GD_C_FOLIO_LOCK, compound_head(page));
}

void unlock_page(struct page *page)
{
	page = compound_head(page);
	gd_call(GD_C_FOLIO_UNLOCK, page);
	page->flags &= ~(1ul << PG_locked);
}

void mlock_vma_page(struct page *page)
{
	gd_call(GD_C_MLOCK_VMA_PAGE, page);
	page->flags |= 1ul << PG_mlocked;
}

/* the series calls nothing that is missing here */
const char *const gd_gap_names[] = { NULL };
