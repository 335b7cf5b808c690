// SPDX-License-Identifier: GPL-2.0
//! The oracle itself is tested: faults planted on either side must be found,
//! harmless changes must not be.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gup_controls::{Control, Kind};
use gup_faults::Rules;
use gup_faults::fault::{self, Fault, Layer};
use gup_sides::tree::{Tree, tested_names, tested_sides, untried};
use gup_sides::{Recipe, Store, overlay};
use harness::hunt::{Catch, hunt};
use harness::input;
use harness::layer;
use harness::ops;
use harness::oracle::Oracle;
use harness::program::Program;
use harness::program::profile::{Focus, Profile};
use harness::program::text;
use harness::rev::{Fact, Rev};
use harness::side::c::CSide;
use harness::side::{self, Pair, Side};

/// Programs within which a planted fault must be found.
const WITHIN: u64 = 200_000;
/// Programs that a harmless change must survive.
const HARMLESS: u64 = 50_000;
const SEED: u64 = 20191209;

/// What every hunt begins with.
struct Corpus {
    all: Vec<Program>,
    walks_first: Vec<Program>,
    slow_first: Vec<Program>,
}

impl Corpus {
    /// The shipped corpus; with `GUPDIFF_CONTROLS_CORPUS=none` nothing, to see
    /// how long it takes from there.
    fn read() -> Self {
        let mut all = Vec::new();
        if std::env::var_os("GUPDIFF_CONTROLS_CORPUS").is_none_or(|which| which != "none") {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
            all = input::programs(&[dir]).expect("the shipped corpus can be read");
        }
        let mut walks_first = all.clone();
        walks_first.sort_by_key(|program| !walks(program));
        let mut slow_first = all.clone();
        slow_first.sort_by_key(|program| layer::of(program) != Focus::Slow);
        Self {
            all,
            walks_first,
            slow_first,
        }
    }
}

/// What the programs against a control should be about: it says so itself if
/// it is in a walk of page tables.
fn focus(control: &str) -> Focus {
    match control.split_once('-') {
        Some(("walk", _)) => Focus::Lockless,
        Some(("slow", _)) => Focus::Slow,
        _ => Focus::All,
    }
}

fn walks(program: &Program) -> bool {
    let mut ops = program.ops().iter();
    ops.any(|op| ops::info(op.op).is_some_and(|op| op.is_walk()))
}

fn campaign(oracle: &mut Oracle, corpus: &Corpus, focus: Focus, limit: u64) -> Option<Catch> {
    let info = oracle.pair().left.info();
    let focus = if info.rev.has(Fact::Walk) {
        focus
    } else {
        Focus::Page
    };
    let corpus = match focus {
        Focus::Lockless => &corpus.walks_first,
        Focus::Slow => &corpus.slow_first,
        _ => &corpus.all,
    };
    let profile = Profile::new(info.rev).debug_vm(info.debug_vm).focus(focus);
    hunt(oracle, corpus, &profile, SEED, limit)
}

/// Does `work` for all of a list, on as many threads as there are processors; the
/// results come in any order.
fn on_all_processors<T: Sync, R: Send>(todo: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let one_thread = || {
        while let Some(one) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(one);
            done.lock().unwrap().push(result);
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        (0..threads).for_each(|_| drop(scope.spawn(one_thread)));
    });
    done.into_inner().unwrap()
}

/// What a kernel is made of, and its tree.
fn prepared(base: &str) -> (Recipe, Tree) {
    let store = Store::find();
    let recipe = Recipe::find(&store, base).expect("recipes can be read");
    let recipe = recipe.expect("the kernel is prepared: make setup");
    let tree = recipe.source(&store, true).expect("its tree is there").tree;
    (recipe, tree)
}

/// Whether a kernel has the lines that a control is about.
fn fits(control: &Control, base: &str) -> bool {
    control.render(base, &prepared(base).1.src).is_ok()
}

/// A control on one kernel: its side, which nobody lists; or why it does not
/// compile.
fn control_side(control: &Control, base: &str) -> Result<CSide, String> {
    let store = Store::find();
    let (mut recipe, tree) = prepared(base);
    let rendered = control
        .render(base, &tree.src)
        .unwrap_or_else(|e| panic!("{e}"));
    let files = [(rendered.file, rendered.patched.into_bytes())];
    recipe.overlay = Some(overlay::keep(&store, &files).expect("it can be written"));
    recipe.name = format!("{base}+{}", control.name);
    recipe.quick = true;
    recipe.bodies_only = true;
    CSide::make(&recipe, true).map_err(|e| format!("{}: {e}", recipe.name))
}

