// SPDX-License-Identifier: GPL-2.0
//! The ways in which user space reaches a function of mm/gup.c.
//!
//! The kernel's own gup_test calls some of them with the caller's arguments, but tells
//! little of what they return; system calls that use them tell more, or keep the pages.

use csrc::abi::{self, gd_op};

use super::stage::Stage;
use crate::program::NO_OP;
use crate::program::walk::{self, PAGE_SIZE};
use crate::report::c::Unsayable;
use crate::report::show;
use crate::rev::Rev;

/// A way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// An ioctl of gup_test: the name of its command.
    GupTest(&'static str),
    /// PIN_LONGTERM_TEST_START of gup_test, which keeps the pages; with the fast variant?
    Longterm { fast: bool },
    /// vmsplice(): get_user_pages_fast() for a pipe, which keeps the pages.
    Vmsplice,
    /// process_vm_readv() or process_vm_writev(), of the process itself.
    ProcessVm,
    /// A read or write of /proc/self/mem, with FOLL_FORCE.
    ProcMem,
    /// madvise(MADV_POPULATE_READ) or MADV_POPULATE_WRITE.
    Populate,
    /// mlock2().
    Mlock,
}

/// A call: a way, its flags, and the pages of the stage that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub way: Way,
    /// Bits `GD_FOLL_*` that the caller passes.
    pub foll: u32,
    pub nr: usize,
}

const PAGE: i64 = PAGE_SIZE as i64;

const WRITE: u32 = 1 << abi::GD_FOLL_WRITE;
const FORCE: u32 = 1 << abi::GD_FOLL_FORCE;
const LONGTERM: u32 = 1 << abi::GD_FOLL_LONGTERM;

/// The ways to do what an operation does, the nearest first.
///
/// # Errors
///
/// If there is none.
pub(super) fn ways(op: &gd_op, rev: Rev, nr: usize) -> Result<Vec<Call>, Unsayable> {
    use Way::{GupTest, Longterm, Mlock, Populate, ProcMem, ProcessVm, Vmsplice};
    let since = |major, minor| rev.is_since(major, minor);
    let longterm = op.foll & LONGTERM != 0;
    let all = match u32::from(op.op) {
        abi::GD_OP_GET_USER_PAGES_FAST
        | abi::GD_OP_GET_USER_PAGES_UNLOCKED
        | abi::GD_OP_GET_USER_PAGES_LOCKED => vec![Vmsplice, GupTest("GUP_FAST_BENCHMARK")],
        abi::GD_OP_PIN_USER_PAGES_FAST
        | abi::GD_OP_PIN_USER_PAGES_UNLOCKED
        | abi::GD_OP_PIN_USER_PAGES_LOCKED => {
            vec![Longterm { fast: true }, GupTest("PIN_FAST_BENCHMARK")]
        }
        abi::GD_OP_PIN_USER_PAGES if longterm => {
            vec![Longterm { fast: false }, GupTest("PIN_LONGTERM_BENCHMARK")]
        }
        abi::GD_OP_PIN_USER_PAGES => vec![GupTest("PIN_BASIC_TEST")],
        abi::GD_OP_GET_USER_PAGES => vec![GupTest("GUP_BASIC_TEST"), ProcMem],
        abi::GD_OP_PIN_USER_PAGES_REMOTE => vec![ProcessVm, GupTest("PIN_BASIC_TEST")],
        abi::GD_OP_GET_USER_PAGES_REMOTE => vec![ProcMem, GupTest("GUP_BASIC_TEST")],
        abi::GD_OP_FAULTIN_PAGE_RANGE => vec![Populate],
        abi::GD_OP_POPULATE_VMA_PAGE_RANGE | abi::GD_OP_MM_POPULATE => vec![Mlock],
        _ => {
            let info = crate::ops::info(op.op);
            let name = info.map_or("", |info| info.name_or_role(rev));
            return Err(Unsayable::Uncalled(name.into()));
        }
    };
    let fits = |way: &Way| match way {
        GupTest(_) => since(5, 11),
        Longterm { .. } => since(6, 2) && longterm,
        Vmsplice => op.foll & WRITE == 0,
        ProcMem => op.foll & FORCE != 0 || !matches!(u32::from(op.op), abi::GD_OP_GET_USER_PAGES),
        Populate => since(5, 14),
        ProcessVm | Mlock => true,
    };
    // a reference is never long-term since 6.3, which warns
    let foll = match walk::is_pin(op.op) || !since(6, 3) {
        true => op.foll,
        false => op.foll & !LONGTERM,
    };
    let fitting = all.into_iter().filter(fits);
    let calls: Vec<Call> = fitting.map(|way| Call::new(way, foll, nr)).collect();
    match calls.is_empty() {
        true => Err(Unsayable::Other(
            "that kernel's gup_test does not have the call",
        )),
        false => Ok(calls),
    }
}

