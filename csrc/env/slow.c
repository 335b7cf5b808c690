// SPDX-License-Identifier: GPL-2.0
/*
 * Scripted: the calls of the slow path into the rest of the kernel. Each call
 * is a step, an event and, if an action may run or answer there, a hook point;
 * it returns the script's answer, or else the default in hooks.h. Its effect on
 * a folio is the part that callers rely on, and a plain store.
 */
#include "../shim/harness.h"
#include "../shim/port/slow.h"

/* ---- locks ---- */

/* the count of one reader; its users check only whether it is 0 */
#define ONE_READER	0x100

void gd_hold_mmap_lock(struct mm_struct *mm, bool held)
{
	mm->mmap_lock.count.counter = held ? ONE_READER : 0;
	if (!held)
		gd_change_vmas();
}

static struct mm_struct *mm_of(struct rw_semaphore *sem)
{
	return container_of(sem, struct mm_struct, mmap_lock);
}

/*
 * Locks of hugetlb VMAs: nobody writes, so a count is enough.  After an mmap lock
 * that was lost, a VMA can become one of hugetlb, or the other way around, between
 * lock and unlock: then the count means nothing.
 */
static int vma_locks;
static bool vmas_changed;

void gd_vmas_have_changed(void)
{
	vmas_changed = true;
}

static bool is_of_vma(const struct rw_semaphore *sem)
{
	return sem != &gd_mm.mmap_lock && sem != &gd_other_mm.mmap_lock;
}

void down_read(struct rw_semaphore *sem)
{
	if (is_of_vma(sem)) {
		vma_locks++;
		return;
	}
	gd_ask(GD_A_MMAP_LOCK)->b = gd_mm_bit(mm_of(sem));
	gd_hold_mmap_lock(mm_of(sem), true);
}

int down_read_killable(struct rw_semaphore *sem)
{
	int err;

	gd_ask(GD_A_MMAP_LOCK)->b = 1 | gd_mm_bit(mm_of(sem));
	err = gd_answer(GD_HOOK_MMAP_LOCK);
	if (!err)
		gd_hold_mmap_lock(mm_of(sem), true);
	return err;
}

void up_read(struct rw_semaphore *sem)
{
	if (is_of_vma(sem)) {
		vma_locks--;
		return;
	}
	gd_ask(GD_A_MMAP_UNLOCK)->b = gd_mm_bit(mm_of(sem));
	gd_hold_mmap_lock(mm_of(sem), false);
}

/* page-table locks: there is no other task, so a count is enough */
void _raw_spin_lock(raw_spinlock_t *lock)
{
	gd_after();
	gd_reached(GD_HOOK_PTL);
	if (++gd.locked == GD_LOCK_LIMIT)
		gd_limit();
	gd.ptl++;
}

void gd_spin_unlock(void)
{
	gd_after();
	gd.ptl--;
	gd_change_entries();
}

int gd_spin_is_locked(void)
{
	return gd.ptl != 0;
}

/* a separate function in preemptible kernels */
#ifndef _raw_spin_unlock
void _raw_spin_unlock(raw_spinlock_t *lock)
{
	gd_spin_unlock();
}
#endif

int gd_rcu_nesting;

/* how often accesses to user memory are permitted */
static int uaccess;

bool gd_user_access_begin(bool ok)
{
	uaccess += ok;
	return ok;
}

void gd_user_access_end(void)
{
	uaccess--;
}

static u16 memalloc_pin(void)
{
	return gd_current->flags & PORT_MEMALLOC_PIN ? GD_RB_MEMALLOC_PIN : 0;
}

u16 gd_locks_held(void)
{
	return (gd_mm.mmap_lock.count.counter ? GD_RB_MMAP : 0) |
	       (gd_other_mm.mmap_lock.count.counter ? GD_RB_MMAP_2 : 0) |
	       (gd.ptl ? GD_RB_PTL : 0) | (gd_rcu_nesting ? GD_RB_RCU : 0) |
	       (vma_locks && !vmas_changed ? GD_RB_VMA : 0) | (uaccess ? GD_RB_UACCESS : 0) | memalloc_pin();
}

void gd_drop_locks(void)
{
	gd_hold_mmap_lock(&gd_mm, false);
	gd_hold_mmap_lock(&gd_other_mm, false);
	gd.ptl = 0;
	gd_change_entries();
	gd_rcu_nesting = 0;
	vma_locks = 0;
	vmas_changed = false;
	uaccess = 0;
	gd_current->flags &= ~PORT_MEMALLOC_PIN;
}

