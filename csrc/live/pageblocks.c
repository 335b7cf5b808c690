// SPDX-License-Identifier: GPL-2.0
/*
 * Pageblock types: while the code under test reads them, the kernel's own have
 * the world's values.
 */

static const unsigned long block_bits[GD_NR_MIGRATETYPES] = {
	[GD_MT_UNMOVABLE] = MIGRATE_UNMOVABLE,
	[GD_MT_MOVABLE] = MIGRATE_MOVABLE,
	[GD_MT_RECLAIMABLE] = MIGRATE_RECLAIMABLE,
#ifdef CONFIG_CMA
	[GD_MT_CMA] = MIGRATE_CMA,
#endif
#ifdef CONFIG_MEMORY_ISOLATION
	[GD_MT_ISOLATE] = PORT_BLOCK_ISOLATE,
#endif
};

/* The kernel's bits for a pageblock, in the map of its section. */
static void set_block(u32 slot, u8 type)
{
	unsigned long pfn = page_to_pfn(gd.memmap) + ((unsigned long)slot << GD_SLOT_SHIFT);
	unsigned long i, bit, *map;

	for (i = 0; i < GD_SLOT_PAGES; i += pageblock_nr_pages) {
		map = section_to_usemap(__pfn_to_section(pfn + i));
		bit = ((pfn + i) & (PAGES_PER_SECTION - 1)) / pageblock_nr_pages * NR_PAGEBLOCK_BITS;
		map[BIT_WORD(bit)] &= ~(PORT_BLOCK_MASK << bit % BITS_PER_LONG);
		map[BIT_WORD(bit)] |= block_bits[type] << bit % BITS_PER_LONG;
	}
}

static u32 blocks_set;		/* the number of the world's blocks[] that are set */

/* Without CMA the code under test does not read pageblock types. */
static void live_set_blocks(void)
{
	if (!IS_ENABLED(CONFIG_CMA))
		return;
	for (; blocks_set < gd.nr_blocks; blocks_set++)
		set_block(blocks[blocks_set], gd_migratetype[blocks[blocks_set]]);
}

static void live_init_blocks(void)
{
	u32 slot;

	for (slot = 0; IS_ENABLED(CONFIG_CMA) && slot < GD_NR_SLOTS; slot++)
		set_block(slot, GD_MT_UNMOVABLE);
}

/* Before the next program, while the world still has the last one's values. */
static void live_reset_blocks(void)
{
	u32 i;

	for (i = 0; IS_ENABLED(CONFIG_CMA) && i < gd.nr_blocks; i++)
		set_block(blocks[i], GD_MT_UNMOVABLE);
	blocks_set = 0;
}
