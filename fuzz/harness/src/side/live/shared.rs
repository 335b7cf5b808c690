// SPDX-License-Identifier: GPL-2.0
//! The memory that host and guest share, laid out as in `live.h`.

use std::ffi::{CStr, c_char};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use csrc::abi::{self, gd_live_entry, gd_live_header, gd_rec, gd_recording, gd_user};

use crate::program::Program;

/// The programs of one batch, at most.
pub const BATCH: usize = abi::GD_LIVE_BATCH as usize;

/// A file in memory, without a name, that goes away with its last user.
pub fn memory_file(name: &CStr) -> io::Result<File> {
    // SAFETY: a valid name; the descriptor is a new one.  It is inherited by
    // QEMU, which is the point.
    unsafe {
        let fd = libc::memfd_create(name.as_ptr(), 0);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(fd))
    }
}

/// The shared memory, seen from the host.
pub struct Shared {
    file: File,
    base: NonNull<u8>,
}

/// A WARN or BUG as the guest knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestSite {
    /// As the kernel's table has it.
    pub file: String,
    /// The symbol at its address.
    pub func: String,
    /// The line in the file.
    pub line: u32,
    /// `GD_SITE_WARN` or `GD_SITE_BUG`.
    pub kind: u32,
}

const SIZE: usize = abi::GD_LIVE_SIZE as usize;
const _: () = assert!(size_of::<gd_live_header>() <= abi::GD_LIVE_ENTRIES as usize);
const _: () = assert!(
    abi::GD_LIVE_ENTRIES as usize + BATCH * size_of::<gd_live_entry>()
        <= abi::GD_LIVE_TRACES as usize
);
const _: () = assert!(
    abi::GD_LIVE_ENTRIES as usize + abi::GD_LIVE_MAX_CALLS as usize * size_of::<gd_recording>()
        <= abi::GD_LIVE_TRACES as usize
);
const RECORDS: usize = abi::GD_LIVE_RECORDS as usize;
const _: () = assert!(abi::GD_LIVE_TRACES as usize + RECORDS * size_of::<gd_rec>() <= SIZE);
const _: () = assert!(abi::GD_TRACE_CAPACITY as usize <= RECORDS);

impl Shared {
    /// Fresh memory, for a guest that is to be booted.
    pub fn new() -> io::Result<Self> {
        let file = memory_file(c"gupdiff-shared")?;
        file.set_len(SIZE as u64)?;
        // SAFETY: a new mapping of a file of that size.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SIZE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        let shared = Self { file, base };
        // SAFETY: a field of the header.
        unsafe { (*shared.header()).magic = abi::GD_LIVE_MAGIC };
        Ok(shared)
    }