/// Is everything tried everywhere?  It takes more than three times as long.
fn on_all() -> bool {
    std::env::var_os("GUPDIFF_ALL_CONTROLS").is_some_and(|all| all == "1")
}

/// `GUPDIFF_CONTROLS=NAME` or `NAME@KERNEL`: only controls whose names begin so are
/// tried, on that kernel only.
fn only() -> Option<(String, Option<String>)> {
    let only = std::env::var("GUPDIFF_CONTROLS").ok()?;
    Some(match only.split_once('@') {
        Some((name, kernel)) => (name.into(), Some(kernel.into())),
        None => (only, None),
    })
}

/// Of the places where a control of that name can be tried: all, or the one that
/// the name leads to, the same on every machine.
fn places<T: Clone>(name: &str, all: &[T]) -> Vec<T> {
    if on_all() || all.is_empty() {
        return all.to_vec();
    }
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    vec![all[((hash >> 32) % all.len() as u64) as usize].clone()]
}

/// Every control of a kind on one of the kernels that have its code, or on all of
/// them: the side's name, and what was found within so many programs.
fn tried(kind: Kind, limit: u64) -> Vec<(String, Option<Catch>)> {
    let corpus = Corpus::read();
    let all = gup_controls::load();
    let mut todo = Vec::new();
    let (named, on) = only().unwrap_or_default();
    let wanted = |control: &&Control| control.kind == kind && control.name.starts_with(&named);
    for control in all.iter().filter(wanted) {
        // with CONFIG_DEBUG_VM
        let bases = tested_names().filter(|base| on.as_ref().is_none_or(|on| on == base));
        let bases = bases.filter(|base| control.applies_to(base));
        // the test of gup-controls names those that do not
        let bases = bases.filter(|base| untried(base).is_none() || fits(control, base));
        let bases = places(&control.name, &bases.collect::<Vec<_>>());
        todo.extend(bases.into_iter().map(|base| (control, base)));
    }
    let done = on_all_processors(&todo, |(control, base)| {
        let side = control_side(control, base)?;
        let name = side.info().name.clone();
        let right = side.info().counterpart.clone().expect("a kernel has rules");
        let right = side::open(&right).expect("the rules exist");
        let mut oracle = Oracle::new(Pair {
            left: Box::new(side),
            right,
        });
        let catch = campaign(&mut oracle, &corpus, focus(&control.name), limit);
        Ok((name, catch))
    });
    let (done, broken): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    let broken: Vec<String> = broken.into_iter().filter_map(Result::err).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let mut done: Vec<_> = done.into_iter().flatten().collect();
    done.sort_by(|(a, _), (b, _)| a.cmp(b));
    done
}

