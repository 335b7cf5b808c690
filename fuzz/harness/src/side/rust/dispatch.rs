// SPDX-License-Identifier: GPL-2.0
//! Maps operations of the table to Rust functions.

use csrc::abi::{self, gd_op, gd_run};
use gup::cache::Memfd;
use gup::grab::ENOMEM;
use gup::mm::fault_flag;
use gup::series::EFAULT;
use gup::series::follow::DevmapLevel;
use gup::slow::entry::Request;
use gup::slow::memfd::Wanted;
use gup::slow::populate::Span;
use gup::tables::{PAGE_SHIFT, PAGE_SIZE};
use gup::{Buffer, FolioPtr, Foll, Kernel, List, Machine, PagePtr, Stop, Vma, Wrapper};

use super::record::Returned;
use super::world;
use crate::effect::{Effect, Lock};
use crate::ops;
use crate::program::split_page;

/// The first page of a run, or an invalid pointer.
#[inline]
pub fn raw_page(machine: &Machine, run: &gd_run) -> PagePtr {
    let (index, first) = split_page(run.page);
    match index as u32 {
        abi::GD_I_NULL => PagePtr::NULL,
        _ => match machine.folios().get(index) {
            Some(folio) => PagePtr::new(folio.head + first as u32),
            None => PagePtr::POISON,
        },
    }
}

/// The same, fixed up as an operand.
#[inline]
pub fn run_page(machine: &Machine, run: &gd_run) -> PagePtr {
    machine.page_operand(raw_page(machine, run))
}

/// The pages of a list operand; with `heads`, their folios.
fn fill_list(machine: &Machine, op: &gd_op, heads: bool, list: &mut Vec<PagePtr>) {
    list.clear();
    for run in &op.run {
        let first = raw_page(machine, run);
        let pages = (0..run.len).map(|k| machine.page_operand(first.nth(k.into())));
        match heads {
            true => list.extend(pages.map(|page| machine.pages.head_of(page))),
            false => list.extend(pages),
        }
    }
}

/// A count as the kernel's `unsigned long`.
fn ulong(n: i32) -> u64 {
    i64::from(n) as u64
}

/// One operation on a kernel.
pub struct Call<'k, 'm> {
    pub kernel: &'k mut Kernel<'m>,
    pub op: &'k gd_op,
    pub list: &'k mut Vec<PagePtr>,
}

impl Call<'_, '_> {
    fn page(&self) -> PagePtr {
        run_page(self.kernel.machine, &self.op.run[0])
    }

    fn folio(&self) -> FolioPtr {
        self.kernel.machine.folio_operand(self.page())
    }

    fn foll(&self) -> Foll {
        if u32::from(self.op.mods) & abi::GD_MOD_RAW != 0 {
            Foll(self.op.foll)
        } else {
            Foll::from_canonical(self.op.foll, self.kernel.rules)
        }
    }

    /// Fills the list; returns its number of pages, or the number that the operation gives.
    fn fill(&mut self, heads: bool) -> u64 {
        fill_list(self.kernel.machine, self.op, heads, self.list);
        if u32::from(self.op.mods) & abi::GD_MOD_N != 0 {
            ulong(self.op.n)
        } else {
            self.list.len() as u64
        }
    }

    fn dirty(&self) -> bool {
        u32::from(self.op.mods) & abi::GD_MOD_DIRTY != 0
    }

