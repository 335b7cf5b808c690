// SPDX-License-Identifier: GPL-2.0
//! The world of a program: its initial state, and raw changes between operations.
//!
//! Nothing here is a kernel function.  Changes are plain stores of what the program
//! declares; for example, the counts after a split are data, not computed.  A change with
//! an invalid pointer does nothing.  Operands are used unchanged: pass them through
//! [`Machine::page_operand`] first.

use crate::machine::{Machine, MigrateType};
use crate::page::{Mapping, PageType, Pgmap, Zone, flag};
use crate::pages::{MAX_FOLIOS, NR_ORDERS, PagePtr, SLOT_SHIFT, Template};

/// All later pages are ZONE_DEVICE memory.
const FIRST_DEVICE_PAGE: u32 = Template::Device.slot(0, 0) << SLOT_SHIFT;

/// The kind of a declared folio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Ordinary memory: small, or like a THP.
    #[default]
    Normal,
    /// hugetlbfs; an ordinary page if it is small.
    Hugetlb,
    /// The zero page, if it is the first one; always small.
    Zero,
    /// The huge zero folio; always of order 9.
    HugeZero,
    /// A slab folio.
    Slab,
    /// ZONE_DEVICE, not addressable.
    DevPrivate,
    /// ZONE_DEVICE, coherent.
    DevCoherent,
    /// ZONE_DEVICE, a dax file system.
    DevFsdax,
    /// ZONE_DEVICE, generic.
    DevGeneric,
    /// ZONE_DEVICE, PCI peer-to-peer.
    DevP2pdma,
}

impl Kind {
    /// Number of kinds.
    pub const NR: u32 = 10;

    /// The kind with this number; larger numbers give the last kind.
    pub const fn from_index(index: u32) -> Kind {
        match index {
            0 => Kind::Normal,
            1 => Kind::Hugetlb,
            2 => Kind::Zero,
            3 => Kind::HugeZero,
            4 => Kind::Slab,
            5 => Kind::DevPrivate,
            6 => Kind::DevCoherent,
            7 => Kind::DevFsdax,
            8 => Kind::DevGeneric,
            _ => Kind::DevP2pdma,
        }
    }

    const fn pgmap(self) -> Pgmap {
        match self {
            Kind::DevPrivate => Pgmap::Private,
            Kind::DevCoherent => Pgmap::Coherent,
            Kind::DevFsdax => Pgmap::FsDax,
            Kind::DevGeneric => Pgmap::Generic,
            Kind::DevP2pdma => Pgmap::P2pdma,
            _ => Pgmap::None,
        }
    }

    const fn page_type(self) -> PageType {
        match self {
            Kind::Hugetlb => PageType::Hugetlb,
            Kind::Slab => PageType::Slab,
            _ => PageType::Plain,
        }
    }

    /// Is it ZONE_DEVICE memory?
    pub const fn is_device(self) -> bool {
        !matches!(self.pgmap(), Pgmap::None)
    }
}

/// A folio as a program declares it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FolioDecl {
    /// 0 to 10.
    pub order: u8,
    /// Its kind.
    pub kind: Kind,
    /// Its mapping field.
    pub mapping: Mapping,
    /// In ZONE_MOVABLE; not for ZONE_DEVICE.
    pub movable: bool,
    /// The migrate type of its pageblocks.
    pub migratetype: MigrateType,
    /// Every page is AnonExclusive; not for ZONE_DEVICE.
    pub exclusive: bool,
    /// Of the head; HEAD and ANON_EXCLUSIVE are ignored.
    pub flags: u32,
    /// Of the head.
    pub refcount: i32,
    /// Large folios only.
    pub pincount: i32,
}

/// The other state as a program declares it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorldDecl {
    /// [`state`](crate::machine::state) bits.
    pub state: u8,
    /// write_protect_seq.
    pub seq: u32,
    /// PKRU.
    pub pkru: u32,
}

/// The place of a declared folio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Page number of the head.
    pub head: u32,
    /// As declared, after the fix-ups.
    pub order: u8,
    /// As declared, after the fix-ups.
    pub kind: Kind,
}

impl Placed {
    pub(crate) const NONE: Placed = Placed {
        head: 0,
        order: 0,
        kind: Kind::Normal,
    };
}

