// SPDX-License-Identifier: GPL-2.0
//! The common part of the fuzzing engines' targets.
//!
//! The engines' targets only call [`run_bytes`].  Environment variables control the rest:
//!
//! | variable | meaning |
//! |---|---|
//! | `GUPDIFF_LEFT`, `GUPDIFF_RIGHT` | the sides |
//! | `GUPDIFF_LAYER` | the layer: `page`, `lockless`, `slow`, `all` (default) |
//! | `GUPDIFF_OUT` | folder for reproducers |
//! | `GUPDIFF_FOUND` | file to which each finding adds a line: class, programs and milliseconds of this process, path |
//! | `GUPDIFF_FIRST` | file that is created after the first program |
//! | `GUPDIFF_OBJECTS` | the objects of the sides, see [`side::c`](crate::side::c::OBJECTS) |
//! | `GUPDIFF_ERROR` | file for the error if the target cannot start |
//! | `GUPDIFF_KEEP_GOING` | continue after a finding; keep one of each class |
//! | `GUPDIFF_STATS` | file to which statistics are added |
//! | `GUPDIFF_EMPTY` | run no programs, to measure the overhead of the engine |
//! | `GUPDIFF_MAKE` | make variables, for reports |
//!
//! A finding is minimised in the process, saved and printed; then the process aborts, as
//! engines expect.

use std::cell::RefCell;
use std::collections::HashSet;
use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::layer::{self, Focus};
use crate::minimise;
use crate::ops::Rev;
use crate::oracle::{FindingClass, Oracle, Verdict};
use crate::program::profile::Profile;
use crate::program::{Program, mutate};
use crate::report::{self, Origin};
use crate::scope::Scope;
use crate::side::Pair;
use crate::stats::{Counter, Stats};

/// Interval for writing statistics.
const STATS_EVERY: Duration = Duration::from_secs(2);
/// Number of programs between two readings of the clock.
const CLOCK_EVERY: u64 = 256;
/// Operations are counted for one of this many programs.
const SAMPLE: u64 = 16;

/// Prints to standard error and ignores errors: it may be a file on a full disk.
macro_rules! say {
    ($($what:tt)*) => {
        let _ = writeln!(io::stderr(), $($what)*);
    };
}

/// A pair of sides under an engine.
pub struct Target {
    oracle: Oracle,
    program: Program,
    profile: Profile,
    out: Option<PathBuf>,
    found: Option<PathBuf>,
    keep_going: bool,
    scope: Scope,
    origin: Origin,
    seen: HashSet<FindingClass>,
    counter: Counter,
    total: u64,
    empty: bool,
    stats: Option<PathBuf>,
    first: Option<PathBuf>,
    started: Instant,
    written: Instant,
}

impl Target {
    /// A target over two sides, saving reproducers in `out`.
    pub fn new(pair: Pair, focus: Focus, out: Option<PathBuf>, keep_going: bool) -> Self {
        let info = pair.left.info();
        let profile = Profile::new(info.rev).debug_vm(info.debug_vm).focus(focus);
        // the comparison ends at an operation that only one of them has
        let profile = profile.retain(|op| pair.has_op(op.id));
        let counter = Counter::new(&info.name).of_layer(focus);
        let oracle = Oracle::new(pair);
        Self {
            scope: Scope::of(oracle.pair()),
            oracle,
            program: Program::EMPTY,
            profile,
            out,
            found: None,
            keep_going,
            origin: Origin::from_env(),
            seen: HashSet::new(),
            counter,
            total: 0,
            empty: false,
            stats: None,
            first: None,
            started: Instant::now(),
            written: Instant::now(),
        }
    }

