// SPDX-License-Identifier: GPL-2.0
//! Every control against the kernel trees.
//!
//! The trees are those of the known kernels, under `.kernels/trees` of the
//! workspace or of the directory named by `GUPDIFF_KERNELS_DIR`.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use gup_controls::{Control, Kind, Rendered};
use gup_sides::tree::{is_known, tested_names, untried};

fn tree(kernel: &str) -> PathBuf {
    let trees = match std::env::var_os("GUPDIFF_KERNELS_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.kernels"),
    };
    let tree = trees.join("trees").join(kernel).join("src");
    assert!(
        tree.join("mm/gup.c").is_file(),
        "no kernel tree at {}",
        tree.display()
    );
    tree
}

/// Everything rendered, with its kernel; errors of all controls in one message.
fn render_all() -> &'static [(Control, &'static str, Rendered)] {
    static ALL: OnceLock<Vec<(Control, &str, Rendered)>> = OnceLock::new();
    ALL.get_or_init(render)
}

fn render() -> Vec<(Control, &'static str, Rendered)> {
    let mut rendered = Vec::new();
    let mut errors = Vec::new();
    for kernel in tested_names() {
        let tree = tree(kernel);
        for control in gup_controls::load() {
            if !control.applies_to(kernel) {
                continue;
            }
            match control.render(kernel, &tree) {
                Ok(one) => rendered.push((control, kernel, one)),
                // other lines than those that it was written for
                Err(e) if untried(kernel).is_some() => {
                    let untried = untried(kernel).unwrap_or_default();
                    let _ = writeln!(io::stderr(), "skipped: {e} ({untried})");
                }
                Err(e) => errors.push(e.to_string()),
            }
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
    rendered
}

fn changed_lines(diff: &str) -> usize {
    let body = diff.lines().skip(2);
    body.filter(|l| l.starts_with(['+', '-'])).count()
}

#[test]
fn every_control_matches_exactly_one_place() {
    let mut seen = BTreeSet::new();
    for (control, kernel, one) in render_all() {
        let name = &control.name;
        assert!(
            seen.insert((kernel, &one.file, &one.patched)),
            "control {name} on {kernel} repeats another one"
        );
    }
}

#[test]
fn every_diff_is_small_and_patch_accepts_it() {
    let mut tried = BTreeSet::new();
    for (control, kernel, one) in render_all() {
        let what = format!("control {} on {kernel}", control.name);
        let diff = one.diff();
        let lines = changed_lines(&diff);
        assert!((1..=24).contains(&lines), "{what}: {lines} lines\n{diff}");
        // the same edit makes the same kind of diff on every kernel
        if !tried.insert(&control.name) {
            continue;
        }
        let mut patch = Command::new("patch")
            .args(["-p1", "--dry-run", "--silent", "--fuzz=0", "-d"])
            .arg(tree(kernel))
            .stdin(Stdio::piped())
            .spawn()
            .expect("patch(1) is installed");
        let mut input = patch.stdin.take().expect("stdin is piped");
        input.write_all(diff.as_bytes()).expect("patch reads");
        drop(input);
        assert!(
            patch.wait().expect("patch ends").success(),
            "{what}\n{diff}"
        );
    }
}

#[test]
fn every_declaration_is_loaded() {
    let edits = Path::new(env!("CARGO_MANIFEST_DIR")).join("edits");
    let text = |file: io::Result<std::fs::DirEntry>| std::fs::read_to_string(file?.path());
    let files = std::fs::read_dir(edits).unwrap().map(text);
    let declared = files.map(|text| gup_controls::parse(&text.unwrap()).unwrap().len());
    assert_eq!(declared.sum::<usize>(), gup_controls::load().len());
}

#[test]
fn every_kernel_has_controls_enough() {
    let all = gup_controls::load();
    let names: BTreeSet<&str> = all.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "a name is used twice");
    for kernel in tested_names() {
        let of = |kind| {
            all.iter()
                .filter(move |c| c.kind == kind && c.applies_to(kernel))
        };
        let walk = |kind| of(kind).filter(|c| c.name.starts_with("walk-"));
        let page = |kind| of(kind).count() - walk(kind).count();
        // without folios much of the page level is another function
        let (faults, harmless) = if kernel == "5.10" { (17, 4) } else { (59, 8) };
        assert!(page(Kind::Fault) >= faults && walk(Kind::Fault).count() >= 100);
        assert!(page(Kind::Harmless) >= harmless && walk(Kind::Harmless).count() >= 10);
        let functions: BTreeSet<_> = of(Kind::Fault).map(|c| c.function(kernel)).collect();
        assert!(functions.len() >= 15);
    }
    for control in &all {
        let unknown = control.kernels.iter().find(|k| !is_known(k));
        assert_eq!(unknown, None, "control {}", control.name);
        assert!(!control.about.is_empty());
    }
}

#[test]
fn a_place_that_is_gone_or_ambiguous_is_a_named_error() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-place");
    std::fs::create_dir_all(dir.join("mm")).unwrap();
    let control = gup_controls::load()
        .into_iter()
        .find(|c| c.name == "put-wrong-counter")
        .unwrap();
    let error = |body: &str| {
        std::fs::write(dir.join("mm/gup.c"), body).unwrap();
        control.render("6.1", &dir).unwrap_err().to_string()
    };
    assert_eq!(
        error("void other(void) { }\n"),
        "control put-wrong-counter on 6.1: mm/gup.c: has no function gup_put_folio"
    );
    assert_eq!(
        error(
            "void gup_put_folio(void)\n{\n\tf(NR_FOLL_PIN_RELEASED);\n\tf(NR_FOLL_PIN_RELEASED);\n}\n"
        ),
        "control put-wrong-counter on 6.1: mm/gup.c: expected 1 match(es) of identifier \
         text `NR_FOLL_PIN_RELEASED`, found 2 at line 3, 4"
    );
}

