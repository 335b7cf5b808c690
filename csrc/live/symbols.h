/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions of the image under test that are not exported. They are looked up
 * by name; one that is inlined everywhere is a gap.
 */

#include "port.h"

/* gaps of this side; the host prints these names */
enum live_gap {
	LIVE_GAP_LIMIT,
	LIVE_GAP_CMA,
	LIVE_GAP_DEVICE_PRIVATE,
	LIVE_GAP_P2PDMA,
	LIVE_GAP_UNPIN_FAST,
	LIVE_GAP_LOCKLESS,
	LIVE_GAP_SCRIPT,
#define LIVE(name) LIVE_GAP_##name,
	LIVE_FUNCTIONS
#undef LIVE
	LIVE_NR_GAPS
};

static const char *const live_gaps[LIVE_NR_GAPS] = {
	[LIVE_GAP_LIMIT] = "an operation that reaches the step limit",
	[LIVE_GAP_CMA] = "pageblock types (CONFIG_CMA is off)",
	[LIVE_GAP_DEVICE_PRIVATE] = "coherent device memory (CONFIG_DEVICE_PRIVATE is off)",
	[LIVE_GAP_P2PDMA] = "PCI P2PDMA memory (CONFIG_PCI_P2PDMA is off)",
	[LIVE_GAP_UNPIN_FAST] = "the lockless unpin, where unpin_user_pages differs",
	[LIVE_GAP_LOCKLESS] = "the lockless walk of a program's page tables",
	[LIVE_GAP_SCRIPT] = "actions within an operation",
#define LIVE(name) [LIVE_GAP_##name] = #name,
	LIVE_FUNCTIONS
#undef LIVE
};

static struct {
#define LIVE(name) typeof(name) *name;
	LIVE_FUNCTIONS
#undef LIVE
	typeof(unsigned long (const char *)) *kallsyms_lookup_name;
	struct bug_entry *(*find_bug)(unsigned long addr);
	void (*bug_get_file_line)(struct bug_entry *bug, const char **file, unsigned int *line);
	void (*lru_add_drain_all)(void);
	char *once_start, *once_end;
	const struct address_space_operations *shmem_aops;
} live;
