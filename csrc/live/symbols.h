/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions of the image under test that modules are not given.  They are
 * found by name; one that the compiler has inlined everywhere is a gap.
 */

#if GD_SINCE(6, 12)
#define LIVE_FUNCTIONS		\
	LIVE(try_get_folio)	\
	LIVE(try_grab_folio)	\
	LIVE(try_grab_folio_fast) \
	LIVE(folio_add_pin)	\
	LIVE(gup_put_folio)	\
	LIVE(gup_fast_folio_allowed) \
	LIVE(gup_fast_unpin_user_pages) \
	LIVE(sanity_check_pinned_pages)
struct folio *try_get_folio(struct page *page, int refs);
struct folio *try_grab_folio_fast(struct page *page, int refs, unsigned int flags);
bool gup_fast_folio_allowed(struct folio *folio, unsigned int flags);
void gup_fast_unpin_user_pages(struct page **pages, unsigned long npages);
#else
#define LIVE_FUNCTIONS		\
	LIVE(try_grab_folio)	\
	LIVE(try_grab_page)	\
	LIVE(gup_put_folio)	\
	LIVE(unpin_user_pages_lockless) \
	LIVE(sanity_check_pinned_pages)
void unpin_user_pages_lockless(struct page **pages, unsigned long npages);
#endif
void sanity_check_pinned_pages(struct page **pages, unsigned long npages);
void gup_put_folio(struct folio *folio, int refs, unsigned int flags);

/* what cannot be had here; the names are what the host shows */
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
	void (*set_pfnblock_flags_mask)(struct page *page, unsigned long flags,
					unsigned long pfn, unsigned long mask);
	char *once_start, *once_end;
	const struct address_space_operations *shmem_aops;
} live;