impl FolioDecl {
    /// Place and properties of a folio that is declared as number `index`.
    pub fn place(&self, index: u32) -> Placed {
        let mut kind = self.kind;
        let mut order = u32::from(self.order).min(NR_ORDERS - 1);
        match kind {
            Kind::Zero => order = 0,
            Kind::HugeZero => order = 9,
            Kind::Hugetlb if order == 0 => kind = Kind::Normal,
            _ => {}
        }
        let template = if kind.is_device() {
            Template::Device
        } else {
            match (self.movable, self.exclusive) {
                (false, false) => Template::Normal,
                (false, true) => Template::NormalExcl,
                (true, false) => Template::Movable,
                (true, true) => Template::MovableExcl,
            }
        };
        Placed {
            head: template.slot(order, index % MAX_FOLIOS) << SLOT_SHIFT,
            order: order as u8,
            kind,
        }
    }
}

impl Machine {
    /// Resets everything and sets up a new world.  Folios beyond [`MAX_FOLIOS`] are
    /// ignored.
    pub fn set_up(&mut self, world: &WorldDecl, folios: &[FolioDecl]) {
        self.reset();
        self.set_state_bits(world.state);
        self.write_protect_seq = world.seq;
        self.pkru = world.pkru;
        for (i, decl) in folios.iter().take(MAX_FOLIOS as usize).enumerate() {
            let placed = decl.place(i as u32);
            self.folios[i] = placed;
            self.nr_folios = i + 1;
            let head = PagePtr::new(placed.head);
            if placed.kind == Kind::Zero && self.zero_page.nr().is_none() {
                self.zero_page = head;
            }
            if placed.kind == Kind::HugeZero && self.huge_zero_page.nr().is_none() {
                self.huge_zero_page = head;
            }
            self.set_slot_migratetype(placed.head >> SLOT_SHIFT, decl.migratetype);
            let Ok(page) = self.pages.update(head) else {
                continue;
            };
            page.flags |= decl.flags & flag::ALL & !(flag::HEAD | flag::ANON_EXCLUSIVE);
            page.refcount = decl.refcount;
            page.pincount = if placed.order > 0 { decl.pincount } else { 0 };
            page.mapping = self.parts.mapping(decl.mapping);
            page.page_type = placed.kind.page_type();
            page.pgmap = placed.kind.pgmap();
        }
        self.begin_op();
    }

    /// Fixes up a page operand: tails of ZONE_DEVICE folios have no pagemap, so they are
    /// replaced by the head.
    #[inline]
    pub fn page_operand(&self, page: PagePtr) -> PagePtr {
        if page.nr().is_none_or(|nr| nr < FIRST_DEVICE_PAGE) {
            return page;
        }
        match self.pages.get(page) {
            Ok(p) if p.zone == Zone::Device => self.pages.head_of(page),
            _ => page,
        }
    }

    /// Fixes up a folio operand: the head of a page's folio; an invalid pointer is returned
    /// unchanged.
    #[inline]
    pub fn folio_operand(&self, page: PagePtr) -> crate::FolioPtr {
        crate::FolioPtr(self.pages.head_of(page))
    }

    /// Sets the refcount field of a page.
    pub fn set_ref(&mut self, page: PagePtr, value: i32) {
        if let Ok(page) = self.pages.update(page) {
            page.refcount = value;
        }
    }

    /// Sets the pin count field of a page's folio, if it is large.
    pub fn set_pin(&mut self, page: PagePtr, value: i32) {
        if let Ok(head) = self.pages.update(self.pages.head_of(page))
            && head.is_large()
        {
            head.pincount = value;
        }
    }

    /// Sets or clears page flag number `bit`, modulo what exists; but not HEAD, and on
    /// tails only flags that tails have.
    pub fn set_flag(&mut self, page: PagePtr, bit: u32, on: bool) {
        let mut mask = 1 << (bit % flag::NR) & !flag::HEAD;
        if let Ok(page) = self.pages.update(page) {
            if page.is_tail() {
                mask &= !flag::NOT_ON_TAILS;
            }
            if on {
                page.flags |= mask;
            } else {
                page.flags &= !mask;
            }
        }
    }

    /// Sets the mapping field of a page's folio.
    pub fn set_mapping(&mut self, page: PagePtr, mapping: Mapping) {
        let mapping = self.parts.mapping(mapping);
        if let Ok(head) = self.pages.update(self.pages.head_of(page)) {
            head.mapping = mapping;
        }
    }

