// SPDX-License-Identifier: GPL-2.0
//! The memory map: all pages, pointers to them, and the pages that were touched.
//!
//! Each declared folio has its own slot of 1024 pages.  The slot is chosen by the common
//! properties of all its pages (the template), its order and its index.  So all slots can be
//! built before any program, and a reset costs only what was touched.

use alloc::vec;
use alloc::vec::Vec;

use crate::kernel::Stop;
use crate::page::{Mapping, NO_HEAD, Page, PageState, PinScheme, Zone, flag};

/// Number of folios that a program can declare.
pub const MAX_FOLIOS: u32 = 8;
/// Orders 0 to 10.
pub const NR_ORDERS: u32 = 11;
/// Pages of a slot, as a power of two.
pub const SLOT_SHIFT: u32 = 10;
/// Pages of a slot.
pub const SLOT_PAGES: u32 = 1 << SLOT_SHIFT;
/// Number of [`Template`]s.
pub const NR_TEMPLATES: u32 = 5;
/// Number of slots.
pub const NR_SLOTS: u32 = NR_TEMPLATES * NR_ORDERS * MAX_FOLIOS;
/// Number of pages; the next one faults.
pub const NR_PAGES: u32 = NR_SLOTS << SLOT_SHIFT;

/// Common properties of all pages of a folio, including tails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Template {
    /// Ordinary memory, no page AnonExclusive.
    Normal,
    /// Ordinary memory, every page AnonExclusive.
    NormalExcl,
    /// ZONE_MOVABLE.
    Movable,
    /// ZONE_MOVABLE, every page AnonExclusive.
    MovableExcl,
    /// ZONE_DEVICE.
    Device,
}

impl Template {
    /// The slot of a declared folio.
    pub const fn slot(self, order: u32, index: u32) -> u32 {
        (self as u32 * NR_ORDERS + order) * MAX_FOLIOS + index
    }
}

/// The initial state of a page.  Slots without a declared folio hold a folio of their order
/// with refcount 0; pages after the folio are blank.
pub fn template_page(nr: u32) -> Page {
    SlotTemplate::of(nr >> SLOT_SHIFT).page(nr)
}

/// The initial state of the pages of a slot.
struct SlotTemplate {
    order: u32,
    head: Page,
    tail: Page,
}

impl SlotTemplate {
    fn of(slot: u32) -> Self {
        let order = slot / MAX_FOLIOS % NR_ORDERS;
        let (zone, flags) = match slot / MAX_FOLIOS / NR_ORDERS {
            0 => (Zone::Normal, 0),
            1 => (Zone::Normal, flag::ANON_EXCLUSIVE),
            2 => (Zone::Movable, 0),
            3 => (Zone::Movable, flag::ANON_EXCLUSIVE),
            _ => (Zone::Device, 0),
        };
        let page = Page {
            zone,
            flags,
            ..Page::BLANK
        };
        let head = if order == 0 {
            page
        } else {
            Page {
                flags: flags | flag::HEAD,
                order: order as u8,
                ..page
            }
        };
        let tail = Page {
            head: slot << SLOT_SHIFT,
            mapping: Mapping::Tail,
            ..page
        };
        Self { order, head, tail }
    }

    #[inline]
    fn page(&self, nr: u32) -> Page {
        let offset = nr & (SLOT_PAGES - 1);
        if offset == 0 {
            self.head
        } else if offset >> self.order == 0 {
            self.tail
        } else {
            Page::BLANK
        }
    }
}

/// A `struct page *`: a page of the arena, or an invalid pointer, which faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PagePtr(u32);

impl PagePtr {
    /// The NULL pointer.
    pub const NULL: PagePtr = PagePtr(u32::MAX);
    /// An invalid pointer that is not NULL.
    pub const POISON: PagePtr = PagePtr(u32::MAX - 1);

    /// The page with this number; a number past the arena gives an invalid pointer.
    #[inline]
    pub const fn new(nr: u32) -> PagePtr {
        if nr < NR_PAGES {
            PagePtr(nr)
        } else {
            PagePtr::POISON
        }
    }

    /// Its number, if it points into the arena.
    #[inline]
    pub const fn nr(self) -> Option<u32> {
        if self.0 < NR_PAGES {
            Some(self.0)
        } else {
            None
        }
    }

    /// Is it NULL?
    #[inline]
    pub const fn is_null(self) -> bool {
        self.0 == u32::MAX
    }