impl Call {
    fn new(way: Way, foll: u32, nr: usize) -> Self {
        let passed = match way {
            Way::GupTest(_) => foll & (WRITE | FORCE | LONGTERM),
            Way::Longterm { .. } => foll & WRITE | LONGTERM,
            Way::ProcMem => foll & WRITE | FORCE,
            Way::ProcessVm | Way::Populate => foll & WRITE,
            Way::Vmsplice | Way::Mlock => 0,
        };
        let nr = match way {
            Way::ProcMem => 1,
            _ => nr,
        };
        Self {
            way,
            foll: passed,
            nr,
        }
    }

    pub fn writes(&self) -> bool {
        self.foll & WRITE != 0
    }

    pub fn is_longterm(&self) -> bool {
        self.foll & LONGTERM != 0
    }

    /// Whether the pages are kept until the test has written to its mapping.
    pub fn keeps(&self) -> bool {
        matches!(self.way, Way::Vmsplice | Way::Longterm { .. })
    }

    /// Whether it copies what is in the pages.
    pub fn copies(&self) -> bool {
        matches!(self.way, Way::ProcessVm | Way::ProcMem)
    }

    /// The operation that the kernel executes for it.
    pub fn op(&self, stage: &Stage) -> gd_op {
        let role = match self.way {
            Way::GupTest("GUP_FAST_BENCHMARK") | Way::Vmsplice => abi::GD_OP_GET_USER_PAGES_FAST,
            Way::GupTest("PIN_FAST_BENCHMARK") | Way::Longterm { fast: true } => {
                abi::GD_OP_PIN_USER_PAGES_FAST
            }
            Way::GupTest("GUP_BASIC_TEST") => abi::GD_OP_GET_USER_PAGES,
            Way::GupTest(_) | Way::Longterm { fast: false } => abi::GD_OP_PIN_USER_PAGES,
            Way::ProcessVm => abi::GD_OP_PIN_USER_PAGES_REMOTE,
            Way::ProcMem => abi::GD_OP_GET_USER_PAGES_REMOTE,
            Way::Populate => abi::GD_OP_FAULTIN_PAGE_RANGE,
            Way::Mlock => abi::GD_OP_MM_POPULATE,
        };
        gd_op {
            op: role as u8,
            // process_vm_readv() may have the lock dropped
            arg: u16::from(self.way == Way::ProcessVm),
            addr: stage.address(0),
            n: self.nr as i32,
            foll: self.foll,
            ..NO_OP
        }
    }

    /// The value of the flags that gup_test passes on; they were renumbered in 6.3.
    pub fn raw_flags(&self, rev: Rev) -> String {
        let new = rev.is_since(6, 3);
        let implied = self.way == Way::GupTest("PIN_LONGTERM_BENCHMARK");
        let set = [
            (WRITE, 1, "FOLL_WRITE"),
            (FORCE, if new { 1 << 3 } else { 0x10 }, "FOLL_FORCE"),
            (
                LONGTERM,
                if new { 1 << 8 } else { 0x10000 },
                "FOLL_LONGTERM",
            ),
        ];
        let set = set
            .iter()
            .filter(|(bit, ..)| self.foll & bit != 0 && !(implied && *bit == LONGTERM));
        let (value, names) = set.fold((0, Vec::new()), |(value, mut names), (_, bit, name)| {
            names.push(*name);
            (value | bit, names)
        });
        match names.is_empty() {
            true => "0".into(),
            false => format!("{value:#x} /* {} */", names.join(" | ")),
        }
    }

