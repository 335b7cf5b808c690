// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables that the program declares, in the kernel's own format,
 * consecutive in memory that the kernel reaches through __va().  Only what the
 * program says is written here.
 */
#include "harness.h"
#include "port/pgtable.h"

#define ADDRESS_MASK	((1ul << 48) - 1)

static const u8 level_shift[GD_NR_LEVELS] = {
	[GD_L_PTE] = PAGE_SHIFT, [GD_L_PMD] = PMD_SHIFT,
	[GD_L_PUD] = PUD_SHIFT, [GD_L_PGD] = PUD_SHIFT + 9,
};

/* A table: the level of its entries, and which of the regions of that size of an mm it serves. */
struct gd_table {
	u32 level;
	u32 mm;
	u64 region;
};

unsigned long gd_tables_start, gd_tables_end;

static pgd_t no_tables[PTRS_PER_PGD] __aligned(PAGE_SIZE);

static struct gd_table table[GD_MAX_TABLES];
static u32 nr_tables;

static u64 region_of(u32 level, u64 addr)
{
	return (addr & ADDRESS_MASK) >> (level_shift[level] + 9);
}

/* The table of a level for an address; GD_MAX_TABLES if it has not been made. */
static u32 find_table(u32 mm, u32 level, u64 addr)
{
	u64 region = region_of(level, addr);
	u32 i;

	for (i = 0; i < nr_tables; i++)
		if (table[i].level == level && table[i].region == region && table[i].mm == mm)
			return i;
	return GD_MAX_TABLES;
}

/* The number of the entry that serves an address, over all tables. */
static u32 table_entry(u32 mm, u32 level, u64 addr)
{
	u32 t = find_table(mm, level, addr);

	if (t == GD_MAX_TABLES)
		return GD_NO_ENTRY;
	return t * GD_TABLE_ENTRIES + ((addr >> level_shift[level]) & (GD_TABLE_ENTRIES - 1));
}

/* The same of current's mm, which is all that the lockless walk reads. */
u32 gd_table_entry(u32 level, u64 addr)
{
	return table_entry(0, level, addr);
}

/* Entries that are about to be set, and will be cleared after the program. */
static u64 *entries(u32 first, u32 nr)
{
	gd.scratch->entries[gd.nr_set++] = (struct gd_span){ first, nr };
	return gd.tables + first;
}

static u64 table_value(u32 t, u64 flags)
{
	return (u64)(GD_TABLE_PFN + t) << PAGE_SHIFT | flags;
}

/* Make the tables above an entry; tells whether its own is there. */
static bool make_tables(u32 mm, u32 level, u64 addr)
{
	u32 l, above;

	for (l = GD_L_PGD; (int)l >= (int)level; l--) {
		if (find_table(mm, l, addr) != GD_MAX_TABLES)
			continue;
		if (nr_tables == GD_MAX_TABLES)
			return false;
		table[nr_tables].level = l;
		table[nr_tables].mm = mm;
		table[nr_tables].region = region_of(l, addr);
		if (l == GD_L_PGD) {
			gd_mm_of(mm)->pgd = (pgd_t *)(gd.tables + nr_tables * GD_TABLE_ENTRIES);
		} else {
			above = table_entry(mm, l + 1, addr);
			if (!gd.tables[above])
				*entries(above, 1) = table_value(nr_tables, _PAGE_TABLE);
		}
		nr_tables++;
	}
	return true;
}

static u64 flag_bits(u16 flags)
{
	u64 bits = _PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED;
	u32 i;

	for (i = 0; i < GD_NR_ENTRY_FLAGS; i++)
		if (flags & (1u << i))
			bits = (bits | port_entry_set[i]) & ~port_entry_cleared[i];
	/* as pte_mkdirty() and similar functions leave it */
	if ((bits & (_PAGE_RW | _PAGE_DIRTY)) == _PAGE_DIRTY)
		bits = (bits & ~_PAGE_DIRTY) | PORT_PAGE_SAVED_DIRTY;
	return bits;
}

/*
 * The bits of a page, as pfn_pte() and similar functions combine them; those
 * cannot be called, because they warn about combinations that a program may ask
 * for.
 */
static u64 page_value(u32 level, u32 nr, u64 bits)
{
	static const u64 mask[] = {
		[GD_L_PTE] = PTE_PFN_MASK, [GD_L_PMD] = PHYSICAL_PMD_PAGE_MASK,
		[GD_L_PUD] = PHYSICAL_PUD_PAGE_MASK,
	};
	u64 phys = (u64)(GD_PFN_BASE + nr) << PAGE_SHIFT;
	/* Readers invert the pfn of what is not present, pfn_pte() only if it has a flag. */
	u64 invert = bits & _PAGE_PRESENT ? 0 : ~0ull;

	if (level != GD_L_PTE)
		bits |= _PAGE_PSE;
	/* invert all bits of the pfn, as hugetlbfs does: it treats its entries as PTEs */
	return (((phys & mask[level]) ^ invert) & PTE_PFN_MASK) | bits;
}

/* The page in entry k; GD_NR_PAGES if there is none. */
static u32 entry_page(const struct gd_op *op, u32 level, u32 k)
{
	u32 i = op->run[0].page >> GD_RUN_SHIFT;
	u64 nr;

	if (i >= GD_MAX_FOLIOS)
		return GD_NR_PAGES;
	nr = gd.base[i] + (op->run[0].page & GD_RUN_OFFSET) +
	     ((u64)k << (level_shift[level] - PAGE_SHIFT));
	return min_t(u64, nr, GD_NR_PAGES);
}