    /// Calls a kernel function.
    pub fn page_level(&mut self) -> Result<Returned, Stop> {
        let void = |()| Returned::Void;
        let found = |folio: Option<FolioPtr>| Returned::Folio(folio.and_then(|f| f.page().nr()));
        let n = self.op.n;
        let (page, folio) = (self.page(), self.folio());
        match u32::from(self.op.op) {
            abi::GD_OP_GET_PAGE => self.kernel.get_page(page).map(void),
            abi::GD_OP_FOLIO_GET => self.kernel.folio_get(folio).map(void),
            abi::GD_OP_TRY_GET_PAGE => self.kernel.try_get_page(page).map(Returned::Bool),
            abi::GD_OP_FOLIO_TRY_GET => self.kernel.folio_try_get(folio).map(Returned::Bool),
            abi::GD_OP_FOLIO_TRY_GET_RCU => {
                self.kernel.folio_try_get_rcu(folio).map(Returned::Bool)
            }
            abi::GD_OP_FOLIO_REF_TRY_ADD => {
                self.kernel.folio_ref_try_add(folio, n).map(Returned::Bool)
            }
            abi::GD_OP_TRY_GET_FOLIO => self.kernel.try_get_folio(page, n).map(found),
            abi::GD_OP_PUT_PAGE => self.kernel.put_page(page).map(void),
            abi::GD_OP_FOLIO_PUT => self.kernel.folio_put(folio).map(void),
            abi::GD_OP_FOLIO_PUT_REFS => self.kernel.folio_put_refs(folio, n).map(void),
            abi::GD_OP_PUT_DEVMAP_MANAGED => self
                .kernel
                .put_devmap_managed_folio_refs(folio, n)
                .map(Returned::Bool),
            abi::GD_OP_PAGE_REF_SUB_RETURN => self
                .kernel
                .page_ref_sub_return(page, n)
                .map(|count| Returned::Int(count.into())),

            abi::GD_OP_GRAB_SLOW => {
                let foll = self.foll();
                self.kernel.grab_slow(page, n, foll).map(Returned::Errno)
            }
            abi::GD_OP_GRAB_FAST => {
                let foll = self.foll();
                self.kernel.try_grab_folio_fast(page, n, foll).map(found)
            }
            abi::GD_OP_FOLIO_ADD_PIN => self.kernel.folio_add_pin(folio).map(void),
            abi::GD_OP_FOLIO_ADD_PINS => self.kernel.folio_add_pins(folio, n).map(Returned::Errno),
            abi::GD_OP_TRY_PIN_COMPOUND_HEAD => {
                self.kernel.try_pin_compound_head(page, n).map(found)
            }
            abi::GD_OP_CLOSE_TO_BIAS_OVERFLOW => self
                .kernel
                .page_ref_zero_or_close_to_bias_overflow(page)
                .map(Returned::Bool),

            abi::GD_OP_GUP_PUT_FOLIO => {
                let foll = self.foll();
                self.kernel.gup_put_folio(folio, n, foll).map(void)
            }
            abi::GD_OP_UNPIN_USER_PAGE => self.kernel.unpin_user_page(page).map(void),
            abi::GD_OP_UNPIN_FOLIO => self.kernel.unpin_folio(folio).map(void),
            abi::GD_OP_UNPIN_USER_FOLIO => self.kernel.unpin_user_folio(folio, ulong(n)).map(void),

            abi::GD_OP_UNPIN_USER_PAGES => {
                let npages = self.fill(false);
                let list = List::new(self.list);
                self.kernel.unpin_user_pages(list, npages).map(void)
            }
            abi::GD_OP_UNPIN_USER_PAGES_DIRTY_LOCK => {
                let (npages, dirty) = (self.fill(false), self.dirty());
                let list = List::new(self.list);
                self.kernel
                    .unpin_user_pages_dirty_lock(list, npages, dirty)
                    .map(void)
            }
            abi::GD_OP_UNPIN_USER_PAGE_RANGE_DIRTY_LOCK => {
                let dirty = self.dirty();
                self.kernel
                    .unpin_user_page_range_dirty_lock(page, ulong(n), dirty)
                    .map(void)
            }
            abi::GD_OP_UNPIN_FAST => {
                let npages = self.fill(false);
                let list = List::new(self.list);
                self.kernel
                    .gup_fast_unpin_user_pages(list, npages)
                    .map(void)
            }
            abi::GD_OP_UNPIN_FOLIOS => {
                let npages = self.fill(true);
                let list = List::new(self.list);
                self.kernel.unpin_folios(list, npages).map(void)
            }
            abi::GD_OP_SANITY_CHECK => {
                let npages = self.fill(false);
                let list = List::new(self.list);
                self.kernel
                    .sanity_check_pinned_pages(list, npages)
                    .map(void)
            }

            abi::GD_OP_GUP_MUST_UNSHARE => {
                let vma = Vma::from_index(self.op.arg.into());
                let foll = self.foll();
                self.kernel
                    .gup_must_unshare(vma, foll, page)
                    .map(Returned::Bool)
            }
            abi::GD_OP_PAGE_MAYBE_DMA_PINNED => {
                self.kernel.page_maybe_dma_pinned(page).map(Returned::Bool)
            }
            abi::GD_OP_FOLIO_MAYBE_DMA_PINNED => self
                .kernel
                .folio_maybe_dma_pinned(folio)
                .map(Returned::Bool),
            abi::GD_OP_NEEDS_COW_FOR_DMA => self.kernel.needs_cow_for_dma(page).map(Returned::Bool),
            abi::GD_OP_IS_LONGTERM_PINNABLE_PAGE => self
                .kernel
                .is_longterm_pinnable_page(page)
                .map(Returned::Bool),
            abi::GD_OP_FOLIO_IS_LONGTERM_PINNABLE => self
                .kernel
                .folio_is_longterm_pinnable(folio)
                .map(Returned::Bool),
            abi::GD_OP_IS_SECRETMEM => self.kernel.is_secretmem(page).map(Returned::Bool),
            abi::GD_OP_IS_PCI_P2PDMA_PAGE => {
                self.kernel.is_pci_p2pdma_page(page).map(Returned::Bool)
            }
            abi::GD_OP_GUP_FAST_FOLIO_ALLOWED => {
                let foll = self.foll();
                self.kernel
                    .gup_fast_folio_allowed(folio, foll)
                    .map(Returned::Bool)
            }
            abi::GD_OP_MM_SET_HAS_PINNED_FLAG => {
                self.kernel.mm_set_has_pinned_flag(world::mm(self.op));
                Ok(Returned::Void)
            }
            id => self.series_call_site(id),
        }
    }

