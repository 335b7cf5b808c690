// SPDX-License-Identifier: GPL-2.0
//! The command line: exit status, messages, and input that is wrong.

use std::fs;
use std::path::Path;

use crate::command::{err, gupdiff, out, write};
use harness::explain::Rules;
use harness::input;
use harness::ops::Rev;
use harness::program::generate;
use harness::program::profile::Profile;
use harness::program::rng::Rng;
use harness::program::text;

const DIFFERENT: [&str; 4] = ["--left", "rust:6.1", "--right", "rust:6.1-nodebug"];

#[test]
fn run_tells_by_its_status_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    let same = write(dir.path(), "same.gup", "page p\nget_page p\n");
    let other = write(dir.path(), "other.gup", "page p ref=0\nget_page p\n");
    let wrong = write(dir.path(), "wrong.gup", "page p\nget_page\n");
    let run = |path: &str| gupdiff(&[&["run", path], &DIFFERENT[..]].concat());
    assert_eq!(run(&same).status.code(), Some(0));
    let found = run(&other);
    assert_eq!(found.status.code(), Some(1));
    assert!(out(&found).contains(">>> get_page p"), "{}", out(&found));
    let bad = run(&wrong);
    assert_eq!(bad.status.code(), Some(2));
    assert!(err(&bad).contains("wrong.gup:2:"), "{}", err(&bad));
}

#[test]
fn run_prints_json() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "other.gup", "page p ref=0\nget_page p\n");
    let found = gupdiff(&[&["run", "--json", &path], &DIFFERENT[..]].concat());
    let json: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(json[0]["verdict"], "divergence");
    assert_eq!(json[0]["what"], "BUG");
    assert_eq!(json[0]["op_index"], 0);
}

#[test]
fn report_writes_a_mail_or_says_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let found = write(dir.path(), "found.gup", "page p ref=0\nget_page p\n");
    let same = write(dir.path(), "same.gup", "page p\nget_page p\n");
    let report = |args: &[&str]| gupdiff(&[&["report"], args, &DIFFERENT[..]].concat());
    let mail = report(&["--alone", &found]);
    assert_eq!(mail.status.code(), Some(1), "{}", err(&mail));
    assert!(
        out(&mail).starts_with("Subject: mm/gup: get_page() hits a BUG"),
        "{}",
        out(&mail)
    );
    let nothing = report(&["--alone", &same]);
    assert_eq!(nothing.status.code(), Some(2));
    assert_eq!(out(&nothing), "");
    let expected = "same.gup: nothing to report: the sides agree (rust:6.1 against";
    assert!(err(&nothing).contains(expected), "{}", err(&nothing));
    // Several mails are files.
    let several = report(&["--alone", &found, &same]);
    assert_eq!(several.status.code(), Some(2));
    assert!(err(&several).contains("--output DIR"), "{}", err(&several));
    let mails = dir.path().join("mails").display().to_string();
    let written = report(&["--alone", "--output", &mails, &found, &same]);
    assert_eq!(written.status.code(), Some(2), "one of them shows nothing");
    let path = format!("{mails}/found.mail");
    assert_eq!(out(&written), format!("{path}\n"));
    assert_eq!(fs::read_to_string(path).unwrap(), out(&mail));
    assert_eq!(fs::read_dir(&mails).unwrap().count(), 1);
}

#[test]
fn report_has_forms_for_scripts() {
    let dir = tempfile::tempdir().unwrap();
    let found = write(dir.path(), "found.gup", "page p ref=0\nget_page p\n");
    let same = write(dir.path(), "same.gup", "page p\nget_page p\n");
    let wrong = write(dir.path(), "wrong.gup", "page p\nget_page\n");
    let report = |args: &[&str]| gupdiff(&[&["report"], args, &DIFFERENT[..]].concat());
    let json = report(&["--json", "--alone", &found, &same, &wrong]);
    assert_eq!(json.status.code(), Some(2));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json[0]["verdict"], "divergence");
    assert_eq!(json[0]["version"], 1);
    assert_eq!(json[1]["verdict"], "match");
    assert!(json[2]["error"].as_str().unwrap().contains("wrong.gup:2:"));
    let ktap = |paths: &[&str]| report(&[&["--ktap"], paths].concat());
    assert_eq!(
        out(&ktap(&[&same])),
        format!("KTAP version 1\n1..1\nok 1 {same}\n")
    );
    assert_eq!(ktap(&[&same]).status.code(), Some(0));
    let two = ktap(&[&same, &found]);
    assert_eq!(two.status.code(), Some(1));
    assert!(
        out(&two).ends_with(&format!("not ok 2 {found}\n")),
        "{}",
        out(&two)
    );
    assert_eq!(ktap(&[&wrong, &found]).status.code(), Some(2));
}

