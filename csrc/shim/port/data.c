// SPDX-License-Identifier: GPL-2.0
/*
 * Variables of the kernel whose names depend on the version.
 */

/* the zero page; since 7.2 or before, zero_pfn() is a function */
#if GD_SINCE(7, 2) != GD_OTHER_ZERO_PFN
unsigned long __weak zero_page_pfn;

static void port_set_zero_pfn(unsigned long pfn)
{
	zero_page_pfn = pfn;
}
#else
unsigned long __weak zero_pfn;

static void port_set_zero_pfn(unsigned long pfn)
{
	zero_pfn = pfn;
}
#endif

/* Each kernel declares one or two of these; since v6.10 a folio. */
unsigned long __weak huge_zero_pfn;
struct page *__weak huge_zero_page;
struct folio *__weak huge_zero_folio;

static void port_set_huge_zero_page(struct page *page)
{
	huge_zero_pfn = page ? page_to_pfn(page) : 0;
	huge_zero_page = page;
	huge_zero_folio = (struct folio *)page;
}

/* notifies the driver of device-private pages: see port/calls.c */
static const struct dev_pagemap_ops port_pgmap_ops;

/*
 * The preempt count of this CPU: a variable of its own since v6.15
 * ("x86/percpu: Move preempt_count to percpu hot section"); before, part of a
 * struct, and only if the configuration needs it.
 */
#ifdef DEFINE_PER_CPU_CACHE_HOT
DEFINE_PER_CPU_CACHE_HOT(__typeof__(__preempt_count), __preempt_count);

static void port_reset_cpu(void)
{
	__preempt_count = PREEMPT_ENABLED;
}
#else
static void port_reset_cpu(void) {}
#endif

/*
 * The number of page-table levels depends on the processor; this one has four.
 * Up to v6.16 it depends on the configuration, and this is not called.
 */
#ifndef pgdir_shift
unsigned int pgdir_shift = 39, ptrs_per_p4d = 1;
#endif