    /// Calls a call site of the FOLL_PIN series.
    fn series_call_site(&mut self, id: u32) -> Result<Returned, Stop> {
        let one = |more| Returned::Int(i64::from(more));
        let (page, foll) = (self.page(), self.foll());
        let (n, arg) = (self.op.n, u32::from(self.op.arg));
        let odd = arg & 1 != 0;
        let kernel = &mut *self.kernel;
        match id {
            abi::GD_OP_FOLLOW_PAGE_PTE => {
                kernel.follow_page_pte(page, foll, odd).map(Returned::Page)
            }
            abi::GD_OP_FOLLOW_PAGE_MASK => Ok(Returned::Page(kernel.follow_page_mask(page, foll))),
            abi::GD_OP_FOLLOW_DEVMAP_PMD => kernel
                .follow_devmap(DevmapLevel::Pmd, page, foll)
                .map(Returned::Page),
            abi::GD_OP_FOLLOW_DEVMAP_PUD => kernel
                .follow_devmap(DevmapLevel::Pud, page, foll)
                .map(Returned::Page),
            abi::GD_OP_FOLLOW_TRANS_HUGE_PMD => kernel
                .follow_trans_huge_pmd(page, foll, odd)
                .map(Returned::Page),
            abi::GD_OP_FOLLOW_HUGETLB_PAGE => {
                kernel.follow_hugetlb_page(page, n, foll).map(Returned::Int)
            }
            abi::GD_OP_FOLLOW_HUGE_PMD => kernel.follow_huge_pmd(page, foll).map(Returned::Page),
            abi::GD_OP_FOLLOW_HUGE_PUD | abi::GD_OP_FOLLOW_HUGE_PGD => {
                Ok(Returned::Page(kernel.follow_huge_without_grab(page, foll)))
            }

            abi::GD_OP_GUP_PTE_RANGE => kernel.gup_pte_range(page, foll, odd).map(one),
            abi::GD_OP_GUP_HUGEPTE
            | abi::GD_OP_GUP_HUGE_PMD
            | abi::GD_OP_GUP_HUGE_PUD
            | abi::GD_OP_GUP_HUGE_PGD => kernel.gup_huge(page, n, foll, odd).map(one),
            abi::GD_OP_GUP_DEVICE_HUGE => kernel.gup_device_huge(page, n, foll, arg).map(one),

            id => {
                let wrapper = match id {
                    abi::GD_OP_CHECK_PIN_USER_PAGES => Wrapper::PinUserPages,
                    abi::GD_OP_CHECK_PIN_USER_PAGES_REMOTE => {
                        Wrapper::PinUserPagesRemote { locked: odd }
                    }
                    abi::GD_OP_CHECK_PIN_USER_PAGES_FAST => Wrapper::PinUserPagesFast,
                    abi::GD_OP_CHECK_GET_USER_PAGES => Wrapper::GetUserPages,
                    abi::GD_OP_CHECK_GET_USER_PAGES_REMOTE => Wrapper::GetUserPagesRemote,
                    abi::GD_OP_CHECK_GET_USER_PAGES_LOCKED => Wrapper::GetUserPagesLocked,
                    abi::GD_OP_CHECK_GET_USER_PAGES_UNLOCKED => Wrapper::GetUserPagesUnlocked,
                    abi::GD_OP_CHECK_GET_USER_PAGES_FAST => Wrapper::GetUserPagesFast,
                    id => unreachable!("operation {id:#x} of the table has no Rust function"),
                };
                Ok(Returned::Int(match kernel.check_flags(wrapper, foll) {
                    Ok(flags) => flags.0.into(),
                    Err(errno) => errno.into(),
                }))
            }
        }
    }

