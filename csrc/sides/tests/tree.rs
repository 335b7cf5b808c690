// SPDX-License-Identifier: GPL-2.0
//! What a tree has is found out by compiling it: changes of real kernels that a
//! clean-up may bring, none of which is an error.

use gup_sides::{
    Built, Error, Flavour, Recipe, Store,
    compile::Piece,
    overlay,
    tree::{known_names, tested_names},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

fn recipe(kernel: &str) -> Recipe {
    let recipe = Recipe::find(&Store::find(), kernel).unwrap();
    let mut recipe = recipe.unwrap_or_else(|| panic!("{kernel} is not prepared: make setup"));
    recipe.quick = true;
    recipe
}

fn text(kernel: &str, file: &str) -> String {
    let source = recipe(kernel).source(&Store::find(), true).unwrap();
    fs::read_to_string(source.tree.src.join(file)).unwrap()
}

/// The kernel with other files; `renamed` is `(new name, known name)`.
fn build(kernel: &str, files: &[(&str, String)], renamed: &[(&str, &str)]) -> Result<Built, Error> {
    let store = Store::find();
    let mut recipe = recipe(kernel);
    let file = |(path, text): &(&str, String)| (path.to_string(), text.clone().into_bytes());
    let files: Vec<_> = files.iter().map(file).collect();
    recipe.overlay = Some(overlay::keep(&store, &files)?);
    let pair = |(new, known): &(&str, &str)| (new.to_string(), known.to_string());
    recipe.renamed = renamed.iter().map(pair).collect();
    recipe.compile(&store, true, Flavour::None)
}

/// What a kernel does not have as it is.
fn absent_anyway(kernel: &str) -> Vec<Piece> {
    let built = recipe(kernel).compile(&Store::find(), true, Flavour::None);
    built.unwrap().description.absent
}

/// What a changed kernel does not have, but for that.
fn absent(kernel: &str, built: &Built) -> Vec<Piece> {
    let anyway = absent_anyway(kernel);
    let absent = built.description.absent.iter();
    absent
        .filter(|piece| !anyway.contains(piece))
        .cloned()
        .collect()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Every occurrence of a name, as a word, by another one.
fn replaced(text: &str, name: &str, new: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        out.push_str(before);
        out.push_str(if whole { new } else { name });
        rest = after;
    }
    out + rest
}

/// The static functions that a C file defines.
fn static_functions(source: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = source.lines().collect();
    let bodies = (0..lines.len()).filter(|&i| lines[i] == "{");
    bodies
        .filter_map(|at| {
            let margin = |l: &&str| !l.starts_with(char::is_whitespace) && !l.is_empty();
            let head = lines[..at].iter().rposition(margin)?;
            let start = match lines[head].starts_with("static") {
                true => head,
                // a type may have a line of its own
                false => head
                    .checked_sub(1)
                    .filter(|&i| lines[i].starts_with("static"))?,
            };
            let text = lines[start..at].join(" ");
            let name = text.split_once('(')?.0.rsplit(|c| !is_word(c)).next()?;
            Some(name.to_owned()).filter(|name| !name.is_empty())
        })
        .collect()
}

/// Does something for each of a list, on all processors.
fn each<T: Sync>(list: &[T], f: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                    f(item);
                }
            });
        }
    });
}

/// Does the table of operations name a function?
fn has_operation(name: &str) -> bool {
    let table = include_str!("../../abi/ops.h");
    table.split(|c| !is_word(c)).any(|word| word == name)
}

