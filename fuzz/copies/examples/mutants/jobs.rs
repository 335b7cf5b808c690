// SPDX-License-Identifier: GPL-2.0
//! Runs each mutant in a process of its own: it may crash or hang.

use std::collections::{BTreeMap, HashMap};
use std::process;

use crate::End;

/// Seconds of processor time for a hunt, several times what it needs: more is an endless loop.
const LIMIT: libc::rlim_t = 60;

/// From now on this process has `LIMIT` seconds.
pub fn limit_time() {
    let limit = libc::rlimit {
        rlim_cur: LIMIT,
        rlim_max: LIMIT,
    };
    // SAFETY: is about this process only
    unsafe { libc::setrlimit(libc::RLIMIT_CPU, &limit) };
}

/// Does `work` for all numbers, as many at a time as there are processors.
pub fn run(numbers: &[usize], work: impl Fn(&usize) -> End) -> BTreeMap<usize, End> {
    let slots = std::thread::available_parallelism().map_or(1, |n| n.get());
    let (mut running, mut ends) = (HashMap::new(), BTreeMap::new());
    let mut todo = numbers.iter();
    loop {
        while running.len() < slots
            && let Some(nr) = todo.next()
        {
            // SAFETY: this process has one thread
            match unsafe { libc::fork() } {
                0 => process::exit(work(nr) as i32),
                child @ 1.. => drop(running.insert(child, *nr)),
                _ => panic!("fork: {}", std::io::Error::last_os_error()),
            }
        }
        if running.is_empty() {
            return ends;
        }
        let mut status = 0;
        // SAFETY: waits for a child of this process
        let child = unsafe { libc::wait(&mut status) };
        let nr = running.remove(&child).expect("it was started here");
        let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
        ends.insert(nr, End::of_code(code));
    }
}