static u64 entry_value(const struct gd_op *op, u32 level, u64 bits, u64 addr, u32 k)
{
	u32 nr, t;

	switch (op->entry) {
	case GD_E_PAGE:
		nr = entry_page(op, level, k);
		if (level == GD_L_PGD || nr == GD_NR_PAGES)
			return 0;
		return page_value(level, nr, bits);
	case GD_E_TABLE:
		t = level == GD_L_PTE ? GD_MAX_TABLES : find_table(op->mm, level - 1, addr);
		if (t == GD_MAX_TABLES)
			return 0;
		return table_value(t, bits | _PAGE_RW | _PAGE_DIRTY);
	case GD_E_SWAP:
		if (level == GD_L_PGD)
			return 0;
		return port_swap_entry();
	case GD_E_MIGRATION:
		nr = entry_page(op, level, k);
		if (level == GD_L_PGD || nr == GD_NR_PAGES)
			return 0;
		return port_migration_entry(GD_PFN_BASE + nr);
	}
	return 0;
}

/* Set the entries of an operation, table by table. */
static void set_entries(const struct gd_op *op, u32 level)
{
	u64 bits = flag_bits(op->eflags), step = 1ul << level_shift[level], *entry;
	int k = 0, end;

	while (k < op->n) {
		u64 addr = (op->addr + k * step) & ADDRESS_MASK;
		u32 first = (addr >> level_shift[level]) & (GD_TABLE_ENTRIES - 1);

		end = min_t(u32, op->n, k + GD_TABLE_ENTRIES - first);
		if (!make_tables(op->mm, level, addr)) {
			k = end;
			continue;
		}
		entry = entries(table_entry(op->mm, level, addr), end - k);
		for (; k < end; k++, addr += step)
			*entry++ = entry_value(op, level, bits, addr, k);
	}
	gd_find_objects();
}

/* Changes by other CPUs: they wait for the page-table lock. */
static struct {
	const struct gd_op *op;
	u32 level;
} waiting_entries[GD_MAX_ACTS];
static u32 nr_waiting_entries;

void gd_change_entries(void)
{
	u32 i;

	if (gd.ptl)
		return;
	for (i = 0; i < nr_waiting_entries; i++)
		set_entries(waiting_entries[i].op, waiting_entries[i].level);
	nr_waiting_entries = 0;
}

void gd_set_entries(const struct gd_op *op, u32 level)
{
	waiting_entries[nr_waiting_entries].op = op;
	waiting_entries[nr_waiting_entries++].level = level;
	gd_change_entries();
}

static u16 entry_flags(u64 bits)
{
	u16 flags = 0;
	u32 i;

	if (bits & PORT_PAGE_SAVED_DIRTY)
		bits |= _PAGE_DIRTY;
	for (i = 0; i < GD_NR_ENTRY_FLAGS; i++)
		if (bits & port_entry_set[i] || ~bits & port_entry_cleared[i])
			flags |= 1u << i;
	return flags;
}

/* Is there an entry at p, and where? */
bool gd_entry_at(const volatile void *p, struct gd_place *at)
{
	u32 nr = (const volatile u64 *)p - gd.tables, t = nr / GD_TABLE_ENTRIES;

	if (t >= nr_tables)
		return false;
	at->mm = table[t].mm;
	at->level = table[t].level;
	at->addr = (table[t].region << 9 | nr % GD_TABLE_ENTRIES) << level_shift[at->level];
	return true;
}

/* An event: the kernel stored an entry. */
void gd_stored_entry(const volatile void *p)
{
	u64 bits = *(const volatile u64 *)p, mask = bits ? PTE_PFN_MASK : 0, page;
	struct gd_place at;
	struct gd_rec *rec;

	if (!gd.in_kernel || !gd_entry_at(p, &at))
		return;
	if (bits & _PAGE_PSE && at.level != GD_L_PTE)
		mask = at.level == GD_L_PMD ? PHYSICAL_PMD_PAGE_MASK : PHYSICAL_PUD_PAGE_MASK;
	page = (((bits ^ protnone_mask(bits)) & mask) >> PAGE_SHIFT) - GD_PFN_BASE;
	rec = gd_ask(GD_A_SET_ENTRY);
	rec->b = at.level | entry_flags(bits) << 2 | gd_mm_bit(gd_mm_of(at.mm));
	rec->c = page < GD_NR_PAGES ? page : GD_NOWHERE;
	rec->d = at.addr;
}

_Static_assert(GD_TABLE_PFN << PAGE_SHIFT == GD_BEFORE_TABLES_BYTES,
	       "a host unmaps all memory before the tables");

void gd_tables_init(void)
{
	gd_tables_start = (unsigned long)gd.tables;
	gd_tables_end = gd_tables_start + GD_MAX_TABLES * GD_TABLE_ENTRIES * sizeof(u64);
	page_offset_base = (unsigned long)gd.tables - (GD_TABLE_PFN << PAGE_SHIFT);
	gd_mm.pgd = (pgd_t *)gd.tables;
	gd_other_mm.pgd = no_tables;
	table[0].level = GD_L_PGD;
	nr_tables = 1;
}

/* Undo what the program set. */
void gd_tables_reset(void)
{
	while (gd.nr_set) {
		struct gd_span set = gd.scratch->entries[--gd.nr_set];

		memset(gd.tables + set.first, 0, set.nr * sizeof(u64));
	}
	nr_tables = 1;
	nr_waiting_entries = 0;
	gd_other_mm.pgd = no_tables;
}
