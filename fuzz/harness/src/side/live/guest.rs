// SPDX-License-Identifier: GPL-2.0
//! A machine that runs the kernel under test: a QEMU process, which ends with this object,
//! and its console.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use csrc::abi;

use super::kit::Kit;
use super::shared::{Shared, memory_file};
use super::{Error, initramfs};

/// The emulator.
const QEMU: &str = "qemu-system-x86_64";
/// A kernel boots in 4 to 6 seconds.
const BOOT: Duration = Duration::from_secs(120);
/// A program takes less than a millisecond.
const STUCK: Duration = Duration::from_secs(20);
/// Lines of the console that are kept for a message: an oops has some dozens.
const TAIL: usize = 64;

/// What the guest calls on mappings of its own before it serves.
#[derive(Clone, Copy)]
pub enum Calls {
    /// Nothing.
    None,
    /// Those that it knows, and so many on random mappings.
    Some {
        /// How many.
        nr: u32,
        /// Of the random numbers.
        seed: u64,
    },
}

/// One boot.
pub struct Guest {
    /// What is shared with it.
    pub shared: Shared,
    qemu: Child,
    console: Arc<Mutex<VecDeque<String>>>,
}

impl Guest {
    /// Boots the kernel and waits until it is ready to serve, when it has made its
    /// calls on real mappings.
    pub fn boot(kit: &Kit, calls: Calls) -> Result<Self, Error> {
        let failed = |what: &str, error: std::io::Error| Error::Boot {
            what: format!("{what}: {error}"),
            console: String::new(),
        };
        let shared = Shared::new().map_err(|e| failed("the shared memory", e))?;
        let mut initrd = memory_file(c"gupdiff-initramfs").map_err(|e| failed("memory", e))?;
        initrd
            .write_all(&initramfs::archive(&kit.init, &kit.module))
            .map_err(|e| failed("the guest's files", e))?;
        let mut command = Command::new(QEMU);
        command
            // KVM is faster, but not available everywhere, and differs between machines
            .args(["-accel", "tcg,thread=single"])
            .args(["-cpu", "max", "-smp", "1", "-m", "1024"])
            .args(["-nodefaults", "-no-user-config", "-display", "none"])
            .args(["-serial", "stdio", "-no-reboot"])
            .arg("-kernel")
            .arg(&kit.kernel)
            .arg("-initrd")
            .arg(format!("/proc/self/fd/{}", initrd.as_raw_fd()))
            .args(["-append", &command_line(calls)])
            .arg("-object")
            .arg(format!(
                "memory-backend-file,id=shared,share=on,mem-path={},size={}",
                shared.path(),
                abi::GD_LIVE_SIZE
            ))
            .args(["-device", "ivshmem-plain,memdev=shared"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for gupdiff only
            .process_group(0);
        // SAFETY: only a system call between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let mut qemu = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NoQemu,
            _ => failed(QEMU, error),
        })?;
        let console = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(out) = qemu.stdout.take() {
            listen(out, &console);
        }
        if let Some(err) = qemu.stderr.take() {
            listen(err, &console);
        }
        let mut guest = Self {
            shared,
            qemu,
            console,
        };
        guest.wait_for_boot()?;
        Ok(guest)
    }

    fn wait_for_boot(&mut self) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            match self.shared.state() {
                abi::GD_LIVE_READY => return Ok(()),
                abi::GD_LIVE_FAILED => {
                    let words = self.shared.words();
                    return Err(self.error(format!("the module does not load: {words}")));
                }
                _ => {}
            }
            if let Some(how) = self.ended() {
                let how = self.last_words().unwrap_or(how);
                return Err(self.error(format!("the guest does not boot: {how}")));
            }
            if started.elapsed() > BOOT {
                let what = format!("the guest does not boot within {} s", BOOT.as_secs());
                return Err(self.error(what));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the batch that was posted; the error says how the guest died.
    pub fn wait(&mut self) -> Result<(), String> {
        let mut last = (self.shared.progress(), Instant::now());
        let mut idle = Duration::from_micros(5);
        while !self.shared.is_done() {
            if let Some(how) = self.ended() {
                return Err(how);
            }
            let progress = self.shared.progress();
            if progress != last.0 {
                last = (progress, Instant::now());
            } else if last.1.elapsed() > STUCK {
                return Err(format!("no progress for {} s", STUCK.as_secs()));
            }
            thread::sleep(idle);
            idle = (idle * 2).min(Duration::from_millis(2));
        }
        Ok(())
    }

    /// How QEMU ended, if it has ended.
    fn ended(&mut self) -> Option<String> {
        match self.qemu.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => {
                // its last output may not have arrived yet
                thread::sleep(Duration::from_millis(100));
                Some(format!("QEMU ended ({status})"))
            }
            Err(error) => Some(format!("QEMU cannot be waited for: {error}")),
        }
    }

    /// The messages of init and the module.
    fn last_words(&self) -> Option<String> {
        let lines = self.console.lock().unwrap_or_else(|e| e.into_inner());
        let words = |line: &String| Some(line.split_once("gupdiff: ")?.1.to_string());
        lines.iter().rev().find_map(words)
    }

    /// The last lines of the console.
    pub fn console(&self) -> String {
        let lines = self.console.lock().unwrap_or_else(|e| e.into_inner());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    fn error(&self, what: String) -> Error {
        Error::Boot {
            what,
            console: self.console(),
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Killing it loses nothing; it may have ended already.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// An oops outside of an operation is the end of the guest.  What is user
/// memory comes from ZONE_MOVABLE, so that a long-term pin has something to do.
/// Which page is the zero page is the program's to say, also where that is read-only
/// after boot.
fn command_line(calls: Calls) -> String {
    // On a busy host the timer's interrupts come too late for the check of it.
    let mut line = String::from(
        "console=ttyS0 quiet panic=-1 oops=panic nokaslr no5lvl mitigations=off \
         no_timer_check movablecore=512M secretmem.enable=1 rodata=off",
    );
    if let Calls::Some { nr, seed } = calls {
        // for init, as variables
        line.push_str(" gupdiff_mappings=1");
        line.push_str(&format!(" gupdiff_plans={nr} gupdiff_seed={seed}"));
    }
    line
}

fn listen(from: impl Read + Send + 'static, console: &Arc<Mutex<VecDeque<String>>>) {
    let console = Arc::clone(console);
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_string();
            if line.is_empty() {
                continue;
            }
            let mut lines = console.lock().unwrap_or_else(|e| e.into_inner());
            lines.push_back(line);
            if lines.len() > TAIL {
                lines.pop_front();
            }
        }
    });
}