    /// `nth_page`: pointer arithmetic; the result faults if it is outside of the arena.
    #[inline]
    pub fn nth(self, n: u64) -> PagePtr {
        match (self.nr(), u32::try_from(n)) {
            (Some(nr), Ok(n)) => nr.checked_add(n).map_or(PagePtr::POISON, PagePtr::new),
            (None, _) => self,
            _ => PagePtr::POISON,
        }
    }
}

/// A `struct folio *`: a pointer to a page that is assumed not to be a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FolioPtr(pub PagePtr);

impl FolioPtr {
    /// `&folio->page`.
    #[inline]
    pub const fn page(self) -> PagePtr {
        self.0
    }
}

/// All pages, and a journal of the changes.
pub struct Pages {
    pages: Vec<Page>,
    /// The number of the running operation, from 1.  Each page stores the number of the
    /// last operation that touched it; 0 if none has.
    now: u8,
    /// The pages that the running operation touched, with their previous state.
    touched: Vec<(u32, Page)>,
    /// The pages that the running program touched, as runs: first page and length.
    dirty: Vec<(u32, u32)>,
    /// How pins are counted.
    pins: PinScheme,
}

impl Default for Pages {
    fn default() -> Self {
        Self::new()
    }
}

impl Pages {
    /// Builds all slots, for kernels.
    pub fn new() -> Self {
        Self::with_pins(PinScheme::Exact)
    }

    /// Builds all slots, with this way of counting pins.
    pub fn with_pins(pins: PinScheme) -> Self {
        let mut pages = vec![Page::BLANK; NR_PAGES as usize];
        for slot in 0..NR_SLOTS {
            let template = SlotTemplate::of(slot);
            let first = slot << SLOT_SHIFT;
            for nr in first..first + (1 << template.order) {
                pages[nr as usize] = template.page(nr);
            }
        }
        Self {
            pages,
            now: 1,
            touched: Vec::with_capacity(2048),
            dirty: Vec::with_capacity(2048),
            pins,
        }
    }

    /// A load through a pointer.
    #[inline]
    pub fn get(&self, page: PagePtr) -> Result<&Page, Stop> {
        self.pages.get(page.0 as usize).ok_or(Stop::Oops)
    }

    /// A store through a pointer; it touches the page.
    #[inline]
    pub fn update(&mut self, page: PagePtr) -> Result<&mut Page, Stop> {
        let slot = self.pages.get_mut(page.0 as usize).ok_or(Stop::Oops)?;
        if slot.touched != self.now {
            self.touched.push((page.0, *slot));
            if slot.touched == 0 {
                self.dirty.push((page.0, 1));
            }
            slot.touched = self.now;
        }
        Ok(slot)
    }

    /// The same for all pages of a folio.
    pub(crate) fn update_folio(&mut self, head: PagePtr, order: u8) -> Result<&mut [Page], Stop> {
        let from = head.nr().ok_or(Stop::Oops)?;
        let to = from + (1 << order);
        debug_assert_eq!(from >> SLOT_SHIFT, (to - 1) >> SLOT_SHIFT);
        let run = &mut self.pages[from as usize..to as usize];
        for (page, nr) in run.iter_mut().zip(from..) {
            if page.touched != self.now {
                self.touched.push((nr, *page));
                page.touched = self.now;
            }
        }
        // a page may be in more than one run
        self.dirty.push((from, to - from));
        Ok(run)
    }

    /// How pins are counted.
    pub fn pins(&self) -> PinScheme {
        self.pins
    }

    /// The observed state of an arena page.
    #[inline]
    pub fn observe(&self, nr: u32) -> PageState {
        self.pages[nr as usize].observe(nr, self.pins)
    }

    /// The head of a page's folio, for code outside of the kernel; invalid pointers are
    /// returned unchanged.
    #[inline]
    pub fn head_of(&self, page: PagePtr) -> PagePtr {
        match self.get(page) {
            Ok(p) if p.is_tail() => PagePtr(p.head),
            _ => page,
        }
    }

    /// Starts a new operation: forgets what the last one touched.
    #[inline]
    pub fn begin_op(&mut self) {
        self.touched.clear();
        if self.now == u8::MAX {
            self.forget_operations();
        }
        self.now += 1;
    }

