// SPDX-License-Identifier: GPL-2.0
//! Runs a user's object (`so:PATH`) in a process of its own.  If it crashes, hangs or
//! writes an invalid trace, that is the result.

use crate::{Machine, Object, SiteInfo, abi, machine::check};
use std::{
    cell::Cell,
    io::{self, Read},
    os::{fd::AsRawFd, unix::net::UnixStream},
    ptr::{self, NonNull},
};

/// A program that takes longer hangs; normally it takes microseconds.
const PATIENCE_MS: libc::c_int = 10_000;
const CAPACITY: usize = abi::GD_TRACE_CAPACITY as usize;

/// The memory that both processes share.
#[repr(C)]
struct Shared {
    program: abi::gd_program,
    has_op: [bool; 256],
    /// Contains the number of records, even if the run does not end.
    trace: abi::gd_trace,
    rec: [abi::gd_rec; CAPACITY],
}

/// The result of running a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It ran to its end.
    Ran,
    /// A signal ended the process.
    Killed(i32),
    /// The process exited with this status.
    Exited(i32),
    /// It timed out.
    Hung,
    /// It wrote an invalid trace.
    NoTrace(String),
}

/// A side in a process of its own, which is restarted when it ends.
pub struct Foreign {
    object: Object,
    sites: Vec<u32>,
    shared: NonNull<Shared>,
    child: Option<Child>,
}

// SAFETY: this value owns the memory and the process.
unsafe impl Send for Foreign {}

struct Child {
    pid: libc::pid_t,
    /// One byte each way: run the program; it has run.
    line: UnixStream,
}

impl Foreign {
    /// Starts the side; `site_id` returns the id for a site's WARN and BUG records.
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

    /// The object that runs.
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// Does the side have the operation with this id?
    pub fn has_op(&self, id: u8) -> bool {
        // SAFETY: the child writes it before it is ready, and not afterwards.
        unsafe { (*self.shared.as_ptr()).has_op[usize::from(id)] }
    }

    /// Runs a program, which must be normalised.  `trace` gets the records that were
    /// written; they are a valid trace if the process ran to its end.
    ///
    /// # Panics
    ///
    /// If a count or an index of the program is out of bounds.
    pub fn run(&mut self, program: &abi::gd_program, trace: &mut Vec<abi::gd_rec>) -> Fate {
        check(program);
        trace.clear();
        let fate = self.order(program).unwrap_or_else(|error| {
            // the process could not be restarted
            Fate::NoTrace(error.to_string())
        });
        // SAFETY: the child has ended or waits; any bytes are valid records
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
            // it hangs or has ended
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

    /// Forks a child in which the side is started.
    fn spawn(&self) -> io::Result<Child> {
        let (ours, theirs) = UnixStream::pair()?;
        // SAFETY: the child only runs the side, and exits without returning from here
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

    /// The child's loop: runs programs until the parent closes the socket.
    fn serve(&self, mut line: UnixStream) -> ! {
        let shared = self.shared.as_ptr();
        let mut run = || -> io::Result<()> {
            let next = Cell::new(0);
            let id = |_: &SiteInfo| self.sites[next.replace(next.get() + 1)];
            // SAFETY: the child's own copy, which is never dropped
            let object = unsafe { ptr::read(&self.object) };
            let mut machine = Machine::start(object, &id)?;
            for id in 0..=u8::MAX {
                // SAFETY: the parent waits for the answer
                unsafe { (*shared).has_op[usize::from(id)] = machine.has_op(id) };
            }
            loop {
                send(&line)?;
                line.read_exact(&mut [0])?;
                // SAFETY: the parent has checked the program and waits; program and records
                // are ours until we answer
                unsafe { machine.run_into(&(*shared).program, &mut (*shared).trace) };
            }
        };
        let _ = run();
        // SAFETY: exits without running the parent's destructors
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
    /// Waits for an answer; false on timeout.
    fn answer(&mut self) -> io::Result<bool> {
        let mut poll = libc::pollfd {
            fd: self.line.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        loop {
            // SAFETY: one local structure
            match unsafe { libc::poll(&mut poll, 1, PATIENCE_MS) } {
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => continue,
                -1 => return Err(io::Error::last_os_error()),
                0 => return Ok(false),
                _ => return self.line.read_exact(&mut [0]).map(|()| true),
            }
        }
    }

    /// Kills the child and returns its wait status.
    fn end(self) -> libc::c_int {
        let mut status = 0;
        // SAFETY: our child, which is waited for only once
        unsafe {
            // a child that has already exited keeps its status
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, &mut status, 0);
        }
        status
    }
}

/// Sends a byte, without SIGPIPE if the other end is closed.
fn send(line: &UnixStream) -> io::Result<()> {
    // SAFETY: one local byte
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

/// Describes why records are not a valid trace.
fn flaw(trace: &[abi::gd_rec], nr: usize) -> Option<String> {
    if nr > CAPACITY {
        return Some(format!(
            "{nr} records, more than the capacity of {CAPACITY}"
        ));
    }
    let known = |rec: &abi::gd_rec| (abi::GD_R_WARN..=abi::GD_R_ACT).contains(&rec.kind.into());
    if let Some(at) = trace.iter().position(|rec| !known(rec)) {
        return Some(format!(
            "record {at} has the unknown kind {}",
            trace[at].kind
        ));
    }
    let end = |rec: &abi::gd_rec| u32::from(rec.kind) == abi::GD_R_END;
    match trace.iter().position(end) {
        Some(at) if at + 1 == trace.len() => None,
        Some(at) => Some(format!("END is record {at} of {}", trace.len())),
        None => Some("END is missing".into()),
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
        says(&[ret], "END is missing");
        says(&[end, ret], "END is record 0 of 2");
        says(&[rec(0), end], "record 0 has the unknown kind 0");
        says(&[rec(99), end], "unknown kind 99");
        assert!(flaw(&[], CAPACITY + 1).unwrap().contains("capacity"));
    }
}