    /// Splits a page's folio into folios of a smaller order.  The first has refcount
    /// `first`, the others `others`; they have no pins and are not hugetlb or slab.
    /// ZONE_DEVICE folios are not split.
    ///
    /// A folio on a list has the list's links in the word in which tails link to their
    /// head: so no order changes while any folio is isolated, here and below.
    pub fn split(&mut self, page: PagePtr, order: u32, first: i32, others: i32) {
        if self.held.isolated != 0 {
            return;
        }
        let head_ptr = self.pages.head_of(page);
        let (Some(nr), Ok(&head)) = (head_ptr.nr(), self.pages.get(head_ptr)) else {
            return;
        };
        if !head.is_large() || order >= u32::from(head.order) || head.zone == Zone::Device {
            return;
        }
        let Ok(pages) = self.pages.update_folio(head_ptr, head.order) else {
            return;
        };
        let piece = 1 << order;
        for (pages, first_nr) in pages.chunks_exact_mut(piece).zip((nr..).step_by(piece)) {
            let [new_head, tails @ ..] = pages else {
                continue;
            };
            let is_first = first_nr == nr;
            new_head.refcount = if is_first { first } else { others };
            new_head.pincount = 0;
            new_head.clear_compound_head();
            new_head.order = order as u8;
            new_head.flags &= !if is_first {
                flag::HEAD
            } else {
                flag::NOT_ON_TAILS
            };
            if order > 0 {
                new_head.flags |= flag::HEAD;
            }
            new_head.mapping = head.mapping;
            new_head.page_type = PageType::Plain;
            for page in tails {
                page.refcount = 0;
                page.flags &= !flag::NOT_ON_TAILS;
                page.set_compound_head(first_nr);
            }
        }
    }

    /// Restores the declared folio of that index to one folio, if it was split; it does not
    /// become hugetlb or slab again.
    pub fn merge(&mut self, index: usize, refcount: i32, pincount: i32) {
        if self.held.isolated != 0 {
            return;
        }
        let Some(&placed) = self.folios().get(index) else {
            return;
        };
        let Ok(&head) = self.pages.get(PagePtr::new(placed.head)) else {
            return;
        };
        if placed.order == 0 || head.is_large() && head.order == placed.order {
            return;
        }
        let head = PagePtr::new(placed.head);
        let Ok([head, tails @ ..]) = self.pages.update_folio(head, placed.order) else {
            return;
        };
        head.refcount = refcount;
        head.pincount = pincount;
        head.order = placed.order;
        head.flags |= flag::HEAD;
        head.clear_compound_head();
        for page in tails {
            page.refcount = 0;
            page.pincount = 0;
            page.order = 0;
            page.flags &= !flag::NOT_ON_TAILS;
            page.set_compound_head(placed.head);
            page.mapping = Mapping::Tail;
        }
    }

    /// Frees and reallocates a page's folio: no pins, no flags.
    pub fn reuse(&mut self, page: PagePtr, refcount: i32, mapping: Mapping) {
        let mapping = self.parts.mapping(mapping);
        if let Ok(head) = self.pages.update(self.pages.head_of(page)) {
            head.refcount = refcount;
            head.pincount = 0;
            head.flags &= flag::HEAD;
            head.mapping = mapping;
        }
    }

    /// Makes a page a tail of the folio of another page.  Its other fields stay.  The head
    /// of that folio cannot become its own tail, and ZONE_DEVICE pages use the link's word
    /// for something else.
    pub fn set_tail(&mut self, page: PagePtr, of: PagePtr) {
        if self.held.isolated != 0 {
            return;
        }
        let device = |p: PagePtr| self.pages.get(p).is_ok_and(|p| p.zone == Zone::Device);
        let head = self.pages.head_of(of);
        let Some(nr) = head.nr() else {
            return;
        };
        if !self.parts.far_tails || page == head || device(page) || device(head) {
            return;
        }
        if let Ok(page) = self.pages.update(page) {
            page.set_compound_head(nr);
        }
    }

    /// Sets the migrate type of the pageblocks of a page's slot.
    pub fn set_pageblock(&mut self, page: PagePtr, to: MigrateType) {
        if let Some(nr) = page.nr() {
            self.set_slot_migratetype(nr >> SLOT_SHIFT, to);
        }
    }
}
