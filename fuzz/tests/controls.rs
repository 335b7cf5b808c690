// SPDX-License-Identifier: GPL-2.0
//! The oracle itself is tested: faults planted on either side must be found,
//! harmless changes must not be.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};

use gup_controls::{Control, Kind};
use gup_faults::fault::{self, Fault};
use gup_fuzz::hunt::{Catch, hunt};
use gup_fuzz::input;
use gup_fuzz::ops::{self, Layer, Rev};
use gup_fuzz::oracle::Oracle;
use gup_fuzz::program::Program;
use gup_fuzz::program::generate::{Focus, Profile};
use gup_fuzz::side::c::CSide;
use gup_fuzz::side::{self, Pair, Side};
use gup_sides::{Recipe, Store, overlay};

/// Programs within which a planted fault must be found.
const WITHIN: u64 = 200_000;
/// Programs that a harmless change must survive.
const HARMLESS: u64 = 50_000;
const SEED: u64 = 20191209;

/// A fault of the Rust code is selected for the whole process: with it nothing
/// else can be tested.
static RUST_FAULTS: RwLock<()> = RwLock::new(());

/// The shipped corpus; with `GUPDIFF_CONTROLS_CORPUS=none` nothing, to see how
/// long it takes from there.
fn corpus() -> Vec<Program> {
    if std::env::var("GUPDIFF_CONTROLS_CORPUS").is_ok_and(|which| which == "none") {
        return Vec::new();
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    input::programs(&[dir]).expect("the shipped corpus can be read")
}

/// What the programs against a control should be about: it says so itself if
/// it is in the walk of page tables.
fn focus(control: &str) -> Focus {
    match control.starts_with("walk-") {
        true => Focus::Lockless,
        false => Focus::All,
    }
}

/// Does this revision have the walk at all? The FOLL_PIN series has not.
fn has_walk(rev: Rev) -> bool {
    let walks = |op: &ops::OpInfo| op.layer == Layer::Lockless && op.name(rev).is_some();
    ops::table().iter().any(walks)
}

fn walks(program: &Program) -> bool {
    let layer = |id| ops::info(id).map(|op| op.layer);
    let mut ops = program.ops().iter();
    ops.any(|op| layer(op.op) == Some(Layer::Lockless))
}

fn campaign(pair: Pair, corpus: &[Program], focus: Focus, limit: u64) -> Option<Catch> {
    let info = pair.left.info();
    let profile = Profile::new(info.rev).debug_vm(info.debug_vm);
    let mut corpus = corpus.to_vec();
    let profile = match focus {
        _ if !has_walk(info.rev) => profile.focus(Focus::Page),
        Focus::Lockless => {
            corpus.sort_by_key(|program| !walks(program));
            profile.focus(focus)
        }
        _ => profile.focus(focus),
    };
    hunt(&mut Oracle::new(pair), &corpus, &profile, SEED, limit)
}

/// Controls are made of the kernels with CONFIG_DEBUG_VM.
const BASES: [&str; 2] = ["6.1", "6.12"];

/// A control on one kernel: its side, which nobody lists.
fn control_side(control: &Control, base: &str) -> CSide {
    let store = Store::find();
    let recipe = Recipe::find(&store, base).expect("recipes can be read");
    let mut recipe = recipe.expect("the kernel is prepared: make setup");
    let tree = recipe.source(&store, true).expect("its tree is there").tree;
    let rendered = control
        .render(base, &tree.src)
        .unwrap_or_else(|e| panic!("{e}"));
    let files = [(rendered.file, rendered.patched.into_bytes())];
    recipe.overlay = Some(overlay::keep(&store, &files).expect("it can be written"));
    recipe.name = format!("{base}+{}", control.name);
    recipe.quick = true;
    CSide::make(&recipe, true).unwrap_or_else(|e| panic!("{}: {e}", recipe.name))
}

/// Every control of a kind on every kernel that has its code, on as many threads
/// as there are processors: the side's name, and what was found within so many
/// programs.
fn tried(kind: Kind, limit: u64) -> Vec<(String, Option<Catch>)> {
    let corpus = corpus();
    let all = gup_controls::load();
    let mut todo = Vec::new();
    for control in all.iter().filter(|control| control.kind == kind) {
        let bases = BASES.into_iter().filter(|base| control.applies_to(base));
        todo.extend(bases.map(|base| (control, base)));
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((control, base)) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
            let side = control_side(control, base);
            let name = side.info().name.clone();
            let right = side::open(&format!("rust:{base}")).expect("the rules exist");
            let pair = Pair {
                left: Box::new(side),
                right,
            };
            let catch = campaign(pair, &corpus, focus(&control.name), limit);
            done.lock().unwrap().push((name, catch));
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by(|(a, _), (b, _)| a.cmp(b));
    done
}

/// How many programs it took, for those who follow how well faults are found.
fn print_figures(done: &[(String, Option<Catch>)]) {
    let mut programs: Vec<u64> = done
        .iter()
        .filter_map(|(_, catch)| catch.as_ref().map(|catch| catch.programs))
        .collect();
    programs.sort_unstable();
    if let Some(most) = programs.last() {
        let median = programs[programs.len() / 2];
        println!(
            "{} found: {median} programs in the median, {most} at most",
            programs.len()
        );
    }
}

#[test]
fn every_fault_of_the_c_side_is_found() {
    let _none = RUST_FAULTS.read().unwrap_or_else(|e| e.into_inner());
    let done = tried(Kind::Fault, WITHIN);
    for (name, catch) in &done {
        if let Some(catch) = catch {
            println!("{name}: after {} programs", catch.programs);
        }
    }
    print_figures(&done);
    let missed: Vec<_> = done.iter().filter(|(_, catch)| catch.is_none()).collect();
    assert!(done.len() >= 350, "only {} faults were planted", done.len());
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

#[test]
fn every_harmless_change_of_the_c_side_ends_clean() {
    let _none = RUST_FAULTS.read().unwrap_or_else(|e| e.into_inner());
    let done = tried(Kind::Harmless, HARMLESS);
    for (name, catch) in &done {
        assert!(catch.is_none(), "{name} is harmless, but: {catch:?}");
    }
    assert!(
        done.len() >= 40,
        "only {} harmless changes were made",
        done.len()
    );
}

#[test]
fn every_fault_of_the_rust_side_is_found() {
    let _one = RUST_FAULTS.write().unwrap_or_else(|e| e.into_inner());
    let corpus = corpus();
    let (mut missed, mut tried) = (Vec::new(), 0);
    for &planted in Fault::ALL {
        for rules in gup_faults::Rules::ALL.iter().filter(|r| planted.applies(r)) {
            tried += 1;
            fault::select(Some(planted));
            let name = rules.name();
            let (left, right) = (format!("c:{name}"), format!("rust:{name}"));
            let hunt = |focus| {
                let pair = Pair::open(&left, &right).expect("the sides exist");
                campaign(pair, &corpus, focus, WITHIN)
            };
            // the walk uses much of the page level, where some faults show best
            let catch = match focus(planted.name()) {
                Focus::Lockless => hunt(Focus::Lockless),
                _ => hunt(Focus::All).or_else(|| hunt(Focus::Lockless)),
            };
            fault::select(None);
            match catch {
                Some(catch) => println!(
                    "{name} {}: after {} programs",
                    planted.name(),
                    catch.programs
                ),
                None => missed.push(format!("{name} {}", planted.name())),
            }
        }
    }
    assert!(tried >= 40, "only {tried} faults were planted");
    assert!(missed.is_empty(), "not found: {missed:#?}");
}
