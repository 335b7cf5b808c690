// SPDX-License-Identifier: GPL-2.0
//! A side of anybody's making, in a process of its own: it may crash, hang or write
//! what is no trace, and that is what it has shown.

use crate::{Machine, Object, SiteInfo, abi, machine::check};
use std::{
    cell::Cell,
    io::{self, Read},
    os::{fd::AsRawFd, unix::net::UnixStream},
    ptr::{self, NonNull},
};

/// A program that takes longer hangs: others take microseconds.
const PATIENCE_MS: libc::c_int = 10_000;
const CAPACITY: usize = abi::GD_TRACE_CAPACITY as usize;

/// What both processes see.
#[repr(C)]
struct Shared {
    program: abi::gd_program,
    has_op: [bool; 256],
    /// Says how many records are written, also when that does not come to an end.
    trace: abi::gd_trace,
    rec: [abi::gd_rec; CAPACITY],
}

/// How the process fared with a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It ran it.
    Ran,
    /// A signal ended it.
    Killed(i32),
    /// It ended by itself, with this status.
    Exited(i32),
    /// It was still running after so long that it never will end.
    Hung,
    /// What it has written is no trace.
    NoTrace(String),
}

/// A side in a process of its own, which is started again when it ends.
pub struct Foreign {
    object: Object,
    sites: Vec<u32>,
    shared: NonNull<Shared>,
    child: Option<Child>,
}

// SAFETY: the memory and the process are this value's own.
unsafe impl Send for Foreign {}

struct Child {
    pid: libc::pid_t,
    /// A byte each way: run the program; it has been run.
    line: UnixStream,
}

impl Foreign {
    /// Starts it; `site_id` gives the id that its WARN and BUG records will carry.
    pub fn start(object: Object, site_id: &dyn Fn(&SiteInfo) -> u32) -> io::Result<Self> {
        // SAFETY: fresh memory of that size, of zeros, which are valid in all fields.
        let shared = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<Shared>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if shared == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mut side = Self {
            sites: object.located_sites().iter().map(site_id).collect(),
            object,
            shared: NonNull::new(shared.cast()).ok_or(io::ErrorKind::OutOfMemory)?,
            child: None,
        };
        side.child = Some(side.spawn()?);
        Ok(side)
    }

    /// The object that runs there.
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// Does the side have the operation of that id?
    pub fn has_op(&self, id: u8) -> bool {
        // SAFETY: the child writes it before it is ready, and never again.
        unsafe { (*self.shared.as_ptr()).has_op[usize::from(id)] }
    }

    /// Runs a program, which must be normalised; `trace` then holds what was written,
    /// which is a trace if the process ran it.
    ///
    /// # Panics
    ///
    /// When a count or an index of the program is out of bounds.
    pub fn run(&mut self, program: &abi::gd_program, trace: &mut Vec<abi::gd_rec>) -> Fate {
        check(program);
        trace.clear();
        let fate = self.order(program).unwrap_or_else(|error| {
            // no process could be started
            Fate::NoTrace(error.to_string())
        });
        // SAFETY: the child has ended or waits; whatever it wrote is records' bytes.
        let shared = unsafe { &*self.shared.as_ptr() };
        let nr = shared.trace.nr as usize;
        trace.extend_from_slice(&shared.rec[..nr.min(CAPACITY)]);
        match fate {
            Fate::Ran => match flaw(trace, nr) {
                Some(flaw) => Fate::NoTrace(flaw),
                None => Fate::Ran,
            },
            other => other,
        }
    }

    fn order(&mut self, program: &abi::gd_program) -> io::Result<Fate> {
        if self.child.is_none() {
            self.child = Some(self.spawn()?);
        }
        // SAFETY: the child waits.
        unsafe {
            let shared = self.shared.as_ptr();
            (*shared).program = *program;
            (*shared).trace = abi::gd_trace {
                rec: (&raw mut (*shared).rec).cast(),
                nr: 0,
                cap: CAPACITY as u32,
            };
        }
        let child = self.child.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let ran = send(&child.line).and_then(|()| child.answer());
        match ran {
            Ok(true) => Ok(Fate::Ran),
            // it hangs, or has ended
            Ok(false) | Err(_) => {
                let hangs = matches!(ran, Ok(false));
                let status = self.child.take().map_or(0, Child::end);
                Ok(match () {
                    () if hangs => Fate::Hung,
                    () if libc::WIFSIGNALED(status) => Fate::Killed(libc::WTERMSIG(status)),
                    () => Fate::Exited(libc::WEXITSTATUS(status)),
                })
            }
        }
    }