    /// Restarts the count of operations at 1.
    #[cold]
    fn forget_operations(&mut self) {
        for &(first, nr) in &self.dirty {
            for page in &mut self.pages[first as usize..(first + nr) as usize] {
                page.touched = 1;
            }
        }
        self.now = 1;
    }

    /// The pages that the running operation touched, changed or not, in order
    /// of first touch.
    pub fn touched(&self) -> impl Iterator<Item = u32> + '_ {
        self.touched.iter().map(|&(nr, _)| nr)
    }

    /// The observable differences from the state before the operation, by page number.
    pub fn changes(&mut self) -> impl Iterator<Item = PageState> {
        let mut changes = Vec::new();
        self.for_each_change(|page| changes.push(page));
        changes.into_iter()
    }

    /// Like [`Pages::changes`], without allocating a list.
    #[inline]
    pub fn for_each_change(&mut self, mut tell: impl FnMut(PageState)) {
        if !self.touched.is_sorted_by_key(|&(nr, _)| nr) {
            self.sort_touched();
        }
        for (nr, before) in &self.touched {
            let now = &self.pages[*nr as usize];
            if !now.looks_like(before, self.pins) {
                tell(now.observe(*nr, self.pins));
            }
        }
    }

    /// usually there are long sorted runs
    #[cold]
    fn sort_touched(&mut self) {
        self.touched.sort_by_key(|&(nr, _)| nr);
    }

    /// Restores the initial state of every page.
    pub fn reset(&mut self) {
        self.touched.clear();
        self.now = 1;
        for &(first, nr) in &self.dirty {
            let run = &mut self.pages[first as usize..(first + nr) as usize];
            if let [page] = run {
                *page = template_page(first);
                continue;
            }
            let template = SlotTemplate::of(first >> SLOT_SHIFT);
            for (page, nr) in run.iter_mut().zip(first..) {
                *page = template.page(nr);
            }
        }
        self.dirty.clear();
    }
}

impl Page {
    /// Makes it a tail of `head`.
    pub(crate) fn set_compound_head(&mut self, head: u32) {
        self.head = head;
    }

    /// Makes it a page that is not a tail.
    pub(crate) fn clear_compound_head(&mut self) {
        self.head = NO_HEAD;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_to_nowhere_fault() {
        let pages = Pages::new();
        for ptr in [
            PagePtr::NULL,
            PagePtr::POISON,
            PagePtr::new(NR_PAGES),
            PagePtr::new(NR_PAGES - 1).nth(1),
            PagePtr::new(0).nth(u64::MAX),
        ] {
            assert_eq!(pages.get(ptr), Err(Stop::Oops));
        }
        assert!(pages.get(PagePtr::new(NR_PAGES - 1)).is_ok());
    }

    #[test]
    fn slots_are_built_before_any_program() {
        let pages = Pages::new();
        let head = Template::MovableExcl.slot(9, 7) << SLOT_SHIFT;
        let page = pages.get(PagePtr::new(head)).unwrap();
        assert!(page.is_large() && page.order == 9 && page.zone == Zone::Movable);
        let tail = pages.get(PagePtr::new(head + 511)).unwrap();
        assert!(tail.is_tail() && tail.flags == flag::ANON_EXCLUSIVE);
        assert_eq!(*pages.get(PagePtr::new(head + 512)).unwrap(), Page::BLANK);
    }

    #[test]
    fn only_observable_changes_are_reported_in_order() {
        let mut pages = Pages::new();
        pages.begin_op();
        pages.update(PagePtr::new(9)).unwrap().refcount = 1;
        pages.update(PagePtr::new(3)).unwrap().refcount = 2;
        pages.update(PagePtr::new(5)).unwrap();
        let changed: Vec<_> = pages.changes().map(|s| (s.page, s.refcount)).collect();
        assert_eq!(changed, [(3, 2), (9, 1)]);
        pages.begin_op();
        assert_eq!(pages.changes().count(), 0);
    }

    #[test]
    fn a_reset_restores_what_was_touched() {
        let mut pages = Pages::new();
        let nr = Template::Normal.slot(2, 0) << SLOT_SHIFT;
        for n in 0..8 {
            pages.begin_op();
            *pages.update(PagePtr::new(nr + n)).unwrap() = Page::BLANK;
        }
        pages.reset();
        for n in 0..8 {
            assert_eq!(
                *pages.get(PagePtr::new(nr + n)).unwrap(),
                template_page(nr + n)
            );
        }
    }
}