    /// For QEMU to open.
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.file.as_raw_fd())
    }

    fn header(&self) -> *mut gd_live_header {
        self.base.as_ptr().cast()
    }

    fn entry(&self, i: usize) -> *mut gd_live_entry {
        assert!(i < BATCH);
        // SAFETY: asserted to be within the mapping, above.
        unsafe {
            let entries = self.base.as_ptr().add(abi::GD_LIVE_ENTRIES as usize);
            entries.cast::<gd_live_entry>().add(i)
        }
    }

    fn number(&self, field: *mut u32) -> &AtomicU32 {
        // SAFETY: a field of the header, which lives as long as `self`; the
        // guest writes it too, so only atomically.
        unsafe { AtomicU32::from_ptr(field) }
    }

    /// `GD_LIVE_BOOTING`, `GD_LIVE_READY` or `GD_LIVE_FAILED`.
    pub fn state(&self) -> u32 {
        // SAFETY: the address of a field.
        self.number(unsafe { &raw mut (*self.header()).state })
            .load(Ordering::Acquire)
    }

    /// Why the guest failed.
    pub fn words(&self) -> String {
        // SAFETY: a field that the guest has written before its state.
        text(unsafe { &(*self.header()).words })
    }

    /// The kernel's release, its version code, and whether it has DEBUG_VM.
    pub fn kernel(&self) -> (String, u32, bool) {
        // SAFETY: fields that the guest has written before its state.
        unsafe {
            let header = self.header();
            (
                text(&(*header).release),
                (*header).version,
                (*header).debug_vm != 0,
            )
        }
    }

    /// What GAP records stand for.
    pub fn gaps(&self) -> Vec<String> {
        // SAFETY: fields that the guest has written before its state.
        unsafe {
            let header = &*self.header();
            let nr = (header.nr_gaps as usize).min(header.gaps.len());
            header.gaps[..nr].iter().map(|gap| text(gap)).collect()
        }
    }

    /// How many WARNs and BUGs the guest has met so far.
    pub fn nr_sites(&self) -> usize {
        // SAFETY: a field of the header.
        let nr = unsafe { (&raw const (*self.header()).nr_sites).read_volatile() };
        nr.min(abi::GD_LIVE_MAX_SITES) as usize
    }

    /// One of them.
    pub fn site(&self, i: usize) -> GuestSite {
        // SAFETY: written by the guest before the record that led here.
        let site = unsafe { &(&(*self.header()).sites)[i] };
        GuestSite {
            file: text(&site.file),
            func: text(&site.func),
            line: site.line,
            kind: site.kind,
        }
    }

    /// The calls on real mappings that the guest has made.
    pub fn user_calls(&self) -> Vec<gd_user> {
        // SAFETY: fields that the guest has written before its state.
        unsafe {
            let header = &*self.header();
            let nr = (header.nr_user as usize).min(header.user.len());
            header.user[..nr].to_vec()
        }
    }

    /// The calls that the guest has recorded, before the first batch.
    pub fn recordings(&self) -> Vec<gd_recording> {
        // SAFETY: the guest has written them before its state; they are within the
        // mapping, as asserted above.
        unsafe {
            let nr = (*self.header()).nr_calls.min(abi::GD_LIVE_MAX_CALLS);
            let first = self.base.as_ptr().add(abi::GD_LIVE_ENTRIES as usize);
            std::slice::from_raw_parts(first.cast::<gd_recording>(), nr as usize).to_vec()
        }
    }

    /// Asks for a batch; each program with the operation that is not to be run.
    pub fn post(&self, batch: &[(Program, Option<usize>)]) {
        for (i, (program, cut)) in batch.iter().enumerate() {
            let entry = gd_live_entry {
                prog: program.0,
                cut: cut.map_or(abi::GD_LIVE_NO_CUT, |cut| cut as u32),
                first: 0,
                nr: 0,
                pad: 0,
            };
            // SAFETY: the guest does not look at it before it is asked to.
            unsafe { self.entry(i).write(entry) };
        }
        // SAFETY: the same.
        unsafe {
            (*self.header()).nr = batch.len() as u32;
            let request = self.number(&raw mut (*self.header()).request);
            request.fetch_add(1, Ordering::Release);
        }
    }

    /// Whether the last batch is done.
    pub fn is_done(&self) -> bool {
        // SAFETY: addresses of fields.
        let (request, reply) = unsafe {
            let header = self.header();
            (&raw mut (*header).request, &raw mut (*header).reply)
        };
        self.number(reply).load(Ordering::Acquire) == self.number(request).load(Ordering::Relaxed)
    }

    /// How far the batch is: programs done, and which one runs.
    pub fn progress(&self) -> (u32, u32) {
        // SAFETY: addresses of fields.
        let (done, running) = unsafe {
            let header = self.header();
            (&raw mut (*header).done, &raw mut (*header).running)
        };
        (
            self.number(done).load(Ordering::Relaxed),
            self.number(running).load(Ordering::Relaxed),
        )
    }

    /// Pages that changed though no operation had named them.
    pub fn strays(&self) -> u32 {
        // SAFETY: the address of a field.
        self.number(unsafe { &raw mut (*self.header()).strays })
            .load(Ordering::Relaxed)
    }

    /// The trace of a program of the batch that is done; `None` if there was no
    /// room for it.
    pub fn trace(&self, i: usize) -> Option<&[gd_rec]> {
        // SAFETY: the guest is done with the batch.
        let (first, nr) = unsafe {
            let entry = self.entry(i);
            ((*entry).first as usize, (*entry).nr as usize)
        };
        if nr == 0 || first > RECORDS || nr > RECORDS - first {
            return None;
        }
        // SAFETY: within the mapping, and nobody writes there now.
        unsafe {
            let traces = self.base.as_ptr().add(abi::GD_LIVE_TRACES as usize);
            Some(std::slice::from_raw_parts(
                traces.cast::<gd_rec>().add(first),
                nr,
            ))
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: unmaps what `new` mapped.
        unsafe { libc::munmap(self.base.as_ptr().cast(), SIZE) };
    }
}

pub(super) fn text(field: &[c_char]) -> String {
    let bytes: Vec<u8> = field
        .iter()
        .map(|c| *c as u8)
        .take_while(|c| *c != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does what the guest does with a batch, with a trace of one record each.
    fn serve(shared: &Shared, room_for: usize) {
        // SAFETY: nobody else uses the memory.
        unsafe {
            let header = shared.header();
            for i in 0..((*header).nr as usize).min(room_for) {
                let traces = shared.base.as_ptr().add(abi::GD_LIVE_TRACES as usize);
                traces.cast::<gd_rec>().add(i).write(gd_rec {
                    kind: abi::GD_R_END as u8,
                    b: (*shared.entry(i)).prog.world.nr_ops.into(),
                    ..Default::default()
                });
                (*shared.entry(i)).first = i as u32;
                (*shared.entry(i)).nr = 1;
                (*header).done = i as u32 + 1;
            }
            (*header).reply = (*header).request;
        }
    }

    #[test]
    fn programs_go_in_and_traces_come_out() {
        let shared = Shared::new().unwrap();
        assert_eq!(shared.state(), abi::GD_LIVE_BOOTING);
        let mut program = Program::EMPTY;
        program.push_op(crate::program::NO_OP);
        let batch = [
            (Program::EMPTY, None),
            (program, Some(3)),
            (Program::EMPTY, None),
        ];
        shared.post(&batch);
        assert!(!shared.is_done());
        // SAFETY: nobody else uses the memory.
        unsafe {
            assert_eq!((*shared.entry(0)).cut, abi::GD_LIVE_NO_CUT);
            assert_eq!((*shared.entry(1)).cut, 3);
            assert_eq!((*shared.entry(1)).prog, program.0);
        }
        serve(&shared, 2);
        assert!(shared.is_done());
        assert_eq!(shared.progress().0, 2);
        assert_eq!(shared.trace(1).unwrap()[0].b, 1);
        assert_eq!(shared.trace(2), None, "there was no room");
    }

    #[test]
    fn a_trace_outside_of_the_memory_is_none() {
        let shared = Shared::new().unwrap();
        shared.post(&[(Program::EMPTY, None)]);
        // SAFETY: nobody else uses the memory.
        unsafe {
            (*shared.entry(0)).first = abi::GD_LIVE_RECORDS - 1;
            (*shared.entry(0)).nr = 2;
        }
        assert_eq!(shared.trace(0), None);
    }
}