/// The sides that a reproducer names, and the variables that make them, are in its mail.
#[test]
fn report_takes_the_sides_that_a_reproducer_names() {
    let dir = tempfile::tempdir().unwrap();
    let source = "# BUG\n# left   rust:6.1\n# right  rust:6.1-nodebug\n\
                  # make   KERNEL=6.1 PATCH=wrong.patch\npage p ref=0\nget_page p\n";
    let path = write(dir.path(), "r.gup", source);
    let mail = gupdiff(&["report", "--alone", &path]);
    assert_eq!(mail.status.code(), Some(1), "{}", err(&mail));
    let command = "\n    KERNEL=6.1 PATCH=wrong.patch scripts/gupdiff run r.gup\n";
    assert!(out(&mail).contains(command), "{}", out(&mail));
    let other = gupdiff(&[
        "report", "--alone", &path, "--left", "rust:6.1", "--right", "none",
    ]);
    assert_eq!(other.status.code(), Some(2), "{}", out(&other));
}

#[test]
fn unknown_and_equal_sides_are_one_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "p.gup", "page p\n");
    let unknown = gupdiff(&["run", &path, "--left", "rust:6.11"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        err(&unknown).contains("did you mean `rust:6.1"),
        "{}",
        err(&unknown)
    );
    let equal = gupdiff(&["run", &path, "--left", "rust:6.1", "--right", "rust:6.1"]);
    assert_eq!(equal.status.code(), Some(2));
    assert!(err(&equal).contains("cannot be compared with itself"));
}

#[test]
fn a_reproducer_says_on_which_sides_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let source = "# BUG\n# left   rust:6.1  the rules of 6.1, DEBUG_VM on\n\
                  # right  rust:6.1-nodebug\npage p ref=0\nget_page p\n";
    let path = write(dir.path(), "r.gup", source);
    let found = gupdiff(&["run", &path]);
    assert_eq!(found.status.code(), Some(1), "{}", err(&found));
    assert!(
        out(&found).contains("right  rust:6.1-nodebug"),
        "{}",
        out(&found)
    );
    // What the command line says comes first.
    let other = gupdiff(&["run", &path, "--left", "rust:6.1", "--right", "none"]);
    assert_eq!(other.status.code(), Some(0), "{}", out(&other));
    assert!(
        out(&other).contains("rust:6.1 against none"),
        "{}",
        out(&other)
    );
    // A folder may hold reproducers of many sides.
    write(dir.path(), "plain.gup", "page p\nget_page p\n");
    let all = gupdiff(&["run", &dir.path().display().to_string()]);
    assert_eq!(all.status.code(), Some(1), "{}", err(&all));
    assert!(out(&all).contains("2 programs: 1 match"), "{}", out(&all));
}

#[test]
fn a_side_that_is_not_there_comes_with_the_command_that_makes_it() {
    let dir = tempfile::tempdir().unwrap();
    let source = "# left   c:6.1+no-such  Linux\n# right  rust:6.1\n\
                  # make   KERNEL=6.1 PATCH=no-such.patch\npage p\nget_page p\n";
    let path = write(dir.path(), "r.gup", source);
    let run = gupdiff(&["run", &path]);
    assert_eq!(run.status.code(), Some(2));
    let command = format!("KERNEL=6.1 PATCH=no-such.patch scripts/gupdiff run {path}");
    assert!(err(&run).contains(&command), "{}", err(&run));
}

#[test]
fn fmt_goes_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let source = "names 6.12\npage h order=3 ref=2 anon\ntry_grab_folio h+1 refs=2 PIN\n";
    let path = write(dir.path(), "p.gup", source);
    let wire = dir.path().join("p.wire").display().to_string();
    let to_wire = gupdiff(&["fmt", &path, "--to", "wire", "-o", &wire]);
    assert_eq!(to_wire.status.code(), Some(0), "{}", err(&to_wire));
    let back = gupdiff(&["fmt", &wire, "--names", "6.12"]);
    assert_eq!(out(&back), source);
    assert_eq!(out(&gupdiff(&["fmt", &path])), source);
    let old = out(&gupdiff(&["fmt", &wire]));
    assert!(old.contains("try_grab_page h+1 refs=2 PIN"), "{old}");
}