    /// The argument `pages`.
    fn buffer(&self) -> Buffer {
        if u32::from(self.op.mods) & abi::GD_MOD_NULL != 0 {
            Buffer::Null
        } else {
            Buffer::List
        }
    }

    /// Calls an entry point of the slow path.  `locked`: what `*locked` is, if the
    /// operation passes it.
    pub fn slow(&mut self, locked: &mut Option<bool>) -> Result<Returned, Stop> {
        let mm = world::mm(self.op);
        let request = Request {
            mm,
            start: self.op.addr,
            nr_pages: ulong(self.op.n),
            flags: self.foll(),
            pages: self.buffer(),
        };
        let effect = ops::info(self.op.op).map(|info| info.effect);
        let passes = matches!(effect, Some(Effect::Walks { .. }));
        *locked = match self.op.arg % 3 {
            value @ 1.. if passes => Some(value == 1),
            _ => None,
        };
        let kernel = &mut *self.kernel;
        let held = effect.is_some_and(|effect| effect.lock() == Lock::Held);
        *kernel.machine.held.mmap_lock_of(mm) = held;
        match u32::from(self.op.op) {
            abi::GD_OP_GET_USER_PAGES => kernel.get_user_pages(request),
            abi::GD_OP_PIN_USER_PAGES => kernel.pin_user_pages(request),
            abi::GD_OP_GET_USER_PAGES_REMOTE => {
                kernel.get_user_pages_remote(request, locked.as_mut())
            }
            abi::GD_OP_PIN_USER_PAGES_REMOTE => {
                kernel.pin_user_pages_remote(request, locked.as_mut())
            }
            abi::GD_OP_GET_USER_PAGES_LOCKED => {
                kernel.get_user_pages_locked(request, locked.as_mut())
            }
            abi::GD_OP_PIN_USER_PAGES_LOCKED => {
                kernel.pin_user_pages_locked(request, locked.as_mut())
            }
            abi::GD_OP_GET_USER_PAGES_UNLOCKED => kernel.get_user_pages_unlocked(request),
            abi::GD_OP_PIN_USER_PAGES_UNLOCKED => kernel.pin_user_pages_unlocked(request),
            _ => return self.faults(request, locked),
        }
        .map(Returned::Int)
    }