/// All of these, and at least so many, must have been found.  Prints how many
/// programs it took, for those who follow how well faults are found.
fn check_all_found(done: &[(String, Option<Catch>)], at_least: usize) {
    let (mut programs, mut missed) = (Vec::new(), Vec::new());
    for (name, catch) in done {
        match catch {
            Some(catch) => {
                println!("{name}: after {} programs", catch.programs);
                programs.push(catch.programs);
            }
            None => missed.push(name),
        }
    }
    programs.sort_unstable();
    if let Some(most) = programs.last() {
        let median = programs[programs.len() / 2];
        println!(
            "{} found: {median} programs in the median, {most} at most",
            programs.len()
        );
    }
    let planted = done.len();
    let at_least = if only().is_some() { 0 } else { at_least };
    assert!(planted >= at_least, "only {planted} faults were planted");
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

#[test]
fn every_fault_of_the_c_side_is_found() {
    let least = if on_all() {
        120 * tested_names().count()
    } else {
        200
    };
    check_all_found(&tried(Kind::Fault, WITHIN), least);
}

#[test]
fn every_harmless_change_of_the_c_side_ends_clean() {
    let done = tried(Kind::Harmless, HARMLESS);
    let found = done
        .iter()
        .filter_map(|(name, catch)| Some((name, catch.as_ref()?)));
    let found: Vec<String> = found
        .map(|(name, catch)| {
            let program = text::format(&catch.program, Rev::V6_12);
            format!("{name}: {:?}\n{program}", catch.verdict)
        })
        .collect();
    assert!(found.is_empty(), "harmless, but:\n{}", found.join("\n"));
    let least = match (only(), on_all()) {
        (Some(_), _) => 0,
        (None, true) => 18 * tested_names().count(),
        (None, false) => 20,
    };
    assert!(
        done.len() >= least,
        "only {} harmless changes were made",
        done.len()
    );
}

/// Faults of functions that crate gup has under any rules, and the operations that
/// run them: 5.10 lacks these, so no program comes there.
const OF_OPERATIONS: [(&str, &str); 5] = [
    ("cow-has-pinned", "needs-cow-for-dma"),
    ("put-refs-not-freed", "folio-put-refs"),
    ("range-walk-from-head", "unpin-user-page-range-dirty-lock"),
    ("range-walk-unclamped", "unpin-user-page-range-dirty-lock"),
    ("secretmem-compound", "is-secretmem"),
];

/// Whether a kernel has the operation that shows a fault.
fn can_be_run(fault: &Fault, rules: &Rules) -> bool {
    let rev: Rev = rules.revision.name().parse().expect("it has that name");
    let operation = OF_OPERATIONS.iter().find(|(name, _)| *name == fault.name());
    operation.is_none_or(|(_, role)| {
        let op = ops::table().iter().find(|op| op.role == *role);
        rev.is_series() || op.expect("the operation exists").name(rev).is_some()
    })
}

/// Those of some rules that a fault shows under, and that tests have a kernel for.
fn shown_by(fault: &Fault, among: &[Rules]) -> Vec<&'static str> {
    let there =
        |rules: &&Rules| rules.is_series() || tested_sides().any(|name| name == rules.name());
    let rules = among.iter().filter(there);
    let rules = rules.filter(|rules| fault.applies(rules) && can_be_run(fault, rules));
    rules.map(Rules::name).collect()
}

/// Is a fault tried under these rules?  Under those of one kernel, and of one
/// version of the series; or wherever it shows.
fn is_tried(fault: &Fault, rules: &Rules) -> bool {
    let among: &[Rules] = match rules.is_series() {
        true => &Rules::SERIES,
        false => &Rules::KERNELS,
    };
    places(fault.name(), &shown_by(fault, among)).contains(&rules.name())
}

/// Every fault of the Rust side that makes a difference under some rules, on two
/// sides that are opened once: its name, and what was found.
fn tried_on_rust(rules: &Rules, corpus: &Corpus) -> Vec<(String, Option<Catch>)> {
    let name = rules.name();
    let (left, right) = (format!("c:{name}"), format!("rust:{name}"));
    let mut oracle = Oracle::new(Pair::open(&left, &right).expect("the sides exist"));
    let mut hunt = |focus| campaign(&mut oracle, corpus, focus, WITHIN);
    let planted = Fault::ALL.iter().filter(|fault| is_tried(fault, rules));
    planted
        .map(|&planted| {
            fault::select(Some(planted));
            // the walk uses much of the page level, where some faults show best
            let catch = match (planted.layer(), focus(planted.name())) {
                (Layer::Slow, _) => hunt(Focus::Slow),
                (_, Focus::Lockless) => hunt(Focus::Lockless),
                _ => hunt(Focus::All).or_else(|| hunt(Focus::Lockless)),
            };
            fault::select(None);
            (format!("{name} {}", planted.name()), catch)
        })
        .collect()
}

#[test]
fn every_fault_of_the_rust_side_is_found() {
    gup_copies::replace();
    let corpus = Corpus::read();
    let tested = |rules: &Rules| tested_sides().any(|name| name == rules.name());
    let all = Rules::ALL.into_iter();
    let sides: Vec<Rules> = all.filter(|r| r.is_series() || tested(r)).collect();
    let done = on_all_processors(&sides, |rules| tried_on_rust(rules, &corpus));
    let done: Vec<_> = done.into_iter().flatten().collect();
    let least = if on_all() { 950 } else { 130 };
    check_all_found(&done, least);
}
