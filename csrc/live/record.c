// SPDX-License-Identifier: GPL-2.0
/*
 * A call on mappings of init as it happens: what its page tables and pages were like
 * before, what each fault did, and what the call left on the pages.  The host makes a
 * program of it, with the faults as its script, which any side can run.
 */
#include "../shim/port/pgtable.h"
#include "../shim/port/slow.h"

static struct gd_recording *recording;
static struct task_struct *recorder;	/* others fault meanwhile */
static struct page *recorded[GD_CALL_FOLIOS];

static bool is_zero(struct page *page)
{
	return is_zero_pfn(page_to_pfn(page));
}

/*
 * What mappings and the page cache hold.  A page on its way to the LRU, or between its
 * lists, has a reference more for a while.
 */
static int settled_refs(struct page *page)
{
	if (is_zero(page))
		return page_count(page);
	return atomic_read(&page->_mapcount) + 1 + (!PageAnon(page) && page->mapping);
}

/* The number of a page; GD_CALL_NOTHING if there are too many. */
static u32 record_folio(struct gd_recording *c, struct page *page)
{
	struct gd_recorded_folio *f;
	u32 i;

	for (i = 0; i < c->nr_folios; i++)
		if (recorded[i] == page)
			return i;
	if (i == GD_CALL_FOLIOS || PageCompound(page)) {
		c->flaws |= GD_CALL_FLAW_PAGES;
		return GD_CALL_NOTHING;
	}
	recorded[i] = page;
	c->nr_folios = i + 1;
	f = &c->folio[i];
	f->kind = is_zero(page) ? GD_K_ZERO : GD_K_NORMAL;
	f->mapping = PageAnon(page) ? GD_M_ANON : !page->mapping ? GD_M_NONE :
		     page->mapping->a_ops == live.shmem_aops ? GD_M_SHMEM : GD_M_FILE;
	f->movable = is_movable(page);
	f->flags = canonical_flags(port_flags(page), false);
	f->ref = settled_refs(page);
	return i;
}