#[test]
fn several_programs_are_one_text_and_a_folder_of_wire() {
    let dir = tempfile::tempdir().unwrap();
    let pack = write(dir.path(), "pack.gup", "page p\n---\npage p\nget_page p\n");
    let wire = dir.path().join("wire");
    let wire_name = wire.display().to_string();
    let refused = gupdiff(&["fmt", &pack, "--to", "wire"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("--output DIR"), "{}", err(&refused));
    fs::create_dir(&wire).unwrap();
    let to_wire = gupdiff(&["fmt", &pack, "--to", "wire", "-o", &wire_name]);
    assert_eq!(to_wire.status.code(), Some(0), "{}", err(&to_wire));
    assert_eq!(fs::read_dir(&wire).unwrap().count(), 2);
    let text = out(&gupdiff(&["fmt", &wire_name]));
    assert_eq!(text.matches("---\n").count(), 1, "{text}");
    // one of them, by its line; then all of them
    let run = |path: &str| gupdiff(&["run", path, "--left", "rust:6.1", "--right", "none"]);
    let line = format!("{pack}:3");
    assert!(out(&run(&line)).contains(&format!("{line}: match")));
    assert!(out(&run(&pack)).contains("2 programs: 2 match"));
    // what is wrong is said with the line of the file
    let bad = write(dir.path(), "bad.gup", "page p\n---\npage p\nget p\n");
    assert!(
        err(&run(&bad)).contains("bad.gup:4:1: "),
        "{}",
        err(&run(&bad))
    );
    // and a pack is reduced to a pack
    let cmin = gupdiff(&["cmin", &pack, "--side", "rust:6.1"]);
    assert_eq!(cmin.status.code(), Some(0), "{}", err(&cmin));
    let kept = fs::read_to_string(&pack).unwrap();
    assert_eq!(kept, "page p ref=1\nget_page p\n");
}

#[test]
fn cmin_keeps_what_shows_something_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = dir.path().join("corpus");
    fs::create_dir(&corpus).unwrap();
    for i in 0..50 {
        // The same thing on pages of another name, and one that differs.
        write(
            &corpus,
            &format!("{i}.gup"),
            format!("page p ref={}\nget_page p\n", 5 + i),
        );
    }
    write(&corpus, "other.gup", "page p ref=0\ntry_get_page p\n");
    let name = corpus.display().to_string();
    let cmin = gupdiff(&["cmin", &name, "--side", "rust:6.1"]);
    assert_eq!(cmin.status.code(), Some(0), "{}", err(&cmin));
    let left: Vec<_> = fs::read_dir(&corpus).unwrap().collect();
    assert_eq!(left.len(), 2);
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "something remains"
    );
}

#[test]
fn a_corpus_that_cannot_be_read_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = dir.path().join("corpus");
    fs::create_dir(&corpus).unwrap();
    write(&corpus, "good.gup", "page p\nget_page p\n");
    write(&corpus, "bad.gup", "page p\nget_page q\n");
    let cmin = gupdiff(&["cmin", &corpus.display().to_string(), "--side", "rust:6.1"]);
    assert_eq!(cmin.status.code(), Some(2));
    assert_eq!(fs::read_dir(&corpus).unwrap().count(), 2);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// A program's bytes with a few of them changed, taken away or doubled.
fn damaged(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(6) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.below(bytes.len());
        match rng.below(5) {
            0 => bytes[at] = rng.next_u32() as u8,
            1 => bytes.truncate(at),
            2 => {
                bytes.remove(at);
            }
            3 => bytes.insert(at, b" +-=|.,*#\n"[rng.below(10)]),
            _ => {
                let piece = bytes[at..(at + 20).min(bytes.len())].to_vec();
                let to = rng.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

#[test]
fn ten_thousand_damaged_programs_end_without_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::new(Rev::V6_1);
    let mut rng = Rng::new(3);
    for i in 0..10_000 {
        let program = generate::program(&mut rng, &profile);
        let (name, bytes) = match i % 2 {
            0 => (
                format!("{i}.gup"),
                text::format(&program, Rev::V6_1).into_bytes(),
            ),
            _ => (format!("{i}"), program.encode()),
        };
        let bytes = damaged(&mut rng, &bytes);
        let path = write(dir.path(), &name, &bytes);
        // What `fmt` does, in process; a few through the program itself.
        for input in input::parse(Path::new(&path), &bytes).unwrap_or_default() {
            let text = text::format(&input.program, Rev::V6_12);
            assert_eq!(text::parse(&text).unwrap(), input.program, "{path}");
        }
        if i % 500 == 0 {
            let fmt = gupdiff(&["fmt", &path]);
            assert!(matches!(fmt.status.code(), Some(0 | 2)), "{}", err(&fmt));
        }
    }
    let dir = dir.path().display().to_string();
    let left = harness::side::default_left();
    let run = gupdiff(&["run", &dir, "--left", &left]);
    // Some are no programs any more; none makes the sides differ.
    assert_eq!(run.status.code(), Some(2), "{}", out(&run));
    assert!(!out(&run).contains("diverge"), "{}", out(&run));
}

#[test]
fn a_layer_is_one_that_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().display().to_string();
    let wrong = gupdiff(&["gen", &to, "--layer", "fast"]);
    assert_eq!(wrong.status.code(), Some(2));
    let said = err(&wrong);
    assert!(said.contains("known: page, lockless, slow, all"), "{said}");
    let series = ["gen", &to, "--layer", "lockless", "--left", "rust:v8"];
    let none = gupdiff(&series);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        err(&none).contains("has only the page level"),
        "{}",
        err(&none)
    );
    let page = gupdiff(&["gen", &to, "-n", "50", "--layer", "page"]);
    assert_eq!(page.status.code(), Some(0), "{}", err(&page));
    for path in input::files(&[dir.path().to_path_buf()]).unwrap() {
        let program = input::read(&path).unwrap().program;
        let walks = |op: &csrc::abi::gd_op| harness::program::walk::is_call(op.op);
        assert!(!program.ops().iter().any(walks), "{}", path.display());
    }
}

