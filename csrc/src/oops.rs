// SPDX-License-Identifier: GPL-2.0
//! A fault inside the kernel code is an outcome, not a crash: the signal
//! handler makes the kernel code leave as it does at a BUG. A fault of the
//! harness goes to whoever handled it before.

use crate::abi;
use std::{cell::Cell, io, mem::MaybeUninit, ptr, sync::OnceLock};

/// Memory faults, and the other exceptions that are an oops on x86.
const SIGNALS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];

thread_local! {
    /// The side that runs on this thread.
    static RUNNING: Cell<*const abi::gd_side> = const { Cell::new(ptr::null()) };
}

struct Previous([libc::sigaction; SIGNALS.len()]);
static PREVIOUS: OnceLock<Previous> = OnceLock::new();

/// Notes that a side runs on this thread, until [`leave`].
pub(crate) fn enter(side: &abi::gd_side) {
    RUNNING.set(side);
}

/// Notes that none does.
pub(crate) fn leave() {
    RUNNING.set(ptr::null());
}

/// Installs the handler, once for the process.
pub(crate) fn install() -> io::Result<()> {
    if PREVIOUS.get().is_some() {
        return Ok(());
    }
    // SAFETY: all-zero sigactions are valid; the handler only touches
    // thread-local cells and the interrupted context.
    unsafe {
        let mut previous: [libc::sigaction; SIGNALS.len()] = MaybeUninit::zeroed().assume_init();
        for (signal, old) in SIGNALS.iter().zip(&mut previous) {
            if libc::sigaction(*signal, ptr::null(), old) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        if PREVIOUS.set(Previous(previous)).is_err() {
            return Ok(());
        }
        for signal in SIGNALS {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            if libc::sigaction(signal, &action, ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok(())
}

extern "C" fn handler(
    signal: libc::c_int,
    _info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let side = RUNNING.get();
    // SAFETY: `side` is null or that of the machine that runs; the context is the kernel's to
    // give and ours to change.
    unsafe {
        if !side.is_null() && *(*side).in_kernel != 0 {
            let oops = (*side).oops.expect("a loaded side has an oops function");
            let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
            // as after a call: below the red zone, 8 off 16
            let sp = (registers[libc::REG_RSP as usize] - 256) & !15;
            registers[libc::REG_RSP as usize] = sp - 8;
            registers[libc::REG_RIP as usize] = oops as usize as i64;
            return;
        }
        // not ours: put the earlier handler back and let the fault happen again
        if let Some(Previous(previous)) = PREVIOUS.get() {
            for (s, old) in SIGNALS.iter().zip(previous) {
                if *s == signal {
                    libc::sigaction(signal, old, ptr::null_mut());
                }
            }
        }
    }
}
