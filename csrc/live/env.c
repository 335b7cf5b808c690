// SPDX-License-Identifier: GPL-2.0
/*
 * The state outside of pages. State that belongs to the kernel (the zero pages)
 * has the program's value only while an operation runs, as the rest of the
 * kernel runs in between.
 */

#define GD_EFLAGS_IF X86_EFLAGS_IF

static unsigned long gd_eflags;
struct mm_struct gd_mm, gd_other_mm;
struct vm_area_struct gd_vma = { .vm_mm = &gd_mm };

/* distinguished by their addresses; gd_env_init() fills in the kernel's own */
static const struct address_space_operations file_aops, other_aops;
struct address_space gd_space[GD_NR_MAPPINGS] = {
	[GD_M_FILE] = { .a_ops = &file_aops },
	[GD_M_FSDAX] = { .a_ops = &file_aops },
};

static void driver_freed(struct page *page);
static const struct dev_pagemap_ops live_pgmap_ops = {
#if LIVE_DRIVER_FREES
	.page_free = driver_freed,
#endif
};

struct dev_pagemap gd_pgmap[GD_NR_KINDS] = {
	[GD_K_DEV_PRIVATE] = { .type = MEMORY_DEVICE_PRIVATE, .ops = &live_pgmap_ops },
	[GD_K_DEV_COHERENT] = { .type = MEMORY_DEVICE_COHERENT },
	[GD_K_DEV_FSDAX] = { .type = MEMORY_DEVICE_FS_DAX },
	[GD_K_DEV_GENERIC] = { .type = MEMORY_DEVICE_GENERIC },
	[GD_K_DEV_P2PDMA] = { .type = MEMORY_DEVICE_PCI_P2PDMA },
};

/* the program's values, and the kernel's while an operation runs */
struct live_zero {
	unsigned long pfn;
	struct page *huge;
};
static struct live_zero program_zero, kernel_zero;

void gd_env_init(void)
{
	gd_space[GD_M_SHMEM].a_ops = live.shmem_aops;
#if LIVE_SECRETMEM
	gd_space[GD_M_SECRETMEM].a_ops = &secretmem_aops;
#else
	gd_space[GD_M_SECRETMEM].a_ops = &other_aops;
#endif
}

static struct live_zero exchange_zero(struct live_zero new)
{
	struct live_zero old = { .pfn = live_zero_pfn };

	live_zero_pfn = new.pfn;
#if LIVE_HUGE_ZERO_PAGE
	old.huge = huge_zero_page;
	huge_zero_page = new.huge;
#endif
	return old;
}

void gd_set_zero_page(struct page *page)
{
	program_zero.pfn = page_to_pfn(page);
}

void gd_set_huge_zero_page(struct page *page)
{
	program_zero.huge = page;
}

/* Patches code, so only if the value differs. */
#ifndef GD_WITHOUT_DEVMAP_MANAGED_KEY
void gd_set_devmap_key(bool on)
{
	if (static_key_enabled(&devmap_managed_key) == on)
		return;
	if (on)
		static_branch_enable(&devmap_managed_key);
	else
		static_branch_disable(&devmap_managed_key);
}
#else
void gd_set_devmap_key(bool on) {}
#endif

static void live_reset_blocks(void);

void gd_env_reset(void)
{
	program_zero = (struct live_zero){};
	live_reset_blocks();
}

/* A node's counter, including what this CPU has not folded in yet. */
static long node_counter(enum node_stat_item item)
{
	struct pglist_data *node = NODE_DATA(0);

	return atomic_long_read(&node->vm_stat[item]) +
	       this_cpu_read(node->per_cpu_nodestats->vm_node_stat_diff[item]);
}
