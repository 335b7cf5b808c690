// SPDX-License-Identifier: GPL-2.0
//! Turns faults and endless loops of kernel code into results.
//!
//! If kernel code faults, the signal handler makes it leave the operation, as at a BUG.  A
//! fault of the harness goes to the previous handler.
//!
//! Loops need not take counted steps, so every thread that runs a side has a timer of its
//! CPU time.  If kernel code is still in the same program at the second tick, it is made to
//! leave, as at the step limit.  A program takes microseconds, a tick is a second.

use crate::abi;
use std::{
    cell::{Cell, OnceCell},
    io,
    mem::MaybeUninit,
    ptr,
    sync::OnceLock,
};

/// Memory faults, and the other exceptions that are an oops on x86.
const SIGNALS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];

/// The timers' signal; engines use other ones.
const TICK: libc::c_int = libc::SIGVTALRM;
/// The tick, in seconds of the thread's CPU time.
const PERIOD_S: libc::time_t = 1;

thread_local! {
    /// The side that is running on this thread.
    static RUNNING: Cell<*const abi::gd_side> = const { Cell::new(ptr::null()) };
    /// The number of programs that have run on this thread.
    static PROGRAMS: Cell<u64> = const { Cell::new(0) };
    /// The same number at the last tick.
    static SEEN: Cell<u64> = const { Cell::new(0) };
    static TIMER: OnceCell<Option<Timer>> = const { OnceCell::new() };
}

struct Previous([libc::sigaction; SIGNALS.len()]);
static PREVIOUS: OnceLock<Previous> = OnceLock::new();

/// Records that a side runs a program on this thread, until [`leave`], and starts the
/// timer.
pub(crate) fn enter(side: &abi::gd_side) {
    // without a timer, the engine has to stop an endless program
    TIMER.with(|timer| _ = timer.get_or_init(|| Timer::start().ok()));
    PROGRAMS.set(PROGRAMS.get() + 1);
    RUNNING.set(side);
}

/// A timer of this thread's CPU time.  A forked child does not inherit it.
struct Timer(libc::timer_t);

impl Timer {
    fn start() -> io::Result<Self> {
        // SAFETY: all-zero structures are valid; the timer's signal has a handler
        unsafe {
            let mut event: libc::sigevent = MaybeUninit::zeroed().assume_init();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = TICK;
            event.sigev_notify_thread_id = libc::gettid();
            let mut timer = MaybeUninit::uninit();
            let clock = libc::CLOCK_THREAD_CPUTIME_ID;
            if libc::timer_create(clock, &mut event, timer.as_mut_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            let timer = Self(timer.assume_init());
            let period = libc::timespec {
                tv_sec: PERIOD_S,
                tv_nsec: 0,
            };
            let times = libc::itimerspec {
                it_interval: period,
                it_value: period,
            };
            if libc::timer_settime(timer.0, 0, &times, ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(timer)
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the timer of this thread; after a fork it may not exist, which does no
        // harm
        unsafe { libc::timer_delete(self.0) };
    }
}

/// Records that no side is running.
pub(crate) fn leave() {
    RUNNING.set(ptr::null());
}

/// Installs the handlers, once per process.
pub(crate) fn install() -> io::Result<()> {
    if PREVIOUS.get().is_some() {
        return Ok(());
    }
    // SAFETY: all-zero sigactions are valid; the handler only touches thread-local cells
    // and the interrupted context
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
        let flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for signal in SIGNALS {
            handle(signal, handler as *const () as usize, flags)?;
        }
        handle(TICK, tick as *const () as usize, flags | libc::SA_RESTART)?;
    }
    Ok(())
}

fn handle(signal: libc::c_int, handler: usize, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: an all-zero sigaction is valid; the handlers only touch thread-local cells
    // and the interrupted context
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        match libc::sigaction(signal, &action, ptr::null_mut()) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Makes the interrupted kernel code continue in a function that does not return.
///
/// # Safety
///
/// The context is that of a signal that interrupted kernel code.
unsafe fn divert(context: *mut libc::c_void, to: unsafe extern "C" fn()) {
    // SAFETY: the kernel provides the context for the handler to change
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    // the stack as after a call: below the red zone, 8 modulo 16
    let sp = (registers[libc::REG_RSP as usize] - 256) & !15;
    registers[libc::REG_RSP as usize] = sp - 8;
    registers[libc::REG_RIP as usize] = to as usize as i64;
}

extern "C" fn tick(_signal: libc::c_int, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let (side, programs) = (RUNNING.get(), PROGRAMS.get());
    let is_stuck = SEEN.replace(programs) == programs;
    // SAFETY: `side` is null or that of the running machine
    unsafe {
        if is_stuck && !side.is_null() && *(*side).in_kernel != 0 {
            divert(context, (*side).limit.expect("a loaded side has a limit"));
        }
    }
}

extern "C" fn handler(
    signal: libc::c_int,
    _info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let side = RUNNING.get();
    // SAFETY: `side` is null or that of the running machine; the handler may change the
    // context
    unsafe {
        if !side.is_null() && *(*side).in_kernel != 0 {
            divert(
                context,
                (*side).oops.expect("a loaded side has an oops function"),
            );
            return;
        }
        // not from kernel code: restore the previous handler and fault again
        if let Some(Previous(previous)) = PREVIOUS.get() {
            for (s, old) in SIGNALS.iter().zip(previous) {
                if *s == signal {
                    libc::sigaction(signal, old, ptr::null_mut());
                }
            }
        }
    }
}