#[test]
fn a_header_comes_with_a_copy_of_the_file_that_includes_it() {
    // a header that 6.1 has no control in
    let Some(kernel) = tested_names().find(|kernel| *kernel == "6.12") else {
        return;
    };
    let tree = tree(kernel);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shadow");
    let control = gup_controls::load()
        .into_iter()
        .find(|c| c.name == "unshare-exclusive")
        .unwrap();
    let rendered = control.render(kernel, &tree).unwrap();
    let shadow = rendered.write_shadow(&tree, &dir).unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&shadow.gup_c), read(&tree.join("mm/gup.c")));
    assert_eq!(
        read(&shadow.gup_c.with_file_name("internal.h")),
        rendered.patched
    );
}

/// What a change makes of the body of a function.
fn changed(before: &str, edit: &str) -> Result<String, String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("mm")).unwrap();
    let source = format!("int f(int a, int b)\n{{\n{before}}}\n");
    std::fs::write(dir.path().join("mm/gup.c"), source).unwrap();
    let control = gup_controls::parse(&format!(
        "[[harmless]]\nname = 'x'\nabout = 'x'\nkernels = ['6.1']\n\
         file = 'mm/gup.c'\nfunction = 'f'\n{edit}\n"
    ));
    let rendered = control?.remove(0).render("6.1", dir.path());
    let patched = rendered.map_err(|e| e.what)?.patched;
    let body = patched
        .split_once("{\n")
        .and_then(|(_, b)| b.rsplit_once('}'));
    Ok(body.expect("the function is there").0.to_owned())
}

#[test]
fn names_are_replaced_within_an_expression_only() {
    let edit = "at = { node = 'binary_expression' }\n\
                do = { op = 'replace_every', name = 'a', with = 'b' }";
    assert_eq!(
        changed("\ta += g(a) != h(a, aa);\n", edit).unwrap(),
        "\ta += g(b) != h(b, aa);\n"
    );
    assert_eq!(
        changed("\ta = b != 1;\n", edit).unwrap_err(),
        "mm/gup.c: a is not used there"
    );
}

#[test]
fn an_expression_gives_way_to_another() {
    let edit = "at = { node = 'update_expression', text = 'a++' }\n\
                do = { op = 'replace_expression', with = 'a' }";
    let before = "\tdo {\n\t\tb++;\n\t} while (a++, a != b);\n";
    let after = "\tdo {\n\t\tb++;\n\t} while (a, a != b);\n";
    assert_eq!(changed(before, edit).unwrap(), after);
    let edit = "at = { node = 'if_statement' }\n\
                do = { op = 'replace_expression', with = 'a' }";
    assert_eq!(
        changed("\tif (a)\n\t\tb++;\n", edit).unwrap_err(),
        "mm/gup.c: the operation wants an expression, not if_statement"
    );
}

#[test]
fn a_condition_is_rewritten_by_de_morgan() {
    let edit = "at = { node = 'binary_expression' }\ndo = { op = 'de_morgan' }";
    assert_eq!(
        changed("\treturn a || g(b);\n", edit).unwrap(),
        "\treturn !(!(a) && !(g(b)));\n"
    );
    assert_eq!(
        changed("\treturn a && g(b);\n", edit).unwrap(),
        "\treturn !(!(a) || !(g(b)));\n"
    );
    assert_eq!(
        changed("\treturn a + b;\n", edit).unwrap_err(),
        "mm/gup.c: operator +, expected && or ||"
    );
}