#[test]
fn diff_ends_with_a_table_of_all_that_differs() {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().display().to_string();
    let seed = write(dir.path(), "seed.gup", "page p ref=0\nget_page p\n");
    let args = ["diff", "--time", "2", "--out", &name, "--corpus", &seed];
    let found = gupdiff(&[&args[..], &DIFFERENT[..]].concat());
    let said = out(&found);
    assert_eq!(found.status.code(), Some(1), "{said}{}", err(&found));
    // without DEBUG_VM there is no BUG at a refcount of 0
    let row = said.lines().find(|line| line.starts_with("get_page "));
    let row = row.unwrap_or_else(|| panic!("no row on get_page: {said}"));
    assert!(row.contains("BUG"), "{row}");
    let last = said.lines().last().unwrap();
    let path = last.strip_prefix("reproducer: ").unwrap();
    let again = gupdiff(&["run", path]);
    assert_eq!(again.status.code(), Some(1), "{}", err(&again));
}

#[test]
fn diff_says_by_which_rules_kernels_differ() {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().display().to_string();
    let seed = write(dir.path(), "seed.gup", "page p\nunpin_user_pages [NULL]\n");
    let args = ["diff", "--time", "1", "--out", &name, "--corpus", &seed];
    let sides = ["--left", "rust:6.1", "--right", "rust:6.12"];
    let found = gupdiff(&[&args[..], &sides[..]].concat());
    let said = out(&found);
    let (rows, legend) = said.split_once(", 0 not explained\n").unwrap_or_else(|| {
        panic!("all of it is explained by rules: {said}");
    });
    let because = "\n    explained by lists_may_hold_null (as in 6.12)\n";
    assert!(rows.contains(because), "{said}");
    assert!(legend.contains("\n  lists_may_hold_null (as in 6.12)\n      unpin_user_pages()"));
}

#[test]
fn the_page_of_rules_is_what_the_command_prints() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    let page = fs::read_to_string(page).unwrap();
    let printed = out(&gupdiff(&["rules"]));
    assert!(page == printed, "gupdiff rules >docs/rules.md");
    for rule in Rules::list() {
        let name = format!("* **{}**", rule.name);
        assert!(page.contains(&name), "{name}");
    }
}

#[test]
fn diff_wants_to_know_what_to_compare() {
    for (args, expected) in [
        (&["diff", "--kernel", "6.1"][..], "PATCH="),
        (
            &["diff", "--kernel", "6.1", "--rev", "x"][..],
            "BASE=COMMIT",
        ),
        (
            &["diff", "--left", "rust:6.1", "--right", "rust:6.1"][..],
            "itself",
        ),
    ] {
        let wrong = gupdiff(args);
        assert_eq!(wrong.status.code(), Some(2), "{args:?}");
        let last = out(&wrong).lines().last().unwrap_or_default().to_owned();
        assert!(
            last.starts_with("error: ") && last.contains(expected),
            "{last}"
        );
    }
}

/// They come from the same place as the help does: each has all commands.
#[test]
fn shells_and_man_know_all_commands() {
    let dir = tempfile::tempdir().unwrap();
    let help = out(&gupdiff(&["--help"]));
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let commands = commands.filter_map(|line| line.split_whitespace().next());
    let commands: Vec<&str> = commands.collect();
    assert!(commands.contains(&"run"), "{commands:?}");
    let bash = out(&gupdiff(&["completions", "bash"]));
    let man = gupdiff(&["man", &dir.path().display().to_string()]);
    assert_eq!(man.status.code(), Some(0), "{}", err(&man));
    for command in commands {
        assert!(bash.contains(command), "{command}");
        let page = dir.path().join(format!("gupdiff-{command}.1"));
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
}