/* ---- faults ---- */

static vm_fault_t faulted(struct vm_area_struct *vma, unsigned long address,
			  unsigned int flags, u16 how, unsigned long possible)
{
	struct gd_rec *rec = gd_ask(GD_A_FAULT);
	unsigned long fault;

	rec->b = gd_vma_nr(vma) | how | memalloc_pin();
	rec->c = gd_canonical_flags(port_fault_flag, GD_NR_FAULT_FLAGS, flags);
	rec->d = address;
	fault = gd_kernel_flags(port_fault, GD_NR_FAULTS, gd_answer(GD_HOOK_FAULT)) & possible;
	if (fault & port_fault[GD_FAULT_COMPLETED] ||
	    (fault & port_fault[GD_FAULT_RETRY] &&
	     !(flags & port_fault_flag[GD_FF_RETRY_NOWAIT])))
		gd_hold_mmap_lock(vma->vm_mm, false);
	return fault;
}

vm_fault_t gd_handle_mm_fault(struct vm_area_struct *vma, unsigned long address,
			      unsigned int flags, struct pt_regs *regs)
{
	return faulted(vma, address, flags, 0, ~0ul);
}

/* Called directly, it never returns VM_FAULT_COMPLETED. */
vm_fault_t gd_hugetlb_fault(struct vm_area_struct *vma, unsigned long address,
			    unsigned int flags)
{
	return faulted(vma, address, flags, GD_RB_HUGETLB, ~port_fault[GD_FAULT_COMPLETED]);
}

/* The page that an entry is about is being migrated. */
void gd_wait_for_migration(struct mm_struct *mm, u32 level, unsigned long address)
{
	struct gd_rec *rec = gd_ask(GD_A_MIGRATION);

	rec->b = level | gd_mm_bit(mm);
	rec->d = address & PAGE_MASK;
	gd_reached(GD_HOOK_MIGRATION);
}

void gd_wait_at_entry(const void *entry)
{
	struct gd_place at = {};

	gd_entry_at(entry, &at);
	gd_wait_for_migration(gd_mm_of(at.mm), at.level, at.addr);
}

/* Who looks for a migration, finds none and looks again, does so in steps. */
bool gd_is_no_migration(void)
{
	gd_after();
	gd_step();
	return false;
}

/* Does hugetlbfs have the page of an address? */
bool gd_pagecache_present(struct vm_area_struct *vma, unsigned long address)
{
	struct gd_rec *rec = gd_ask(GD_A_PAGECACHE);

	rec->b = gd_vma_nr(vma);
	rec->d = address;
	return gd_answer(GD_HOOK_PAGECACHE);
}

/* Does a load or store of a byte of user memory fail for good? */
int gd_user_access(unsigned long address, bool write)
{
	struct gd_rec *rec = gd_ask(GD_A_USER_ACCESS);

	rec->b = write | (uaccess ? 0 : GD_RB_UACCESS);
	rec->d = address;
	return gd_answer(GD_HOOK_USER_ACCESS);
}

/* The same, permitted for the time of the access. */
int gd_permitted_user_access(unsigned long address, bool write)
{
	int errno;

	gd_user_access_begin(true);
	errno = gd_user_access(address, write);
	gd_user_access_end();
	return errno;
}

/* A message that comes once an hour comes once in a program. */
void gd_pass_time(void)
{
	jiffies += 2 * 60 * 60 * HZ;
}

void gd_log(void)
{
	gd_ask(GD_A_LOG);
}

/* Flushes a data cache, which x86 does not have to. */
void gd_flush(u16 what, const struct page *page, unsigned long address)
{
	struct gd_rec *rec;

	gd_after();
	rec = gd_record(GD_R_ASK);
	rec->a = GD_A_FLUSH;
	rec->b = what;
	rec->c = gd_in_arena(page) ? gd_nr(page) : GD_NOWHERE;
	rec->d = address;
}

/* Expands the stack down to this page. */
int gd_expand_stack(struct vm_area_struct *vma, unsigned long address)
{
	struct gd_rec *rec = gd_ask(GD_A_EXPAND);
	int err;

	rec->b = gd_vma_nr(vma);
	rec->d = address;
	err = gd_answer(GD_HOOK_EXPAND);
	if (!err && vma->vm_start - address > GD_STACK_LIMIT)
		err = -ENOMEM;
	if (!err) {
		vma->vm_start = address;
		gd_link_vmas();
	}
	return err;
}

