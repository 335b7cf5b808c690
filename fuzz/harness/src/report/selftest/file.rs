// SPDX-License-Identifier: GPL-2.0
//! The text of a selftest: its mappings, the call, what is checked.

use std::fmt::Write;

use super::call::{Call, Visible, Way};
use super::helpers;
use super::memory::{Area, Backing};
use super::seen::{After, Seen, written};
use super::stage::{Stage, Touch, pattern};
use crate::program::walk::PAGE_SIZE;
use crate::rev::Rev;

/// A test to be written.
pub(super) struct Test<'a> {
    pub stage: &'a Stage,
    pub call: &'a Call,
    /// What the side that does right shows,
    pub good: &'a Seen,
    /// and the one that does not.
    pub bad: Option<&'a Seen>,
    pub rev: Rev,
}

/// A byte as C has it.
fn byte(byte: u8) -> String {
    match byte {
        0 => "0".into(),
        byte => format!("'{}'", char::from(byte)),
    }
}

fn prot(read: bool, write: bool, exec: bool) -> String {
    let all = [
        (read, "PROT_READ"),
        (write, "PROT_WRITE"),
        (exec, "PROT_EXEC"),
    ];
    let set: Vec<&str> = all
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| *name)
        .collect();
    match set.is_empty() {
        true => "PROT_NONE".into(),
        false => set.join(" | "),
    }
}

