// SPDX-License-Identifier: GPL-2.0
/*
 * Symbol lookup. Modules may not call kallsyms_lookup_name(); a kprobe on it
 * returns its address.
 */
#include <linux/kprobes.h>

#if LIVE_SECRETMEM
const struct address_space_operations *live_secretmem_aops;
#endif
#if LIVE_HUGE_ZERO_PAGE
struct page **live_huge_zero_page;
#endif

static void *lookup(const char *name)
{
	return (void *)live.kallsyms_lookup_name(name);
}

/* NULL, or the name of a missing symbol that is required */
static const char *live_find_symbols(void)
{
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };

	if (register_kprobe(&kp))
		return kp.symbol_name;
	live.kallsyms_lookup_name = (void *)kp.addr;
	unregister_kprobe(&kp);

#define LIVE(name) live.name = lookup(#name);
	LIVE_FUNCTIONS
#undef LIVE
	live.find_bug = lookup("find_bug");
	live.bug_get_file_line = lookup("bug_get_file_line");
	live.lru_add_drain_all = lookup("lru_add_drain_all");
	live.once_start = lookup("__start_once");
	live.once_end = lookup("__end_once");
	live.shmem_aops = lookup("shmem_aops");
	if (!live.find_bug || (LIVE_BUG_PLACE && !live.bug_get_file_line))
		return "find_bug";
	live_block_getter = lookup(LIVE_BLOCK_GETTER);
	if (IS_ENABLED(CONFIG_CMA) && !live_block_getter)
		return LIVE_BLOCK_GETTER;
	if (!live.lru_add_drain_all)
		return "lru_add_drain_all";
	if (!live.shmem_aops)
		return "shmem_aops";
#if LIVE_SECRETMEM
	live_secretmem_aops = lookup("secretmem_aops");
	if (!live_secretmem_aops)
		return "secretmem_aops";
#endif
#if LIVE_HUGE_ZERO_PAGE
	live_huge_zero_page = lookup("huge_zero_page");
	if (!live_huge_zero_page)
		return "huge_zero_page";
#endif
	return NULL;
}
