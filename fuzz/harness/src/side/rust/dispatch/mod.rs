// SPDX-License-Identifier: GPL-2.0
//! Maps operations of the table to Rust functions.

mod page;
mod series;
mod slow;

use csrc::abi::{self, gd_op, gd_run};
use gup::{Buffer, FolioPtr, Foll, Kernel, Machine, PagePtr, Stop};

use super::record::Returned;
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

    /// The argument `pages`.
    fn buffer(&self) -> Buffer {
        if u32::from(self.op.mods) & abi::GD_MOD_NULL != 0 {
            Buffer::Null
        } else {
            Buffer::List
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
