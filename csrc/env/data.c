// SPDX-License-Identifier: GPL-2.0
/*
 * Data: variables that the kernel code reads and the harness sets.  Their
 * types come from the kernel's headers.
 */
#include "../shim/harness.h"

unsigned long vmemmap_base, page_offset_base, phys_base;

/*
 * The sections of the arena exist, so that its pfns are valid.  Four levels of
 * page tables map 46 bits of memory.
 */
#define ARENA_SECTIONS	(GD_NR_PAGES / PAGES_PER_SECTION + 1)
#define SECTION_ROOTS	((1ul << (46 - SECTION_SIZE_BITS)) / SECTIONS_PER_ROOT)
static struct mem_section sections[SECTIONS_PER_ROOT];
static struct mem_section *section_roots[SECTION_ROOTS] = {
	[SECTION_NR_TO_ROOT(GD_PFN_BASE >> PFN_SECTION_SHIFT)] = sections,
};
struct mem_section **mem_section = section_roots;

static struct pglist_data node;
struct pglist_data *node_data[MAX_NUMNODES] = { &node };
DEFINE_PER_CPU(int, numa_node);
struct cpuinfo_x86 boot_cpu_data;
pteval_t __default_kernel_pte_mask = ~0, __supported_pte_mask = ~0;
unsigned long USER_PTR_MAX;	/* not read by all kernels */
bool static_key_initialized = true;
DEFINE_STATIC_KEY_FALSE(hugetlb_optimize_vmemmap_key);
#undef jiffies
unsigned long volatile jiffies;

/* only their addresses matter */
const struct address_space_operations secretmem_aops, shmem_aops;
static const struct address_space_operations file_aops;

unsigned long gd_eflags;
static struct task_struct task = { .mm = &gd_mm, .active_mm = &gd_mm };
struct task_struct *gd_current = &task;
struct mm_struct gd_mm, gd_other_mm, init_mm;
struct vm_area_struct gd_vma = { .vm_mm = &gd_mm };

struct address_space gd_space[GD_NR_MAPPINGS] = {
	[GD_M_FILE] = { .a_ops = &file_aops },
	[GD_M_SHMEM] = { .a_ops = &shmem_aops },
	[GD_M_SECRETMEM] = { .a_ops = &secretmem_aops },
	[GD_M_FSDAX] = { .a_ops = &file_aops },
};

struct dev_pagemap gd_pgmap[GD_NR_KINDS] = {
	[GD_K_DEV_PRIVATE] = { .type = MEMORY_DEVICE_PRIVATE, .ops = &port_pgmap_ops },
	[GD_K_DEV_COHERENT] = { .type = MEMORY_DEVICE_COHERENT },
	[GD_K_DEV_FSDAX] = { .type = MEMORY_DEVICE_FS_DAX },
	[GD_K_DEV_GENERIC] = { .type = MEMORY_DEVICE_GENERIC },
	[GD_K_DEV_P2PDMA] = { .type = MEMORY_DEVICE_PCI_P2PDMA },
};

bool shmem_mapping(struct address_space *mapping)
{
	return mapping->a_ops == &shmem_aops;
}

void gd_set_zero_page(struct page *page)
{
	port_set_zero_pfn(page_to_pfn(page));
}

void gd_set_huge_zero_page(struct page *page)
{
	port_set_huge_zero_page(page);
}

void gd_set_devmap_key(bool on)
{
	port_set_devmap_key(on);
}

void gd_env_init(void)
{
	u32 i, first = (GD_PFN_BASE >> PFN_SECTION_SHIFT) % SECTIONS_PER_ROOT;

	USER_PTR_MAX = TASK_SIZE_MAX;
	/* the kernel has turned on protection keys */
	set_cpu_cap(&boot_cpu_data, X86_FEATURE_OSPKE);
	gd_hugetlb_init();
	highest_memmap_pfn = GD_PFN_BASE + GD_NR_PAGES - 1;
	init_mm.pgd = (pgd_t *)gd.tables;
	vmemmap_base = (unsigned long)(gd.memmap - GD_PFN_BASE);
	for (i = 0; i < ARENA_SECTIONS; i++)
		sections[first + i].section_mem_map = SECTION_MARKED_PRESENT | SECTION_HAS_MEM_MAP |
						     SECTION_IS_ONLINE | SECTION_IS_EARLY;
}

void gd_env_reset(void)
{
	port_reset_cpu();
	port_set_zero_pfn(0);
	port_set_huge_zero_page(NULL);
	gd_vmas_reset();
}