    /// A child in which the side has been started.
    fn spawn(&self) -> io::Result<Child> {
        let (ours, theirs) = UnixStream::pair()?;
        // SAFETY: the child only runs the side, and ends without returning from here.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                drop(ours);
                // SAFETY: a system call.
                unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
                self.serve(theirs)
            }
            pid => {
                drop(theirs);
                let mut child = Child { pid, line: ours };
                match child.answer() {
                    Ok(true) => Ok(child),
                    _ => {
                        child.end();
                        Err(io::Error::other(format!(
                            "{}: its init function does not return",
                            self.object.path()
                        )))
                    }
                }
            }
        }
    }

    /// The child: runs what is ordered, for as long as somebody orders.
    fn serve(&self, mut line: UnixStream) -> ! {
        let shared = self.shared.as_ptr();
        let mut run = || -> io::Result<()> {
            let next = Cell::new(0);
            let id = |_: &SiteInfo| self.sites[next.replace(next.get() + 1)];
            // SAFETY: this process's copy, which is never dropped here.
            let object = unsafe { ptr::read(&self.object) };
            let mut machine = Machine::start(object, &id)?;
            for id in 0..=u8::MAX {
                // SAFETY: the parent waits for our answer.
                unsafe { (*shared).has_op[usize::from(id)] = machine.has_op(id) };
            }
            loop {
                send(&line)?;
                line.read_exact(&mut [0])?;
                // SAFETY: the parent waits, and has looked at the program; until we
                // answer it is ours, as are the records.
                unsafe { machine.run_into(&(*shared).program, &mut (*shared).trace) };
            }
        };
        let _ = run();
        // SAFETY: ends the process without what the parent would do at its end.
        unsafe { libc::_exit(0) }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            child.end();
        }
        // SAFETY: unmaps what was mapped when it was started.
        unsafe { libc::munmap(self.shared.as_ptr().cast(), size_of::<Shared>()) };
    }
}

impl Child {
    /// Waits for an answer; false if there is none for too long.
    fn answer(&mut self) -> io::Result<bool> {
        let mut poll = libc::pollfd {
            fd: self.line.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        loop {
            // SAFETY: one structure, which is ours.
            match unsafe { libc::poll(&mut poll, 1, PATIENCE_MS) } {
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => continue,
                -1 => return Err(io::Error::last_os_error()),
                0 => return Ok(false),
                _ => return self.line.read_exact(&mut [0]).map(|()| true),
            }
        }
    }

    /// Ends it; the status that the system gives.
    fn end(self) -> libc::c_int {
        let mut status = 0;
        // SAFETY: our child, which is waited for once.
        unsafe {
            // one that has ended already keeps its status
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, &mut status, 0);
        }
        status
    }
}

/// A byte, and no signal if nobody is there any more.
fn send(line: &UnixStream) -> io::Result<()> {
    // SAFETY: one byte of ours.
    match unsafe {
        libc::send(
            line.as_raw_fd(),
            [1u8].as_ptr().cast(),
            1,
            libc::MSG_NOSIGNAL,
        )
    } {
        1 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What is wrong with records that are to be a trace.
fn flaw(trace: &[abi::gd_rec], nr: usize) -> Option<String> {
    if nr > CAPACITY {
        return Some(format!("{nr} records, where there is room for {CAPACITY}"));
    }
    let known = |rec: &abi::gd_rec| (abi::GD_R_WARN..=abi::GD_R_ACT).contains(&rec.kind.into());
    if let Some(at) = trace.iter().position(|rec| !known(rec)) {
        return Some(format!("record {at} is of kind {}", trace[at].kind));
    }
    let end = |rec: &abi::gd_rec| u32::from(rec.kind) == abi::GD_R_END;
    match trace.iter().position(end) {
        Some(at) if at + 1 == trace.len() => None,
        Some(at) => Some(format!("END is record {at} of {}", trace.len())),
        None => Some("there is no END".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_ends_with_end() {
        let rec = |kind: u32| abi::gd_rec {
            kind: kind as u8,
            a: 0,
            b: 0,
            c: 0,
            d: 0,
        };
        let (ret, end) = (rec(abi::GD_R_RET), rec(abi::GD_R_END));
        assert_eq!(flaw(&[ret, end], 2), None);
        let says = |trace: &[abi::gd_rec], what: &str| {
            let flaw = flaw(trace, trace.len()).unwrap();
            assert!(flaw.contains(what), "{flaw}");
        };
        says(&[ret], "no END");
        says(&[end, ret], "END is record 0 of 2");
        says(&[rec(0), end], "record 0 is of kind 0");
        says(&[rec(99), end], "of kind 99");
        assert!(flaw(&[], CAPACITY + 1).unwrap().contains("room"));
    }
}