    /// The target that the environment describes.  If it cannot be made, prints the error
    /// and exits with status 2.
    pub fn from_env() -> Self {
        let out = env::var_os("GUPDIFF_OUT").map(PathBuf::from);
        let left = env::var("GUPDIFF_LEFT").ok();
        let right = env::var("GUPDIFF_RIGHT").ok();
        let pair = or_exit(Pair::open_or_default(left.as_deref(), right.as_deref()));
        let focus = or_exit(layer::from_env().and_then(|focus| {
            let revisions = pair.revisions();
            layer::on(focus, revisions).map_err(|error| error.to_string())
        }));
        let on = |name| env::var(name).is_ok_and(|v| !v.is_empty() && v != "0");
        let mut target = Self::new(pair, focus, out, on("GUPDIFF_KEEP_GOING"));
        target.empty = on("GUPDIFF_EMPTY");
        target.found = env::var_os("GUPDIFF_FOUND").map(PathBuf::from);
        target.first = env::var_os("GUPDIFF_FIRST").map(PathBuf::from);
        target.stats = env::var_os("GUPDIFF_STATS").map(PathBuf::from);
        target
    }

    /// The revision for which programs are generated.
    pub fn rev(&self) -> Rev {
        self.oracle.revisions().left
    }

    /// Runs the program that the bytes encode.  Aborts at a finding, unless
    /// `GUPDIFF_KEEP_GOING` is set.
    #[inline]
    pub fn run_bytes(&mut self, bytes: &[u8]) {
        self.total += 1;
        if self.total.is_multiple_of(CLOCK_EVERY) && self.written.elapsed() >= STATS_EVERY {
            self.flush();
        }
        if self.empty {
            // engines refuse a target without any coverage
            (crate::side::replaced::current().touch)();
            self.counter.count_empty();
            return;
        }
        let sample = (self.total % SAMPLE == 1).then(Instant::now);
        self.program.decode_into(bytes);
        self.scope.narrow(&mut self.program);
        let verdict = self.oracle.judge(&self.program);
        let trace = self.oracle.left_trace();
        match sample {
            None => self.counter.count(&self.program, trace, &verdict),
            Some(started) => {
                self.counter.count_in_full(&self.program, trace, &verdict);
                if self.oracle.was_careful() {
                    self.counter.count_careful(&self.program);
                }
                self.counter.time(started.elapsed());
            }
        }
        if self.total == 1 {
            self.first();
        }
        if let Some(class) = verdict.finding() {
            self.found(class);
        }
    }

    #[cold]
    fn first(&mut self) {
        if let Some(path) = &self.first {
            // Only a courtesy to whoever waits for it.
            let _ = File::create(path);
        }
    }

    #[cold]
    fn found(&mut self, class: FindingClass) {
        // engines start several processes, one after another and in parallel
        if !self.seen.insert(class) || self.found_already(class) {
            return;
        }
        let when = (self.total, self.started.elapsed());
        let program = self.program;
        let small = minimise::minimise(&mut self.oracle, &program, minimise::DEFAULT_RUNS);
        let (program, verdict) = match small {
            Some(small) => (small.program, small.verdict),
            // the finding cannot be repeated: the harness is not deterministic
            None => {
                say!("error: a finding cannot be repeated: {class:?}");
                (program, self.oracle.judge(&program))
            }
        };
        if let Err(error) = self.save(&program, &verdict, class, when) {
            say!("error: cannot save the reproducer: {error}");
        }
        self.flush();
        if !self.keep_going {
            std::process::abort();
        }
    }

    fn found_already(&self, class: FindingClass) -> bool {
        let class = class_name(class);
        self.keep_going
            && self
                .found
                .as_ref()
                .and_then(|path| fs::read_to_string(path).ok())
                .is_some_and(|list| list.lines().any(|line| line.starts_with(&class)))
    }

