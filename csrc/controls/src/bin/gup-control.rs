// SPDX-License-Identifier: GPL-2.0
//! Prints a control as a patch: `gup-control NAME KERNEL TREE`.

use std::env;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [name, kernel, tree] = args.as_slice() else {
        eprintln!("error: gup-control NAME KERNEL TREE");
        return ExitCode::from(2);
    };
    let Some(control) = gup_controls::load().into_iter().find(|c| c.name == *name) else {
        eprintln!("error: there is no control {name}");
        return ExitCode::from(2);
    };
    match control.render(kernel, Path::new(tree)) {
        Ok(rendered) => {
            print!("{}", rendered.diff());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