/// Each on one of the kernels that have it, which take turns. Set `GUPDIFF_ALL_HELPERS`
/// to try all of them everywhere, and those that no operation is about as well; that
/// takes some minutes.
#[test]
fn a_renamed_static_helper_is_an_absent_operation_at_most() {
    let all = std::env::var_os("GUPDIFF_ALL_HELPERS").is_some();
    let mut kernels_of: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for kernel in tested_names() {
        let mut names = static_functions(&text(kernel, "mm/gup.c"));
        assert!(names.len() > 20, "{kernel}: {names:?}");
        names.retain(|name| all || has_operation(name) || name == "__gup_longterm_locked");
        for name in names {
            kernels_of.entry(name).or_default().push(kernel);
        }
    }
    let mut todo = Vec::new();
    for (turn, (name, kernels)) in kernels_of.into_iter().enumerate() {
        let one = kernels[turn % kernels.len()];
        let chosen = if all { kernels } else { vec![one] };
        todo.extend(chosen.into_iter().map(|kernel| (kernel, name.clone())));
    }
    let found = Mutex::new(BTreeSet::new());
    each(&todo, |(kernel, name)| {
        let new = format!("{name}_by_another_name");
        let files = [("mm/gup.c", replaced(&text(kernel, "mm/gup.c"), name, &new))];
        let built = build(kernel, &files, &[]).unwrap_or_else(|e| panic!("{kernel} {name}: {e}"));
        let lacks = absent(kernel, &built);
        assert!(lacks.len() <= 1, "{kernel} {name}: {lacks:?}");
        if lacks.is_empty() {
            return;
        }
        found.lock().unwrap().insert(name.clone());
        // Told the name, nothing is missing.
        let built = build(kernel, &files, &[(&new, name)]).unwrap();
        assert_eq!(absent(kernel, &built), [], "{kernel} {name}");
        assert_eq!(built.description.renamed, [(new, name.clone())]);
    });
    let found = found.into_inner().unwrap();
    assert!(found.contains("gup_put_folio"), "{found:?}");
    // without some of the kernels there are fewer names
    let least = match tested_names().eq(known_names()) {
        true => 10,
        false => 5,
    };
    assert!(found.len() > least, "{found:?}");
}

/// What gives pins back, whose name is folios' or pages'.
fn put_helper(gup: &str) -> &'static str {
    let mut names = ["gup_put_folio", "put_compound_head"].into_iter();
    names.find(|name| gup.contains(name)).unwrap()
}

/// Where a static function is defined, from its head to the brace at the margin.
fn definition(source: &str, name: &str) -> Range<usize> {
    let call = format!("{name}(");
    let heads = source
        .match_indices(&call)
        .map(|(at, _)| source[..at].rfind('\n').unwrap() + 1);
    let mut heads = heads.filter(|&at| source[at..].starts_with("static"));
    let start = heads.next().unwrap();
    start..start + source[start..].find("\n}\n").unwrap() + 3
}

#[test]
fn a_helper_may_become_inline_or_move_into_a_header() {
    for kernel in tested_names() {
        let gup = text(kernel, "mm/gup.c");
        let helper = put_helper(&gup);
        let place = definition(&gup, helper);
        let body = gup[place.clone()].replacen("static", "static inline", 1);
        let (before, after) = (&gup[..place.start], &gup[place.end..]);
        let built = build(
            kernel,
            &[("mm/gup.c", format!("{before}{body}{after}"))],
            &[],
        )
        .unwrap();
        assert_eq!(absent(kernel, &built), [], "{kernel}");

        // into a header of its own, included where it was
        let files = [
            (
                "mm/gup.c",
                format!("{before}#include \"gup_put.h\"\n{after}"),
            ),
            ("mm/gup_put.h", body),
        ];
        let built = build(kernel, &files, &[]).unwrap();
        assert_eq!(absent(kernel, &built), [], "{kernel}");
    }
}