impl Test<'_> {
    /// All but the comment at its top.
    pub fn code(&self) -> String {
        let set_up = self.set_up();
        let test = self.test();
        let checks = test.matches("\tcheck(").count();
        let functions = format!("{set_up}\n{test}");
        let zero = match functions.contains("zero = ") {
            true => "\nstatic uint64_t zero;\n",
            false => "",
        };
        format!(
            "{}\n#define PAGE\t\t{PAGE_SIZE}ul\n#define NR_PAGES\t{}\n\
             #define RANGE\t\t((char *){:#x}ul)\n#define NR_CHECKS\t{checks}\n\
             {}{zero}\n{functions}\n{}\n",
            helpers::includes(),
            self.stage.nr(),
            self.stage.base,
            helpers::used_by(&functions),
            helpers::main()
        )
    }

    /// Whether numbers of page frames are compared, which needs root.
    fn looks_at_frames(&self) -> bool {
        self.good.after.iter().any(|after| *after != After::Absent)
    }

    fn set_up(&self) -> String {
        let mut out = String::from("static void set_up(void)\n{\n");
        let areas = &self.stage.memory.areas;
        let files = areas.iter().any(|area| area.backing != Backing::Anon);
        if files {
            out.push_str("\tint fd;\n\n");
        }
        if matches!(self.call.way, Way::GupTest(_) | Way::Longterm { .. }) {
            out.push_str("\tgup_open();\n");
        }
        if self.checks_warnings() {
            out.push_str("\twarned();\n");
        }
        if self.looks_at_frames() {
            out.push_str("\tzero = zero_pfn();\n");
        }
        for area in areas {
            self.map(&mut out, area);
        }
        let with = |touch: Touch| {
            let pages = 0..self.stage.nr();
            pages.filter(move |at| self.stage.touches[*at] == touch)
        };
        let bits = |touch: Touch| with(touch).fold(0u32, |bits, at| bits | 1 << at);
        let (shared, gone) = (bits(Touch::Share), bits(Touch::WasShared));
        if shared | gone != 0 {
            for at in with(Touch::Share).chain(with(Touch::WasShared)) {
                self.fill(&mut out, at);
            }
            let _ = writeln!(out, "\tchild_shares({shared:#x}, {gone:#x});");
        }
        for at in with(Touch::Write) {
            self.fill(&mut out, at);
        }
        for at in with(Touch::Read) {
            let _ = writeln!(out, "\ttouch({at});");
        }
        for area in areas
            .iter()
            .filter(|area| self.mapped_as(area) != final_prot(area))
        {
            let _ = writeln!(
                out,
                "\tprotect({}, {}, {});",
                area.first,
                area.nr,
                final_prot(area)
            );
        }
        out.push_str("}\n");
        out
    }

    fn fill(&self, out: &mut String, at: usize) {
        let is_writable = self
            .stage
            .memory
            .area(at)
            .is_some_and(|area| area.may_write);
        let _ = match is_writable {
            true => writeln!(out, "\tfill({at}, {});", byte(pattern(at))),
            false => writeln!(out, "\ttouch({at});"),
        };
    }

    /// The protection while pages are touched.
    fn mapped_as(&self, area: &Area) -> String {
        let touched =
            (area.first..area.first + area.nr).any(|at| self.stage.touches[at] != Touch::Never);
        match touched {
            true if area.may_write => prot(true, true, false),
            true => prot(true, false, false),
            false => final_prot(area),
        }
    }

    fn map(&self, out: &mut String, area: &Area) {
        let (first, nr) = (area.first, area.nr);
        let flags = match area.backing {
            Backing::Anon => "MAP_PRIVATE | MAP_ANONYMOUS, -1",
            Backing::File { shared: true, .. } => "MAP_SHARED, fd",
            Backing::File { shared: false, .. } => "MAP_PRIVATE, fd",
        };
        if let Backing::File { kind, shared, end } = area.backing {
            let pages = nr.min(end.saturating_sub(first));
            let make = match u32::from(kind) {
                csrc::abi::GD_V_SECRETMEM => "secret",
                csrc::abi::GD_V_SHMEM => "memfd",
                _ => "disk_file",
            };
            let _ = writeln!(out, "\tfd = {make}({pages});");
            let cached = |touch: Touch| touch == Touch::Read || touch == Touch::Write && shared;
            for at in (first..first + nr).filter(|at| cached(self.stage.touches[*at])) {
                if make != "secret" {
                    let _ = writeln!(out, "\tput(fd, {}, {});", at - first, byte(pattern(at)));
                }
            }
            if shared && !area.may_write {
                out.push_str("\tfd = read_only(fd);\n");
            }
        }
        let _ = writeln!(
            out,
            "\tmap({first}, {nr}, {}, {flags});",
            self.mapped_as(area)
        );
    }

    fn checks_warnings(&self) -> bool {
        self.bad.is_some_and(|bad| bad.warns) && !self.good.warns
    }

    fn test(&self) -> String {
        let mut body = String::new();
        let (call, good) = (self.call, self.good);
        let name = call.caller(self.stage, self.rev);
        let buffer = call.copies() || call.keeps() && !good.taken.is_empty();
        let before = good
            .after
            .iter()
            .any(|after| matches!(after, After::Same | After::Other));
        if call.copies() && call.writes() {
            for at in 0..call.nr {
                let _ = writeln!(
                    body,
                    "\tmemset(buffer + {at} * PAGE, {}, PAGE);",
                    byte(written(at))
                );
            }
        }
        if before {
            body.push_str("\tfor (i = 0; i < NR_PAGES; i++)\n\t\tbefore[i] = pfn(i);\n");
        }
        let _ = writeln!(body, "\tret = {};", self.expression());
        body.push_str("\tprintf(\"# the call returns %ld\\n\", ret);\n");
        if let Some(result) = good.result {
            let (value, says) = (result.value(), self.says(result));
            let _ = writeln!(body, "\tcheck(ret == {value}, \"{name} {says}\");");
        }
        if self.checks_warnings() {
            let _ = writeln!(body, "\tcheck(!warned(), \"{name} does not warn\");");
        }
        for (at, after) in good.after.iter().enumerate() {
            let (is, says) = match after {
                After::Absent if self.stage.memory.area(at).is_none() => continue,
                After::Absent => (format!("!pfn({at})"), "is not mapped"),
                After::Same => (
                    format!("pfn({at}) == before[{at}]"),
                    "is the same as before",
                ),
                After::Zero => (format!("pfn({at}) == zero"), "is the zero page"),
                After::Other => (
                    format!("pfn({at}) && pfn({at}) != before[{at}] && pfn({at}) != zero"),
                    "is a new one",
                ),
                After::Some => (format!("pfn({at}) && pfn({at}) != zero"), "is there"),
            };
            let _ = writeln!(body, "\tcheck({is}, \"page {at} {says}\");");
        }
        self.contents(&mut body);
        let mut out = String::from("static void test(void)\n{\n");
        if buffer {
            out.push_str("\tstatic char buffer[NR_PAGES * PAGE];\n");
        }
        if before {
            out.push_str("\tuint64_t before[NR_PAGES];\n");
        }
        out.push_str("\tlong ret;\n");
        if before {
            out.push_str("\tint i;\n");
        }
        out + "\n" + &body + "}\n"
    }

    /// What is in the pages that were taken, and in those of the process.
    fn contents(&self, body: &mut String) {
        let (call, good) = (self.call, self.good);
        if call.keeps() && !good.taken.is_empty() {
            body.push_str("\t/* does the kernel see what is written now? */\n");
            let writable = |at: &usize| self.stage.memory.area(*at).is_some_and(|area| area.write);
            for at in (0..good.taken.len()).filter(writable) {
                let _ = writeln!(body, "\tfill({at}, {});", byte(written(at)));
            }
            body.push_str(match call.way {
                Way::Vmsplice => "\tvmsplice_read(buffer, ret < 0 ? 0 : ret);\n",
                _ => "\tpin_longterm_read(buffer);\n",
            });
        }
        for (at, content) in good.taken.iter().enumerate() {
            let says = match *content {
                0 => "zeroes".into(),
                old if old == written(at) => "what is written after the call".into(),
                old => format!("what was written before, {}", byte(old)),
            };
            let _ = writeln!(
                body,
                "\tcheck(is_all(buffer + {at} * PAGE, {}), \"the kernel's page {at} has {says}\");",
                byte(*content)
            );
        }
        for (at, content) in good.own.iter().enumerate() {
            if let Some(content) = content {
                let _ = writeln!(
                    body,
                    "\tcheck(is_all(RANGE + {at} * PAGE, {}), \"page {at} has {}\");",
                    byte(*content),
                    byte(*content)
                );
            }
        }
        if self.stage.touches.contains(&Touch::Share) && (call.keeps() || call.writes()) {
            let _ = writeln!(
                body,
                "\tcheck(child_keeps_its_pages(), \"the child's pages are as they were\");"
            );
        }
    }

    /// The call in C.
    fn expression(&self) -> String {
        let (nr, write) = (self.call.nr, u8::from(self.call.writes()));
        match self.call.way {
            Way::GupTest(command) => {
                format!(
                    "gup_test({command}, {nr}, {})",
                    self.call.raw_flags(self.rev)
                )
            }
            Way::Longterm { fast } => {
                format!("pin_longterm_start({nr}, {write}, {})", u8::from(fast))
            }
            Way::Vmsplice => format!("vmsplice_pages({nr})"),
            Way::ProcessVm => format!("process_vm(buffer, {nr}, {write})"),
            Way::ProcMem => format!("proc_mem(buffer, {nr}, {write})"),
            Way::Populate => format!("populate({nr}, {write})"),
            Way::Mlock => {
                let on_fault = self
                    .stage
                    .memory
                    .areas
                    .first()
                    .is_some_and(|area| area.on_fault);
                let flags = if on_fault { "MLOCK_ONFAULT" } else { "0" };
                format!("mlock2(RANGE, {nr} * PAGE, {flags}) ? -errno : 0")
            }
        }
    }

    fn says(&self, result: Visible) -> String {
        match (self.call.way, result) {
            (Way::GupTest(_), Visible::Bytes(0)) => "fails".into(),
            (_, Visible::Errno(_)) => format!("fails with {}", result.value()),
            (Way::Vmsplice | Way::ProcessVm | Way::ProcMem, Visible::Bytes(bytes)) => {
                match bytes / PAGE_SIZE as i64 {
                    1 => "succeeds for 1 page".into(),
                    n => format!("succeeds for {n} pages"),
                }
            }
            (_, Visible::Bytes(_)) => "succeeds".into(),
        }
    }
}

fn final_prot(area: &Area) -> String {
    prot(area.read, area.write, area.exec)
}
