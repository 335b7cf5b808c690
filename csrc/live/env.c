// SPDX-License-Identifier: GPL-2.0
/*
 * The state beside pages.  What is the kernel's own (the zero pages) takes the
 * program's value only while an operation runs: the rest of the kernel runs on
 * in between.
 */

#define GD_EFLAGS_IF X86_EFLAGS_IF

extern unsigned long zero_pfn;

static unsigned long gd_eflags;
struct mm_struct gd_mm;
struct vm_area_struct gd_vma = { .vm_mm = &gd_mm };

/* told apart by their addresses; live_env_init() fills in the kernel's own */
static const struct address_space_operations file_aops;
struct address_space gd_space[GD_NR_MAPPINGS] = {
	[GD_M_FILE] = { .a_ops = &file_aops },
	[GD_M_FSDAX] = { .a_ops = &file_aops },
};

struct dev_pagemap gd_pgmap[GD_NR_KINDS] = {
	[GD_K_DEV_PRIVATE] = { .type = MEMORY_DEVICE_PRIVATE },
	[GD_K_DEV_COHERENT] = { .type = MEMORY_DEVICE_COHERENT },
	[GD_K_DEV_FSDAX] = { .type = MEMORY_DEVICE_FS_DAX },
	[GD_K_DEV_GENERIC] = { .type = MEMORY_DEVICE_GENERIC },
	[GD_K_DEV_P2PDMA] = { .type = MEMORY_DEVICE_PCI_P2PDMA },
};

u8 gd_migratetype[GD_NR_SLOTS];
u32 gd_blocks[GD_MAX_FOLIOS + GD_MAX_OPS];

/* the program's values, and the kernel's while an operation runs */
struct live_zero {
	unsigned long pfn;
	struct page *huge;
};
static struct live_zero program_zero, kernel_zero;

static void live_env_init(void)
{
	gd_space[GD_M_SHMEM].a_ops = live.shmem_aops;
	gd_space[GD_M_SECRETMEM].a_ops = &secretmem_aops;
}

static struct live_zero exchange_zero(struct live_zero new)
{
	struct live_zero old = { .pfn = zero_pfn };

	zero_pfn = new.pfn;
#if !GD_SINCE(6, 12)
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

/* Patches code, so only where it differs. */
void gd_set_devmap_key(bool on)
{
	if (static_key_enabled(&devmap_managed_key) == on)
		return;
	if (on)
		static_branch_enable(&devmap_managed_key);
	else
		static_branch_disable(&devmap_managed_key);
}

/*
 * The kernel's own word on a pageblock.  Its setter looks at the zone of the
 * page that it is given, so it is not given one of the arena.
 */
static void set_block(u32 slot, u8 type)
{
	static const u8 types[GD_NR_MIGRATETYPES] = {
		[GD_MT_UNMOVABLE] = MIGRATE_UNMOVABLE,
		[GD_MT_MOVABLE] = MIGRATE_MOVABLE,
		[GD_MT_RECLAIMABLE] = MIGRATE_RECLAIMABLE,
#ifdef CONFIG_CMA
		[GD_MT_CMA] = MIGRATE_CMA,
#endif
#ifdef CONFIG_MEMORY_ISOLATION
		[GD_MT_ISOLATE] = MIGRATE_ISOLATE,
#endif
	};
	struct page page = { .flags = (unsigned long)ZONE_DEVICE << ZONES_PGSHIFT };
	unsigned long pfn = page_to_pfn(gd.memmap) + ((unsigned long)slot << GD_SLOT_SHIFT);
	unsigned long i;

	for (i = 0; i < GD_SLOT_PAGES; i += pageblock_nr_pages)
		live.set_pfnblock_flags_mask(&page, types[type], pfn + i, MIGRATETYPE_MASK);
}

static u32 blocks_set;		/* so many of gd_blocks are */

/* Without CMA the code under test does not look at pageblocks. */
static void live_set_blocks(void)
{
	if (!IS_ENABLED(CONFIG_CMA))
		return;
	for (; blocks_set < gd.nr_blocks; blocks_set++)
		set_block(gd_blocks[blocks_set], gd_migratetype[gd_blocks[blocks_set]]);
}

static void live_init_blocks(void)
{
	u32 slot;

	for (slot = 0; IS_ENABLED(CONFIG_CMA) && slot < GD_NR_SLOTS; slot++)
		set_block(slot, GD_MT_UNMOVABLE);
}

void gd_env_reset(void)
{
	program_zero = (struct live_zero){};
	blocks_set = 0;
	while (gd.nr_blocks) {
		u32 slot = gd_blocks[--gd.nr_blocks];

		gd_migratetype[slot] = 0;
		if (IS_ENABLED(CONFIG_CMA))
			set_block(slot, GD_MT_UNMOVABLE);
	}
}

/* A node's counter, with what this processor has not folded in yet. */
static long node_counter(enum node_stat_item item)
{
	struct pglist_data *node = NODE_DATA(0);

	return atomic_long_read(&node->vm_stat[item]) +
	       this_cpu_read(node->per_cpu_nodestats->vm_node_stat_diff[item]);
}