/* there is no memory for page tables */
int gd_pte_alloc(struct mm_struct *mm, pmd_t *pmd)
{
	return -ENOMEM;
}

void gd_split_huge_pmd(unsigned long address)
{
	gd_ask(GD_A_SPLIT)->d = address;
	gd_reached(GD_HOOK_SPLIT);
}

/* What becomes of the folio, and of the entries that map it, is the script's word. */
int gd_split_huge_page(struct page *page)
{
	gd_call(GD_C_SPLIT, page);
	return gd_answer(GD_HOOK_SPLIT_PAGE);
}

/* ---- LRU and migration ---- */

void gd_drained(u16 how, u32 page)
{
	struct gd_rec *rec = gd_ask(GD_A_DRAIN);

	rec->b = how;
	rec->c = page;
	gd_reached(GD_HOOK_DRAIN);
}

void lru_add_drain(void)
{
	gd_drained(0, 0);
}

void lru_add_drain_all(void)
{
	gd_drained(1, 0);
}

void gd_accessed(struct page *page)
{
	gd_call(GD_C_MARK_ACCESSED, page);
}

/* pages that the running operation has isolated and not put back; each was a step */
static struct {
	struct page *page;
	bool from_lru;
} isolated[GD_STEP_LIMIT];
static u32 nr_isolated;

void gd_next_isolations(void)
{
	nr_isolated = 0;
}

bool gd_isolated(void)
{
	return nr_isolated;
}

static u32 find_isolated(const struct page *page)
{
	u32 i;

	for (i = 0; i < nr_isolated && isolated[i].page != page; i++)
		;
	return i;
}

/* It is no longer on the list.  Who isolates a page from the LRU counts it. */
static void forget_isolated(struct page *page)
{
	u32 i = find_isolated(page);

	if (i == nr_isolated)
		return;
	if (isolated[i].from_lru) {
		bool file = !(port_flags(page) & 1ul << PG_swapbacked);

		gd.isolated[file] -= port_nr_isolated(page);
	}
	isolated[i] = isolated[--nr_isolated];
}

/* A page that is not on the LRU is not isolated, whatever the script says. */
bool gd_isolate(struct page *page, bool from_lru)
{
	bool there = !is_zone_device_page(page) &&
		     (!from_lru || port_flags(page) & 1ul << PG_lru);

	gd_call(GD_C_ISOLATE, page);
	if (!gd_answer(GD_HOOK_ISOLATE) || !there || port_is_tail(page) ||
	    find_isolated(page) < nr_isolated)
		return false;
	page->_refcount.counter++;
	*port_flag_word(page) &= ~(1ul << PG_lru);
	isolated[nr_isolated].page = page;
	isolated[nr_isolated++].from_lru = from_lru;
	return true;
}

int gd_isolate_hugetlb(struct page *page, struct list_head *list)
{
	bool ok = gd_isolate(page, false);

	if (ok)
		list_add_tail(&page->lru, list);
	return port_isolated(ok);
}

/* Puts the folios of a list back, or frees them after their migration. */
static void release(struct list_head *list, u8 call)
{
	while (!list_empty(list)) {
		struct page *page = list_first_entry(list, struct page, lru);

		gd_call(call, page);
		page->_refcount.counter--;
		if (call == GD_C_PUTBACK)
			*port_flag_word(page) |= 1ul << PG_lru;
		forget_isolated(page);
		list_del(&page->lru);
	}
}

int gd_migrate(struct list_head *list)
{
	struct gd_rec *rec = gd_ask(GD_A_MIGRATE);
	struct list_head *entry;
	int left;

	list_for_each(entry, list) {
		if (rec->d++ == GD_STEP_LIMIT)
			gd_limit();
	}
	left = gd_answer(GD_HOOK_MIGRATE);
	if (!left)
		release(list, GD_C_MIGRATED);
	return left;
}

#ifdef CONFIG_MIGRATION
void putback_movable_pages(struct list_head *list)
{
	release(list, GD_C_PUTBACK);
}
#endif

/* On success the caller's reference is dropped. */
int gd_migrate_device(struct page *page)
{
	int err;

	gd_call(GD_C_MIGRATE_DEVICE, page);
	err = gd_answer(GD_HOOK_MIGRATE_DEVICE);
	if (!err)
		page->_refcount.counter--;
	return err;
}