#[test]
fn an_else_goes_only_if_the_branch_before_it_leaves() {
    let edit = "at = { node = 'if_statement' }\ndo = { op = 'drop_else_after_jump' }";
    assert_eq!(
        changed(
            "\tif (a) {\n\t\tg();\n\t\treturn 0;\n\t} else {\n\t\th();\n\t}\n",
            edit
        )
        .unwrap(),
        "\tif (a) {\n\t\tg();\n\t\treturn 0;\n\t} {\n\t\th();\n\t}\n"
    );
    let stays = "mm/gup.c: the if is not in a block, or its body does not leave it";
    for before in [
        "\tif (a) {\n\t\tg();\n\t} else {\n\t\th();\n\t}\n",
        "\twhile (b)\n\t\tif (a)\n\t\t\treturn 0;\n\t\telse\n\t\t\th();\n",
    ] {
        assert_eq!(changed(before, edit).unwrap_err(), stays);
    }
}

#[test]
fn what_differs_between_kernels_is_given_by_kernel() {
    let edit = "at = { node = 'call_expression', callee = 'g', \
                nth = { '6.1' = 2, '6.12' = 1 }, of = 2 }\n\
                do = { op = 'replace_argument', index = { '6.1' = 1, '6.12' = 2 }, with = 'b' }";
    assert_eq!(
        changed("\tg(a, 1);\n\tg(a, 2);\n", edit).unwrap(),
        "\tg(a, 1);\n\tg(b, 2);\n"
    );
}

/// The faults of these declarations as alternatives in a function of this body.
fn alternatives(body: &str, edits: &[&str]) -> (String, Vec<String>) {
    let source = format!("int f(int a, int b)\n{{\n{body}}}\n");
    let declared = edits.iter().zip(1..).map(|(edit, nr)| {
        format!(
            "[[fault]]\nname = '{nr}'\nabout = 'x'\nkernels = ['6.1']\n\
             file = 'mm/gup.c'\nfunction = 'f'\n{edit}\n"
        )
    });
    let faults = gup_controls::parse(&declared.collect::<String>()).unwrap();
    let many = gup_controls::selectable(&faults, "6.1", &source).unwrap();
    let text = many.patched.split_once("{\n").unwrap().1;
    let mut text = text.rsplit_once('}').unwrap().0.to_owned();
    // how the variable is read does not matter here
    while let (Some(from), Some(to)) = (text.find("({ unsigned"), text.find("; })")) {
        let nr = text[from..to].rsplit_once(' ').unwrap().1;
        text = format!("{}selected({nr}){}", &text[..from], &text[to + 4..]);
    }
    let others = many.others.iter().map(|fault| fault.name.clone());
    (text, others.collect())
}

#[test]
fn faults_become_alternatives_of_statements_and_conditions() {
    let negated = "at = { node = 'if_statement' }\ndo = { op = 'negate_condition' }";
    let deleted = "at = { node = 'expression_statement' }\ndo = { op = 'delete_statement' }";
    let other = "at = { node = 'call_expression' }\ndo = { op = 'replace_expression', with = '0' }";
    let (text, others) = alternatives("\tif (a)\n\t\tb = g(a);\n", &[negated, deleted, other]);
    assert_eq!(
        text,
        "\tif (selected(1) ? ((!(a))) : ((a)))\n\t\t{ if (selected(2)) { ; } else \
         { if (selected(3)) { b = 0; } else { b = g(a); }}}\n"
    );
    assert!(others.is_empty());
}

#[test]
fn a_fault_around_another_one_has_the_original_inside() {
    let gone = "at = { node = 'if_statement' }\ndo = { op = 'delete_statement' }";
    let less = "at = { node = 'binary_expression' }\ndo = { op = 'replace_operator', with = '<' }";
    let (text, _) = alternatives("\tif (a > b)\n\t\tb++;\n", &[gone, less]);
    assert_eq!(
        text,
        "\t{ if (selected(1)) {  } else { if (selected(2) ? ((a < b)) : ((a > b)))\n\
         \t\tb++; }}\n"
    );
}

#[test]
fn what_cannot_be_there_twice_is_compiled_alone() {
    let shift = "at = { node = 'number_literal' }\ndo = { op = 'replace_number', with = '2' }";
    let gone = "at = { node = 'labeled_statement' }\ndo = { op = 'delete_statement' }";
    // a WARN would move to another line, and a label would be there twice
    for (body, edit) in [
        ("\tWARN_ON(a > 1);\n", shift),
        ("\tgoto out;\nout:\n\tb++;\n", gone),
    ] {
        let (text, others) = alternatives(body, &[edit]);
        assert_eq!((text.as_str(), others), (body, vec!["1".to_owned()]));
    }
}