    /// Calls what faults pages in, or only looks, and gives none, or one.
    fn faults(&mut self, request: Request, locked: &mut Option<bool>) -> Result<Returned, Stop> {
        let (mm, start, arg) = (request.mm, request.start, self.op.arg % 3);
        let end = start.wrapping_add(request.nr_pages << PAGE_SHIFT);
        let kernel = &mut *self.kernel;
        let flags = request.flags.to_canonical(kernel.rules);
        let asks = |flag: u32| flags & 1 << flag != 0;
        let write = asks(abi::GD_FOLL_WRITE);
        let size = ulong(self.op.val);
        let bytes = |left: u64| Returned::Int(left as i64);
        match u32::from(self.op.op) {
            abi::GD_OP_FIXUP_USER_FAULT => {
                let remote = if asks(abi::GD_FOLL_REMOTE) {
                    fault_flag::REMOTE
                } else {
                    0
                };
                let flags = if write { fault_flag::WRITE } else { 0 } | remote;
                let mut unlocked = arg == 2;
                let said = (arg != 0).then_some(&mut unlocked);
                let errno = kernel.fixup_user_fault(mm, start, flags, said)?;
                *locked = (arg != 0).then_some(!unlocked);
                Ok(Returned::Errno(errno))
            }
            abi::GD_OP_POPULATE_VMA_PAGE_RANGE => {
                let Some(vma) = kernel.machine.vmas.lookup(mm, start) else {
                    return Ok(Returned::Int(i64::from(-ENOMEM)));
                };
                *locked = (arg != 0).then_some(arg == 1);
                let nr = kernel.populate_vma_page_range(vma, start, end, locked.as_mut())?;
                Ok(Returned::Int(nr))
            }
            abi::GD_OP_FAULTIN_PAGE_RANGE => {
                let span = Span { start, end };
                let nr = kernel.faultin_page_range(mm, span, write, locked.insert(true))?;
                Ok(Returned::Int(nr))
            }
            abi::GD_OP_GET_DUMP_PAGE => {
                let by_caller = kernel.rules.slow.dumps_under_lock;
                kernel.machine.held.mmap_lock = by_caller;
                let mut held = by_caller;
                let page = kernel.get_dump_page(start, &mut held)?;
                *locked = by_caller.then_some(held);
                Ok(Returned::Page(Ok(page)))
            }
            abi::GD_OP_FOLLOW_PAGE => {
                let Some(vma) = kernel.machine.vmas.lookup(mm, start) else {
                    return Ok(Returned::Page(Err(-EFAULT)));
                };
                let page = kernel.follow_page(vma, start, request.flags)?;
                Ok(Returned::Page(page))
            }
            abi::GD_OP_MM_POPULATE => {
                let len = request.nr_pages << PAGE_SHIFT;
                let ignores = self.op.arg & 1 != 0;
                // callers see to it
                let start = start & !(PAGE_SIZE - 1);
                kernel
                    .__mm_populate(start, len, ignores)
                    .map(Returned::Errno)
            }
            abi::GD_OP_FAULT_IN_READABLE => kernel.fault_in_readable(start, size).map(bytes),
            abi::GD_OP_FAULT_IN_WRITEABLE | abi::GD_OP_FAULT_IN_SUBPAGE_WRITEABLE => {
                kernel.fault_in_writeable(start, size).map(bytes)
            }
            abi::GD_OP_FAULT_IN_SAFE_WRITEABLE => {
                kernel.fault_in_safe_writeable(start, size).map(bytes)
            }
            abi::GD_OP_MEMFD_PIN_FOLIOS => {
                let wanted = Wanted {
                    memfd: Memfd::from_index(self.op.arg.into()),
                    start,
                    end: end.wrapping_sub(1),
                    max_folios: self.op.val as u32,
                };
                let mut offset = None;
                let nr = kernel.memfd_pin_folios(wanted, &mut offset)?;
                if let Some(offset) = offset {
                    kernel.show_offset(offset)?;
                }
                Ok(Returned::Int(nr))
            }
            id => unreachable!("entry point {id:#x} of the table has no Rust function"),
        }
    }

    /// Calls an entry point of the lockless walk.
    pub fn lockless(&mut self) -> Result<Returned, Stop> {
        let (op, foll) = (self.op, self.foll());
        let (start, nr_pages) = (op.addr, op.n);
        let pages = self.buffer();
        let kernel = &mut *self.kernel;
        match u32::from(op.op) {
            abi::GD_OP_GET_USER_PAGES_FAST => {
                kernel.get_user_pages_fast(start, nr_pages, foll, pages)
            }
            abi::GD_OP_GET_USER_PAGES_FAST_ONLY => {
                kernel.get_user_pages_fast_only(start, nr_pages, foll, pages)
            }
            abi::GD_OP_PIN_USER_PAGES_FAST => {
                kernel.pin_user_pages_fast(start, nr_pages, foll, pages)
            }
            abi::GD_OP_PIN_USER_PAGES_FAST_ONLY => {
                kernel.pin_user_pages_fast_only(start, nr_pages, foll, pages)
            }
            id => unreachable!("entry point {id:#x} of the table has no Rust function"),
        }
        .map(|result| Returned::Int(result.into()))
    }
}