static pte_t *pte_of(unsigned long address)
{
	pgd_t *pgd = pgd_offset(current->mm, address);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (pgd_none(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(*p4d))
		return NULL;
	pud = pud_offset(p4d, address);
	if (pud_none(*pud))
		return NULL;
	pmd = pmd_offset(pud, address);
	if (pmd_none(*pmd) || pmd_trans_huge(*pmd))
		return NULL;
	return pte_offset_kernel(pmd, address);
}

static void record_entry(struct gd_recording *c, unsigned long address, struct gd_recorded_entry *entry)
{
	pte_t *ptep = pte_of(address);
	u32 i;

	if (!ptep || pte_none(*ptep))
		return;
	if (!pte_present(*ptep)) {
		c->flaws |= GD_CALL_FLAW_ENTRY;
		return;
	}
	entry->kind = GD_E_PAGE;
	entry->folio = record_folio(c, pfn_to_page(pte_pfn(*ptep)));
	for (i = 0; i < GD_NR_ENTRY_FLAGS; i++)
		if ((port_entry_set[i] && (ptep->pte & port_entry_set[i])) ||
		    (port_entry_cleared[i] && !(ptep->pte & port_entry_cleared[i])))
			entry->flags |= 1u << i;
}

static void record_vmas(struct gd_recording *c)
{
	unsigned long address = c->address, end = c->address + c->nr * PAGE_SIZE;
	struct vm_area_struct *vma;
	struct gd_recorded_vma *v;

	for (; address < end; address = vma->vm_end) {
		vma = find_vma(current->mm, address);
		if (!vma || vma->vm_start >= end)
			return;
		if (c->nr_vmas == GD_CALL_VMAS) {
			c->flaws |= GD_CALL_FLAW_VMAS;
			return;
		}
		v = &c->vma[c->nr_vmas++];
		v->address = vma->vm_start;
		v->pages = vma_pages(vma);
		v->flags = gd_canonical_flags(port_vm_flag, GD_NR_VM_FLAGS, vma->vm_flags);
		v->kind = !vma->vm_ops ? GD_V_ANON :
			  vma->vm_file->f_mapping->a_ops == live.shmem_aops ? GD_V_SHMEM : GD_V_FILE;
	}
}

/* ---- faults ---- */

struct fault_data {
	int refs[GD_CALL_FOLIOS];
	u32 nr_folios;
};

static int fault_begins(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct fault_data *data = (void *)instance->data;
	struct gd_recorded_fault *f;
	u32 i;

	if (!recording || current != recorder)
		return 1;
	if (recording->nr_faults == GD_CALL_FAULTS) {
		recording->flaws |= GD_CALL_FLAW_FAULTS;
		return 1;
	}
	f = &recording->fault[recording->nr_faults];
	f->address = regs->si;
	f->flags = gd_canonical_flags(port_fault_flag, GD_NR_FAULT_FLAGS, regs->dx);
	data->nr_folios = recording->nr_folios;
	for (i = 0; i < data->nr_folios; i++)
		data->refs[i] = settled_refs(recorded[i]);
	return 0;
}

static int fault_ends(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct fault_data *data = (void *)instance->data;
	struct gd_recorded_fault *f = &recording->fault[recording->nr_faults++];
	u32 i;

	f->result = gd_canonical_flags(port_fault, GD_NR_FAULTS, regs_return_value(regs));
	for (i = 0; i < data->nr_folios; i++)
		f->delta[i] = settled_refs(recorded[i]) - data->refs[i];
	record_entry(recording, f->address, &f->entry);
	return 0;
}

static struct kretprobe fault_probe = {
	.kp.symbol_name = "handle_mm_fault",
	.entry_handler = fault_begins,
	.handler = fault_ends,
	.data_size = sizeof(struct fault_data),
	.maxactive = 4,
};

/* ---- the call ---- */

static long live_record(struct gd_recording __user *arg)
{
	struct page *pages[GD_CALL_PAGES] = {};
	struct gd_user u = {};
	struct gd_op op = {};
	struct gd_recording *c;
	u32 i;

	if (live_header->nr_calls == GD_LIVE_MAX_CALLS)
		return -ENOSPC;
	c = (void *)live_header + GD_LIVE_ENTRIES + live_header->nr_calls * sizeof(*c);
	if (copy_from_user(c, arg, sizeof(*c)))
		return -EFAULT;
	if (c->nr < 1 || c->nr > GD_CALL_PAGES)
		return -EINVAL;
	/* what is on its way to the LRU has a reference more */
	live.lru_add_drain_all();
	record_vmas(c);
	for (i = 0; i < c->nr; i++)
		record_entry(c, c->address + i * PAGE_SIZE, &c->entry[i]);
	op.foll = c->foll;
	c->acquired = -node_counter(NR_FOLL_PIN_ACQUIRED);
	c->released = -node_counter(NR_FOLL_PIN_RELEASED);
	recorder = current;
	recording = c;
	c->result = call_gup(c->call, c->address, c->nr, op_foll(&op), pages);
	recording = NULL;
	c->acquired += node_counter(NR_FOLL_PIN_ACQUIRED);
	c->released += node_counter(NR_FOLL_PIN_RELEASED);
	live.lru_add_drain_all();
	for (i = 0; c->result > 0 && i < c->result; i++) {
		u32 known = c->nr_folios;

		c->page[i] = record_folio(c, pages[i]);
		/* it came in another way than by a fault: it was migrated */
		if (c->nr_folios != known)
			c->flaws |= GD_CALL_FLAW_PAGES;
	}
	for (i = 0; i < c->nr_folios; i++)
		c->folio[i].held = user_state(recorded[i]);
	if (c->result > 0) {
		u.call = c->call;
		give_back(&u, pages, c->result);
	}
	for (i = 0; i < c->nr_folios; i++)
		c->folio[i].given_back = user_state(recorded[i]);
	live_header->nr_calls++;
	return 0;
}
