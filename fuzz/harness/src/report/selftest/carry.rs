// SPDX-License-Identifier: GPL-2.0
//! What of a program's mappings a process can set up for one of its calls.
//!
//! The VMAs, entries and pages that the call looks at become mappings that are touched,
//! shared by fork or protected, so that they are as in the program, or as near as a process
//! comes.  What differs is noted; whether it matters is found out by running the result.

use csrc::abi::{self, gd_act, gd_op};

use super::memory::{Area, Backing, Frame, Memory};
use super::stage::{Stage, Touch};
use crate::program::Program;
use crate::program::text::{self, words::VMA_KINDS};
use crate::program::walk::{self, PAGE_SIZE, TASK_SIZE_MAX};
use crate::report::c::Unsayable;
use crate::report::show::Names;
use crate::rev::Rev;
use crate::trace::{Record, Trace};
use crate::world::entry::{Entry, Kind as Maps};
use crate::world::layout::Layout;
use crate::world::pkey;
use crate::world::tables::Tables;
use crate::world::vmas::{Vma, Vmas};

/// Pages of a range, at most: a fault can copy each of them, and there are twice as many
/// folios in a program.
const MAX_PAGES: usize = 4;

struct Builder<'a> {
    program: &'a Program,
    names: Names,
    rev: Rev,
    index: usize,
    vmas: Vmas,
    tables: Tables,
    out: Stage,
}

/// Carries over what an operation looks at; `before` is a trace of the program.
///
/// # Errors
///
/// What cannot be set up, and has nothing near to it.
pub(super) fn carry_over(
    program: &Program,
    index: usize,
    before: &Trace,
    rev: Rev,
) -> Result<Stage, Unsayable> {
    let op = program.ops()[index];
    let layout = Layout::new(&program.0);
    let (mut vmas, mut tables) = (Vmas::default(), Tables::default());
    let acts = program.acts();
    for (op, records) in program.ops()[..index].iter().zip(before.ops()) {
        let done = records.iter().filter_map(|rec| match Record::from(rec) {
            Record::Act(act) => acts.get(usize::from(act)).map(|act| &act.op),
            _ => None,
        });
        for op in done.chain([op]) {
            vmas.set(op);
            tables.apply(op, &layout);
        }
    }
    tables.look_at(op.mm);
    let mut builder = Builder {
        program,
        names: Names::new(program),
        rev,
        index,
        vmas: vmas.of(op.mm),
        tables,
        out: Stage {
            base: 0,
            memory: Memory::default(),
            touches: Vec::new(),
            notes: Vec::new(),
        },
    };
    builder.range(&op)?;
    Ok(builder.out)
}