#[test]
fn another_signature_is_an_absent_operation() {
    for kernel in tested_names() {
        let gup = text(kernel, "mm/gup.c");
        let helper = put_helper(&gup);
        let place = definition(&gup, helper);
        let body = gup[place.clone()].replacen(')', ", int more)", 1);
        // its callers in the file pass one more argument
        let rest = gup[place.end..].replace(&format!("{helper}("), "put_with(0, ");
        let with = format!("#define put_with(more, ...) {helper}(__VA_ARGS__, more)\n");
        let changed = format!("{}{body}{with}{rest}", &gup[..place.start]);
        let built = build(kernel, &[("mm/gup.c", changed)], &[]).unwrap();
        let expected = [Piece::Operation("GUP_PUT_FOLIO".into())];
        assert_eq!(absent(kernel, &built), expected, "{kernel}");
    }
}

/// As in 7.2, the argument is not an enum yet.
#[test]
fn a_prototype_may_have_changed_in_another_release() {
    let header = "include/linux/migrate.h";
    let before = text("7.3", header).replace("enum migrate_reason reason", "int reason");
    assert!(before.contains("int reason"));
    let built = build("7.3", &[(header, before)], &[]).unwrap();
    assert_eq!(absent("7.3", &built), []);
}

/// Files of a kernel in which a name is another one.
fn renamed_in(kernel: &str, files: &[&'static str], name: &str) -> Vec<(&'static str, String)> {
    let new = format!("{name}_by_another_name");
    let change = |file| (file, replaced(&text(kernel, file), name, &new));
    files.iter().copied().map(change).collect()
}

#[test]
fn a_flag_or_a_variable_that_is_gone_is_absent_too() {
    let entries = [
        "arch/x86/include/asm/pgtable_types.h",
        "arch/x86/include/asm/pgtable.h",
    ];
    let key = ["include/linux/mm.h", "mm/memremap.c"];
    let cases: [(&str, &[&'static str], Piece); 3] = [
        (
            "PG_arch_1",
            &["include/linux/page-flags.h"],
            Piece::Row("GD_F_ARCH_1".into()),
        ),
        ("_PAGE_DEVMAP", &entries, Piece::Row("GD_EF_DEVMAP".into())),
        (
            "devmap_managed_key",
            &key,
            Piece::Part("DEVMAP_MANAGED_KEY".into()),
        ),
    ];
    for (turn, (name, files, lacks)) in cases.into_iter().enumerate() {
        // everything is compiled anew, so on one of the kernels that have it
        let has = |kernel: &&str| !absent_anyway(kernel).contains(&lacks);
        let kernels: Vec<&str> = tested_names().filter(has).collect();
        let kernel = kernels[turn % kernels.len()];
        let built = build(kernel, &renamed_in(kernel, files, name), &[]);
        let built = built.unwrap_or_else(|e| panic!("{kernel} {name}: {e}"));
        assert_eq!(absent(kernel, &built), [lacks], "{kernel} {name}");
    }
}

#[test]
fn a_mistake_of_the_tree_is_told_with_its_place() {
    let gup = text("6.1", "mm/gup.c");
    let line = gup.lines().count() + 1;
    let error = build(
        "6.1",
        &[("mm/gup.c", gup + "int x = no_such_thing;\n")],
        &[],
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("does not compile"), "{error}");
    assert!(error.contains(&format!("mm/gup.c:{line}:")), "{error}");
    assert!(error.contains("no_such_thing"), "{error}");
}

#[test]
fn the_same_contents_are_one_object_and_other_contents_another() {
    let gup = text("6.1", "mm/gup.c");
    let one = build("6.1", &[("mm/gup.c", gup.clone())], &[]).unwrap();
    let again = build("6.1", &[("mm/gup.c", gup.clone())], &[]).unwrap();
    let other = build("6.1", &[("mm/gup.c", gup + "/* more */\n")], &[]).unwrap();
    assert_eq!(one.object, again.object);
    assert_ne!(one.object, other.object);
    // a patch that is in no file that a unit reads shares all of it
    let elsewhere = build("6.1", &[("mm/nothing_reads_this.c", "x".into())], &[]).unwrap();
    assert_eq!(elsewhere.description.gup_sha256, one.description.gup_sha256);
}
