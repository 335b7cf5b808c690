// SPDX-License-Identifier: GPL-2.0
//! The processes of the engines.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Config, Engine, Error, Folder, Plan, io_error};
use crate::layer;
use crate::side::c;

/// The engines' processes, in their own process groups, so that Ctrl-C only reaches this
/// process.
pub(super) struct Children(Vec<(Engine, Child)>);

impl Children {
    /// Starts all of them; `objects` are the sides' objects for each engine's targets, see
    /// [`c::OBJECTS`].
    pub(super) fn start(
        config: &Config,
        folder: &Folder,
        objects: &[String],
    ) -> Result<Self, Error> {
        let mut children = Self(Vec::new());
        for (plan, objects) in config.plans.iter().zip(objects) {
            for mut command in plan.engine.commands(config, plan, folder)? {
                environment(&mut command, config, plan, folder);
                command.env(c::OBJECTS, objects);
                own_group(&mut command, &folder.log_of(plan.engine))?;
                let program = command.get_program().to_string_lossy().into_owned();
                match command.spawn() {
                    Ok(child) => children.0.push((plan.engine, child)),
                    Err(error) => {
                        children.stop();
                        return Err(Error::Io {
                            what: format!("{program} cannot be started"),
                            error,
                        });
                    }
                }
            }
        }
        Ok(children)
    }

    /// The engine and exit status of a process that has ended, if one has.
    pub(super) fn ended(&mut self) -> Option<(Engine, String)> {
        self.0
            .iter_mut()
            .find_map(|(engine, child)| match child.try_wait() {
                Ok(Some(status)) => Some((*engine, status.to_string())),
                Ok(None) => None,
                Err(error) => Some((*engine, error.to_string())),
            })
    }

    /// Ends all of them: first with SIGTERM, then with SIGKILL.
    pub(super) fn stop(&mut self) {
        for (_, child) in &self.0 {
            signal(child, libc::SIGTERM);
        }
        let started = Instant::now();
        for (_, child) in &mut self.0 {
            while started.elapsed() < Duration::from_secs(5) {
                match child.try_wait() {
                    Ok(None) => thread::sleep(Duration::from_millis(20)),
                    _ => break,
                }
            }
            // kill the other processes of the group, too
            signal(child, libc::SIGKILL);
            // it is dead or dying; if waiting fails, nothing can be done
            let _ = child.wait();
        }
        self.0.clear();
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sets the environment variables of a target.
fn environment(command: &mut Command, config: &Config, plan: &Plan, folder: &Folder) {
    command
        .env("GUPDIFF_LEFT", &config.left)
        .env("GUPDIFF_RIGHT", &config.right)
        .env("GUPDIFF_LAYER", layer::name(config.layer))
        .env("GUPDIFF_OUT", folder.findings_dir())
        .env("GUPDIFF_FIRST", folder.first_file())
        .env("GUPDIFF_FOUND", folder.found_file())
        .env("GUPDIFF_ERROR", folder.error_file())
        .env("GUPDIFF_STATS", folder.stats_of(plan.engine))
        .env(
            "GUPDIFF_KEEP_GOING",
            if config.keep_going { "1" } else { "" },
        )
        .env("GUPDIFF_EMPTY", if config.empty { "1" } else { "" });
    match &config.make {
        Some(make) => command.env("GUPDIFF_MAKE", make),
        None => command.env_remove("GUPDIFF_MAKE"),
    };
}

/// Starts it in a process group of its own, with output to a log.  The system kills it when
/// this process ends: an engine must not write to a folder that another campaign uses.
fn own_group(command: &mut Command, log: &Path) -> Result<(), Error> {
    use std::os::unix::process::CommandExt;
    let log_of = |error| io_error(log.display().to_string())(error);
    let out = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .map_err(log_of)?;
    let err = out.try_clone().map_err(log_of)?;
    command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .process_group(0);
    let parent = std::process::id() as libc::pid_t;
    let die_with_us = move || {
        // SAFETY: system calls in the child before exec
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            // it ended before the request, so there will be no signal
            if libc::getppid() != parent {
                libc::_exit(1);
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec, only system calls
    unsafe { command.pre_exec(die_with_us) };
    Ok(())
}

fn signal(child: &Child, signal: libc::c_int) {
    // SAFETY: a process group that we made and have not waited for
    unsafe { libc::kill(-(child.id() as libc::pid_t), signal) };
}