    /// What user space learns of a result.
    ///
    /// # Errors
    ///
    /// If what it learns does not follow from this call alone.
    pub fn visible(&self, result: i64) -> Result<Visible, Unsayable> {
        let nr = self.nr as i64;
        let in_parts = Unsayable::Other("the call succeeds in part, which user space repeats");
        Ok(match self.way {
            Way::GupTest(_) => match result > 0 {
                true => Visible::Bytes(nr * PAGE),
                false => Visible::Bytes(0),
            },
            Way::Longterm { .. } | Way::Populate => match result {
                errno @ ..0 => Visible::Errno(errno),
                full if full == nr => Visible::Bytes(0),
                _ => return Err(in_parts),
            },
            Way::Mlock => match result {
                errno if errno == -i64::from(libc::EFAULT) => {
                    Visible::Errno((-libc::ENOMEM).into())
                }
                errno if errno == -i64::from(libc::ENOMEM) => {
                    Visible::Errno((-libc::EAGAIN).into())
                }
                errno @ ..0 => Visible::Errno(errno),
                _ => Visible::Bytes(0),
            },
            Way::Vmsplice => match result {
                errno @ ..0 => Visible::Errno(errno),
                n => Visible::Bytes(n * PAGE),
            },
            Way::ProcessVm => match result {
                n @ 1.. => Visible::Bytes(n * PAGE),
                _ => Visible::Errno((-libc::EFAULT).into()),
            },
            Way::ProcMem => match result {
                n @ 1.. => Visible::Bytes(n * PAGE),
                _ => Visible::Errno((-libc::EIO).into()),
            },
        })
    }

    /// The function in the kernel.
    pub fn function(&self, stage: &Stage, rev: Rev) -> &'static str {
        let info = crate::ops::info(self.op(stage).op);
        info.map_or("", |info| info.name_or_role(rev))
    }

    /// What user space calls, for the names of checks: gup_test passes a call through.
    pub fn caller(&self, stage: &Stage, rev: Rev) -> String {
        match self.way {
            Way::GupTest(_) | Way::Longterm { .. } => format!("{}()", self.function(stage, rev)),
            Way::Vmsplice => "vmsplice()".into(),
            Way::ProcessVm if self.writes() => "process_vm_writev()".into(),
            Way::ProcessVm => "process_vm_readv()".into(),
            Way::ProcMem if self.writes() => "a write to /proc/self/mem".into(),
            Way::ProcMem => "a read of /proc/self/mem".into(),
            Way::Populate if self.writes() => "madvise(MADV_POPULATE_WRITE)".into(),
            Way::Populate => "madvise(MADV_POPULATE_READ)".into(),
            Way::Mlock => "mlock2()".into(),
        }
    }

    /// The function in the kernel, and how it is reached.
    pub fn about(&self, stage: &Stage, rev: Rev) -> String {
        let via = match self.way {
            Way::GupTest(command) => format!("{command} of gup_test"),
            Way::Longterm { .. } => "PIN_LONGTERM_TEST_START of gup_test".into(),
            _ => self.caller(stage, rev),
        };
        format!("{}(), which {via} uses", self.function(stage, rev))
    }
}

/// What user space learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visible {
    /// A negative errno.
    Errno(i64),
    /// Success, with a number of bytes.
    Bytes(i64),
}

impl Visible {
    /// As an expression of C, for what the helpers return.
    pub fn value(self) -> String {
        match self {
            Self::Errno(errno) => show::errno(errno as i32),
            Self::Bytes(0) => "0".into(),
            Self::Bytes(bytes) => format!("{} * PAGE", bytes / PAGE),
        }
    }
}