impl Builder<'_> {
    fn note(&mut self, note: String) {
        if !self.out.notes.contains(&note) {
            self.out.notes.push(note);
        }
    }

    fn range(&mut self, op: &gd_op) -> Result<(), Unsayable> {
        let n = match op.n {
            n @ 1.. => n as usize,
            _ => return Err(Unsayable::Other("the call is for no pages")),
        };
        let nr = n.min(MAX_PAGES);
        if nr < n {
            self.note(format!("of the {n} pages of the call, the first {nr}"));
        }
        let start = op.addr & !(PAGE_SIZE - 1);
        if op.addr != start {
            self.note(format!("the address, {:#x}, is rounded down", op.addr));
        }
        if start >= TASK_SIZE_MAX - (nr as u64 * PAGE_SIZE) {
            return Err(Unsayable::Other("its addresses are not all of user space"));
        }
        self.out.base = start;
        if !(0x1000_0000..0x4000_0000_0000).contains(&start) {
            // where nothing else is, at the same place in its page tables but the highest
            self.out.base = 0x1000_0000_0000 + (start & 0x7f_ffff_ffff);
            self.note(format!(
                "the range starts at {:#x}, not at {start:#x}",
                self.out.base
            ));
        }
        for at in 0..nr {
            let address = start + at as u64 * PAGE_SIZE;
            let vma = self.vmas.at(address).copied();
            self.area(at, vma.as_ref())?;
            let touch = match vma {
                None => Touch::Never,
                Some(vma) => self.page(at, address, &vma)?,
            };
            self.out.touches.push(touch);
            self.out.settle(at, touch)?;
        }
        self.ends_of_files();
        self.left_out();
        Ok(())
    }

    /// Notes the lines of the program that say nothing of mappings.
    fn left_out(&mut self) {
        let (names, rev) = (self.names.folios().to_vec(), self.rev);
        let program = self.program;
        for op in &program.ops()[..self.index] {
            if !walk::is_vma(op.op) && walk::set_level(op.op).is_none() {
                let line = text::format_op(op, rev, &names);
                self.note(format!("`{line}` is left out"));
            }
        }
        let (faults, others): (Vec<&gd_act>, Vec<&gd_act>) = (program.acts_of(self.index).iter())
            .partition(|act| u32::from(act.hook) == abi::GD_HOOK_FAULT);
        for act in others {
            let line = text::format_act(act, rev, &names);
            self.note(format!(
                "`{}` is left out",
                line.trim_start_matches(['|', ' '])
            ));
        }
        if !faults.is_empty() {
            self.note("a fault does what it does on such a mapping".into());
        }
    }

    /// Adds a page to the area before it, or starts one.
    fn area(&mut self, at: usize, vma: Option<&Vma>) -> Result<(), Unsayable> {
        self.out.memory.frames.push(Frame::default());
        let Some(vma) = vma else {
            return Ok(());
        };
        let area = self.describe(at, vma)?;
        match self.out.memory.areas.last_mut() {
            Some(last) if last.first + last.nr == at && same_but_place(last, &area) => last.nr += 1,
            _ => self.out.memory.areas.push(area),
        }
        Ok(())
    }

    fn describe(&mut self, at: usize, vma: &Vma) -> Result<Area, Unsayable> {
        let kind = VMA_KINDS[usize::from(vma.kind)];
        let shared = vma.has(abi::GD_VM_SHARED);
        let backing = match u32::from(vma.kind) {
            abi::GD_V_ANON if shared => return Err(Unsayable::Vma("shared anon")),
            abi::GD_V_ANON => Backing::Anon,
            abi::GD_V_FILE | abi::GD_V_SHMEM | abi::GD_V_SECRETMEM => Backing::File {
                kind: vma.kind,
                shared: shared || vma.is(abi::GD_V_SECRETMEM),
                end: usize::MAX,
            },
            _ => return Err(Unsayable::Vma(kind)),
        };
        for (flag, name) in [
            (abi::GD_VM_PFNMAP, "pfnmap"),
            (abi::GD_VM_IO, "io"),
            (abi::GD_VM_MIXEDMAP, "mixedmap"),
            (abi::GD_VM_UFFD_WP, "uffd_wp"),
            (abi::GD_VM_SHADOW_STACK, "shadow_stack"),
            (abi::GD_VM_GROWSDOWN, "growsdown"),
        ] {
            if vma.has(flag) {
                self.note(format!("the VMA is not {name}"));
            }
        }
        if pkey::key(vma.flags as u32, pkey::OF_VMA) != 0 {
            self.note("the VMA has protection key 0".into());
        }
        for (flag, name) in [
            (abi::GD_VM_MAYREAD, "made readable"),
            (abi::GD_VM_MAYWRITE, "made writable"),
        ] {
            let must = flag == abi::GD_VM_MAYREAD
                || vma.is(abi::GD_V_SECRETMEM)
                || !matches!(backing, Backing::File { shared: true, .. });
            if must && !vma.has(flag) {
                self.note(format!("the VMA could be {name}"));
            }
        }
        let write = vma.has(abi::GD_VM_WRITE);
        Ok(Area {
            first: at,
            nr: 1,
            read: vma.has(abi::GD_VM_READ),
            write,
            exec: vma.has(abi::GD_VM_EXEC),
            // a file of secretmem cannot be opened again, to be read only
            may_write: write
                || vma.has(abi::GD_VM_MAYWRITE)
                || vma.is(abi::GD_V_SECRETMEM)
                || !matches!(backing, Backing::File { shared: true, .. }),
            on_fault: vma.has(abi::GD_VM_LOCKONFAULT),
            locked: vma.has(abi::GD_VM_LOCKED),
            backing,
        })
    }

    /// How the page at an address is brought about.
    fn page(&mut self, at: usize, address: u64, vma: &Vma) -> Result<Touch, Unsayable> {
        let leaf = self.tables.walk(address);
        let entry = leaf.entry;
        let Some(page) = leaf.page(address) else {
            return match entry.kind {
                Maps::None | Maps::Table(_) => Ok(Touch::Never),
                Maps::Page(_) | Maps::Swap | Maps::Migration(_) => Err(Unsayable::Entry),
            };
        };
        let Some((index, offset)) = self.names.layout().find(page) else {
            return Err(Unsayable::Entry);
        };
        let folio = self.program.folios()[index];
        let name = self.names.page(page);
        if crate::world::folio::is_device(folio.kind) {
            return Err(Unsayable::Page(name));
        }
        self.note_entry(at, entry, vma);
        if folio.order > 0 || offset > 0 || leaf.level != walk::Level::Pte {
            self.note(format!("{name} is a small page"));
        }
        if folio.movable != 0 {
            self.note(format!(
                "{name} is where the kernel puts it, not in ZONE_MOVABLE"
            ));
        }
        let anon = u32::from(folio.mapping) == abi::GD_M_ANON;
        let private = !vma.has(abi::GD_VM_SHARED) && !vma.is(abi::GD_V_SECRETMEM);
        let zero = crate::world::folio::is_any_zero(folio.kind);
        let writable = entry.has(abi::GD_EF_RW);
        Ok(match (private, anon, zero) {
            (true, _, true) if vma.is(abi::GD_V_ANON) => Touch::Read,
            (true, true, _) if folio.exclusive != 0 || writable => Touch::Write,
            (true, true, _) if folio.ref_ > 1 => Touch::Share,
            (true, true, _) => Touch::WasShared,
            (true, false, _) if vma.is(abi::GD_V_ANON) => {
                self.note(format!("{name} is an anonymous page"));
                Touch::Write
            }
            _ if private => Touch::Read,
            _ if writable => Touch::Write,
            _ => Touch::Read,
        })
    }

    fn note_entry(&mut self, at: usize, entry: Entry, vma: &Vma) {
        let accessible = vma.has(abi::GD_VM_READ) || vma.has(abi::GD_VM_WRITE);
        for (flag, name) in [
            (abi::GD_EF_KERNEL, "for the kernel only"),
            (abi::GD_EF_DEVMAP, "devmap"),
            (abi::GD_EF_UFFD_WP, "write-protected by userfaultfd"),
        ] {
            if entry.has(flag) {
                self.note(format!("the entry of page {at} is not {name}"));
            }
        }
        if pkey::key(entry.flags.into(), pkey::OF_ENTRY) != 0 {
            self.note(format!("the entry of page {at} has protection key 0"));
        }
        if entry.has(abi::GD_EF_ABSENT) && accessible {
            self.note(format!("the entry of page {at} is present"));
        }
    }

    /// A fault that the program answers with SIGBUS is one behind the end of a file: that of
    /// the first page that is not there, as the order of faults is not known yet.
    fn ends_of_files(&mut self) {
        let is_sigbus =
            |op: &gd_op| walk::is_answer(op.op) && op.val & 1 << abi::GD_FAULT_SIGBUS != 0;
        let acts = self.program.acts_of(self.index);
        if !acts.iter().any(|act| is_sigbus(&act.op)) {
            return;
        }
        let missing = |at: &usize| self.out.touches[*at] == Touch::Never;
        let first = (0..self.out.nr()).find(|at| {
            let area = self.out.memory.area(*at);
            missing(at) && area.is_some_and(|area| area.backing != Backing::Anon)
        });
        let memory = &mut self.out.memory;
        for area in &mut memory.areas {
            let Some(first) = first.filter(|first| area.has(*first)) else {
                continue;
            };
            let rest = first..area.first + area.nr;
            if let Backing::File { end, .. } = &mut area.backing
                && rest.clone().all(|at| self.out.touches[at] == Touch::Never)
            {
                *end = first;
                return;
            }
        }
        self.note("no fault gives SIGBUS".into());
    }
}

fn same_but_place(a: &Area, b: &Area) -> bool {
    Area {
        first: 0,
        nr: 0,
        ..*a
    } == Area {
        first: 0,
        nr: 0,
        ..*b
    }
}