    fn save(
        &mut self,
        program: &Program,
        verdict: &Verdict,
        class: FindingClass,
        (programs, time): (u64, Duration),
    ) -> io::Result<()> {
        let mut path = None;
        if let Some(out) = &self.out {
            let saved = report::save_reproducer(out, &self.oracle, program, verdict, &self.origin)?;
            path = Some(saved);
        }
        let shown = path.as_deref().map(report::near);
        let report = report::report(
            &self.oracle,
            program,
            verdict,
            shown.as_deref(),
            &self.origin,
        );
        say!("\n{report}");
        if let Some(path) = path {
            // engines hide the output of a target
            report::write_atomically(&path.with_extension("txt"), report.as_bytes())?;
            if let Some(found) = &self.found {
                let (class, path) = (class_name(class), path.display());
                let line = format!("{class} {programs} {} {path}\n", time.as_millis());
                let mut file = File::options().create(true).append(true).open(found)?;
                file.write_all(line.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Adds the counts to the statistics file.
    fn flush(&mut self) {
        self.written = Instant::now();
        if let Some(path) = &self.stats {
            let stats = self.counter.take();
            if let Err(error) = add_stats(path, &stats) {
                say!("error: {}: {error}", path.display());
            }
        }
    }

    fn cross(&mut self, a: &[u8], b: &[u8], out: &mut [u8], seed: u32) -> usize {
        let room = out.len();
        mutate::crossover_bytes(a, b, out, room, seed.into(), &self.profile)
    }

    fn mutate(&mut self, data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
        mutate::mutate_bytes(data, size, max_size, seed.into(), &self.profile)
    }
}

/// The value; or prints the error and exits with status 2.
fn or_exit<T>(result: Result<T, impl fmt::Display>) -> T {
    result.unwrap_or_else(|error| {
        say!("error: {error}");
        if let Some(path) = env::var_os("GUPDIFF_ERROR") {
            // Only a courtesy to whoever started us.
            let _ = report::write_atomically(path.as_ref(), error.to_string().as_bytes());
        }
        std::process::exit(2);
    })
}

/// A word for a class of findings.
pub fn class_name(class: FindingClass) -> String {
    format!("{:016x}", report::hash(format!("{class:?}").as_bytes()))
}

/// Adds statistics to a file, which several processes may do at once.
pub fn add_stats(path: &Path, stats: &Stats) -> io::Result<()> {
    let mut lock_name = path.as_os_str().to_owned();
    lock_name.push(".lock");
    let lock = File::create(&lock_name)?;
    // SAFETY: an open file; the lock goes away with it.
    if unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut sum: Stats = match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => Stats::default(),
    };
    sum.merge(stats);
    let mut bytes = serde_json::to_vec(&sum).map_err(io::Error::other)?;
    bytes.write_all(b"\n")?;
    report::write_atomically(path, &bytes)
}

thread_local! {
    // never dropped, so that it can be used when the process exits
    static TARGET: RefCell<ManuallyDrop<Option<Target>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}

extern "C" fn at_exit() {
    let _ = TARGET.try_with(|target| {
        if let Ok(mut target) = target.try_borrow_mut()
            && let Some(target) = target.as_mut()
        {
            target.flush();
        }
    });
}

fn with<R>(act: impl FnOnce(&mut Target) -> R) -> R {
    TARGET.with_borrow_mut(|target| {
        let target = target.get_or_insert_with(|| {
            // SAFETY: the function has the right type and is static
            unsafe { libc::atexit(at_exit) };
            Target::from_env()
        });
        act(target)
    })
}

/// Makes memory faults of the harness abort, for an engine without its own handler.  Call
/// it before [`init`]; faults of kernel code are still handled by the side.
pub fn abort_on_faults() {
    extern "C" fn abort(_signal: libc::c_int) {
        std::process::abort();
    }
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL] {
        // SAFETY: the handler only ends the process
        unsafe { libc::signal(signal, abort as *const () as libc::sighandler_t) };
    }
}

/// Opens the sides before an engine forks, so that this is done only once.
pub fn init() {
    with(|_| ());
}

/// Runs the program that the bytes encode, on the environment's sides.
pub fn run_bytes(bytes: &[u8]) {
    with(|target| target.run_bytes(bytes));
}

/// Mutates the program in the first `size` bytes of `data`; returns the new size.
pub fn mutate_bytes(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    with(|target| target.mutate(data, size, max_size, seed))
}

/// Combines two programs; returns the size of the result.
pub fn crossover_bytes(a: &[u8], b: &[u8], out: &mut [u8], seed: u32) -> usize {
    with(|target| target.cross(a, b, out, seed))
}
