// SPDX-License-Identifier: GPL-2.0
/*
 * Scripted: memfds and their page cache.  The program sets its contents
 * (SET_CACHE), for all files.  A folio that is found or allocated gets one more
 * reference, by a plain store.
 */
#include "../shim/harness.h"
#include "../shim/port/slow.h"

#ifdef PORT_HAS_MEMFD_PIN
#include <linux/hugetlb.h>
#include <linux/swapops.h>

/* A part of the file: consecutive pages, or a hole. */
struct extent {
	u64 first;
	u32 nr;
	struct page *page;	/* NULL: a hole */
};

static struct extent extents[GD_MAX_EXTENTS];
static u32 nr_extents;

static struct inode memfd_inode = { .i_size = GD_MEMFD_SIZE };
static const struct file_operations memfd_plain_ops;
static struct file memfd_plain = {
	.f_op = &memfd_plain_ops, .f_inode = &memfd_inode, .f_mapping = &gd_space[GD_M_FILE],
};
static struct file memfd_shmem = {
	.f_op = &memfd_plain_ops, .f_inode = &memfd_inode, .f_mapping = &gd_space[GD_M_SHMEM],
};

#ifdef CONFIG_HUGETLBFS
static const struct file_operations memfd_hugetlb_ops = { .fop_flags = FOP_HUGE_PAGES };
static struct file memfd_hugetlb = {
	.f_op = &memfd_hugetlb_ops, .f_mapping = &gd_space[GD_M_FILE],
};
#else
#define memfd_hugetlb memfd_plain
#endif

struct file *gd_memfd(u32 kind)
{
	switch (kind % GD_NR_MEMFDS) {
	case GD_FD_OTHER:
		return &memfd_plain;
	case GD_FD_SHMEM:
		return &memfd_shmem;
	case GD_FD_HUGETLB:
#ifdef CONFIG_HUGETLBFS
		memfd_hugetlb.f_inode = gd_hugetlb_inode();
#endif
		return &memfd_hugetlb;
	}
	return NULL;
}

/* The last setting wins; when the array is full, further ones are ignored. */
void gd_set_cache(const struct gd_op *op, struct page *page)
{
	if (op->n <= 0 || nr_extents == GD_MAX_EXTENTS)
		return;
	extents[nr_extents++] = (struct extent){
		.first = op->addr >> PAGE_SHIFT, .nr = min_t(u32, op->n, GD_SLOT_PAGES),
		.page = gd_in_arena(page) ? page : NULL,
	};
}

void gd_cache_reset(void)
{
	nr_extents = 0;
}

/*
 * The folio of a page of the file.  A folio without references is being freed
 * and is not found; device pages are never in the page cache.
 */
static struct page *cached(pgoff_t index)
{
	u32 i;

	for (i = nr_extents; i-- > 0;) {
		const struct extent *extent = &extents[i];
		struct page *page = extent->page, *head;

		if (index - extent->first >= extent->nr)
			continue;
		if (!page || gd_nr(page) + (index - extent->first) >= GD_NR_PAGES)
			return NULL;
		page += index - extent->first;
		head = compound_head(page);
		if (port_is_tail(head) || is_zone_device_page(head) || !page_ref_count(head))
			return NULL;
		gd_touch(gd_nr(head));
		((struct folio *)head)->index = index - (page - head);
		return head;
	}
	return NULL;
}

static struct folio *hold(u8 call, struct page *head)
{
	gd_call(call, head);
	head->_refcount.counter++;
	return (struct folio *)head;
}

unsigned int filemap_get_folios_contig(struct address_space *mapping, pgoff_t *start,
				       pgoff_t end, struct folio_batch *fbatch)
{
	struct gd_rec *rec = gd_ask(GD_A_FIND_FOLIOS);
	pgoff_t index = *start, next;

	rec->c = end - index;
	rec->d = index;
	gd_reached(GD_HOOK_FIND_FOLIOS);
	while (index <= end) {
		struct page *head = cached(index);

		if (!head)
			break;
		next = folio_next_index((struct folio *)head);
		if (next <= index)
			break;
		index = next;
		/* the kernel would write past the end of a batch that was not released */
		if (!folio_batch_space(fbatch))
			gd_oops();
		if (!folio_batch_add(fbatch, hold(GD_C_FOUND, head)))
			break;
	}
	if (folio_batch_count(fbatch))
		*start = index;
	return folio_batch_count(fbatch);
}

void __folio_batch_release(struct folio_batch *fbatch)
{
	u32 i;

	for (i = 0; i < folio_batch_count(fbatch); i++) {
		struct page *page = &fbatch->folios[i]->page;

		gd_call(GD_C_RELEASED, page);
		if (!--page->_refcount.counter)
			gd_call(GD_C_FOLIO_PUT, page);
	}
	folio_batch_reinit(fbatch);
}

/* On success it returns what is in the cache by then; if there is nothing, -ENOMEM. */
struct folio *memfd_alloc_folio(struct file *memfd, pgoff_t index)
{
	struct gd_rec *rec = gd_ask(GD_A_ALLOC_FOLIO);
	struct page *head;
	int err;

	rec->b = gd_locks_held() & GD_RB_MEMALLOC_PIN;
	rec->d = index;
	err = gd_answer(GD_HOOK_ALLOC_FOLIO);
	if (err)
		return ERR_PTR(err);
	head = cached(index);
	return head ? hold(GD_C_ALLOCATED, head) : ERR_PTR(-ENOMEM);
}

void gd_zero_folio(struct page *head)
{
	gd_after();
	gd_call(GD_C_ZEROED, head);
}

/* of a folio that is in the swap cache, too */
pgoff_t __folio_swap_cache_index(struct folio *folio)
{
	return swp_offset(folio->swap);
}
#else
void gd_set_cache(const struct gd_op *op, struct page *page)
{
}

void gd_cache_reset(void)
{
}
#endif
