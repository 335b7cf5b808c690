// SPDX-License-Identifier: GPL-2.0
//! Campaigns, under engines of the tests' own.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::command::{command, gupdiff, out, write};
use harness::explain::Rules;
use harness::program::Program;
use harness::program::rng::Rng;
use harness::program::text;
use harness::report;

/// A script in the place of an engine's target; its path.
fn engine(dir: &Path, script: &str) -> String {
    let path = write(dir, "engine", script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A campaign of two Rust sides under an engine of the test's own.
fn campaign(out: &str, engine: &str) -> Command {
    let mut command = command();
    command
        .args([
            "campaign",
            "--left",
            "rust:6.1",
            "--right",
            "rust:6.1-nodebug",
        ])
        .args(["--target", engine, "--out", out, "--time", "30"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

#[test]
fn campaigns_share_no_folder_and_lose_no_findings() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("out");
    let findings = output.join("findings");
    fs::create_dir_all(&findings).unwrap();
    fs::write(findings.join("earlier.gup"), "page p\n").unwrap();
    let kept = text::parse("page q ref=7\n").unwrap().encode();
    fs::create_dir_all(output.join("engines/afl/host-0/queue")).unwrap();
    fs::write(output.join("engines/afl/host-0/queue/id:0"), &kept).unwrap();
    // An engine that does nothing for as long as it may.
    let engine = engine(dir.path(), "#!/bin/sh\nexec sleep 100\n");
    let name = output.display().to_string();

    let mut first = campaign(&name, &engine).spawn().unwrap();
    while !output.join("log/libfuzzer").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(first.try_wait().unwrap().is_none(), "it ended early");
    }
    let second = campaign(&name, &engine).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let said = out(&second);
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("error: ") && last.contains("in use by another campaign"),
        "{said}"
    );

    // SAFETY: a process that we started and have not waited for.
    unsafe { libc::kill(first.id() as libc::pid_t, libc::SIGINT) };
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(2));
    let said = out(&first);
    assert!(
        said.lines()
            .last()
            .unwrap()
            .starts_with("error: interrupted"),
        "{said}"
    );
    assert!(findings.join("earlier.gup").exists());
    // What AFL++ had found when the campaign before was killed.
    let corpus = fs::read_dir(output.join("corpus")).unwrap();
    assert!(
        corpus
            .flatten()
            .any(|file| fs::read(file.path()).unwrap() == kept)
    );
}

#[test]
fn a_campaign_without_a_target_says_so_on_its_last_line() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("page").display().to_string();
    let output = dir.path().join("out").display().to_string();
    let sides = ["--left", "rust:6.1", "--right", "rust:6.1-nodebug"];
    let args = ["campaign", "--target", &target, "--out", &output];
    let campaign = gupdiff(&[&args[..], &sides[..]].concat());
    assert_eq!(campaign.status.code(), Some(2));
    let said = out(&campaign);
    assert!(
        said.lines().last().unwrap().starts_with("error: "),
        "{said}"
    );
    assert!(!dir.path().join("out").exists(), "something was written");
}

#[test]
fn a_campaign_says_its_layer_and_tells_the_target() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("out");
    let name = output.display().to_string();
    // An engine that says what it was told, where a target says why it cannot start.
    let script = "#!/bin/sh\necho \"layer is $GUPDIFF_LAYER\" >\"$GUPDIFF_ERROR\"\n";
    let engine = engine(dir.path(), script);
    for (args, layer) in [(&[][..], "all"), (&["--layer", "lockless"][..], "lockless")] {
        let done = campaign(&name, &engine).args(args).output().unwrap();
        let said = out(&done);
        assert!(said.contains(&format!("\nlayer  {layer}: ")), "{said}");
        let last = said.lines().last().unwrap();
        assert_eq!(last, format!("error: layer is {layer}"), "{said}");
    }
    let series = [
        "--left", "rust:v8", "--right", "rust:v9", "--layer", "lockless",
    ];
    let mut none = command();
    none.args(["campaign", "--target", &engine, "--out", &name])
        .args(series);
    let said = out(&none.output().unwrap());
    assert!(
        said.lines()
            .last()
            .unwrap()
            .starts_with("error: the FOLL_PIN series"),
        "{said}"
    );
}

#[test]
fn a_campaign_under_rules_of_several_kernels_says_which() {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().join("out").display().to_string();
    let engine = engine(dir.path(), "#!/bin/sh\nsleep 1\n");
    let said_of = |right: &str| {
        let mut campaign = command();
        campaign
            .args(["campaign", "--target", &engine, "--out", &name])
            .args(["--time", "1", "--left", "rust:6.1", "--right", right]);
        out(&campaign.output().unwrap())
    };
    let said = said_of("rust:7.3,huge_records_last=6.12");
    let (before, after) = said.split_once("\nengine ").unwrap();
    let line =
        "\nrules  rust:6.1 follows the rules of 7.3 except one: huge_records_last (as in 6.12)";
    assert!(before.contains(line), "{said}");
    let about = Rules::rule("huge_records_last").unwrap().about;
    let words = |text: &str| -> Vec<String> { text.split_whitespace().map(Into::into).collect() };
    let after_words = words(after).join(" ");
    assert!(
        after.contains("\n  huge_records_last (as in 6.12)\n"),
        "{said}"
    );
    assert!(after_words.contains(&words(about).join(" ")), "{said}");
    assert!(
        said.lines().last().unwrap().starts_with("clean: "),
        "{said}"
    );
    // A kernel that is known is not explained.
    let said = said_of("rust:6.12");
    assert!(!said.contains("\nrules "), "{said}");
}

/// The working corpus by name; each file is whole, and is a program as its name says.
fn whole(corpus: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for file in fs::read_dir(corpus).into_iter().flatten().flatten() {
        let name = file.file_name().into_string().unwrap();
        // what was being written to the side is not there yet
        if name.starts_with('.') {
            continue;
        }
        let bytes = fs::read(file.path()).unwrap();
        assert_eq!(
            name,
            format!("{:016x}", report::hash(&bytes)),
            "half a file"
        );
        assert_eq!(Program::decode(&bytes).encode(), bytes, "{name}");
        all.insert(name, bytes);
    }
    all
}

/// Killed at any moment a campaign leaves no half-written program and loses none, its
/// engine ends with it, and the next one goes on from there.
#[test]
fn a_campaign_that_is_killed_goes_on_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("out");
    let name = output.display().to_string();
    let program = |n: u64| text::parse(&format!("page p ref={n}\nget_page p\n")).unwrap();
    let found = dir.path().join("found");
    fs::create_dir(&found).unwrap();
    for n in 0..400 {
        fs::write(found.join(n.to_string()), program(n).encode()).unwrap();
    }
    // An engine that is forever writing files, in two halves.
    let script = format!(
        "#!/bin/sh\nn=0\nwhile :; do\nfor f in {}/*; do\nn=$((n + 1))\n\
         head -c 9 $f >$1/$$-$n; tail -c +10 $f >>$1/$$-$n\ndone\ndone\n",
        found.display()
    );
    let engine = engine(dir.path(), &script);
    // files that engines wrote
    let count = || fs::read_dir(output.join("engines/libfuzzer")).map_or(0, Iterator::count);
    let mut rng = Rng::new(20);
    let mut before = BTreeMap::new();
    for kill in 0..20 {
        let mut process = campaign(&name, &engine).spawn().unwrap();
        let start = output.join("log/libfuzzer");
        while !start.exists() {
            sleep(Duration::from_millis(5));
            assert!(process.try_wait().unwrap().is_none(), "it ended early");
        }
        // At any moment, by what the engine has done: machines are not equally fast.
        let wanted = count() + rng.below(60);
        while count() < wanted {
            sleep(Duration::from_millis(1));
            assert!(process.try_wait().unwrap().is_none(), "it ended early");
        }
        sleep(Duration::from_millis(rng.below(10) as u64));
        process.kill().unwrap();
        process.wait().unwrap();
        let now = whole(&output.join("corpus"));
        for (name, bytes) in &before {
            assert_eq!(now.get(name), Some(bytes), "lost after kill {kill}");
        }
        before = now;
        // for the next one to be awaited; it is made anew
        fs::remove_file(&start).unwrap();
    }
    assert!(before.len() > 20, "{} programs", before.len());
    let status = gupdiff(&["status", &name]);
    assert_eq!(status.status.code(), Some(0));
    assert!(
        out(&status).contains(": interrupted after "),
        "{}",
        out(&status)
    );
    // its engine is gone, so that nobody writes there any more
    let files = count();
    assert!(files > 0, "no engine wrote anything");
    sleep(Duration::from_millis(100));
    assert_eq!(count(), files, "the engine goes on");
}

/// What one engine finds is given to the others.
#[test]
fn engines_share_what_they_find() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("out");
    let name = output.display().to_string();
    let one = text::parse("page p ref=7\nget_page p\n").unwrap().encode();
    let wire = write(dir.path(), "wire", &one);
    let log = dir.path().join("seen").display().to_string();
    // libFuzzer's target writes a program, AFL++ and honggfuzz say that they got it
    let target = engine(
        dir.path(),
        &format!("#!/bin/sh\ncp {wire} $1/new\nexec sleep 60\n"),
    );
    let waits = |option: &str| {
        format!(
            "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ $1 = {option} ] && box=$2; shift; done\n\
             while :; do for f in $box/*; do cmp -s $f {wire} && echo {option} >>{log}; done\n\
             sleep 0.2; done\n"
        )
    };
    let script = |name: &str, text: &str| {
        let path = write(dir.path(), name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let afl = script("afl", &waits("-F"));
    let honggfuzz = script("honggfuzz", &waits("--dynamic_input"));
    let mut process = command()
        .args([
            "campaign",
            "--left",
            "rust:6.1",
            "--right",
            "rust:6.1-nodebug",
        ])
        .args(["--engine", "libfuzzer", "--target", &target])
        .args(["--engine", "afl", "--target", &target])
        .args(["--engine", "honggfuzz", "--target", &target])
        .args(["--out", &name, "--time", "60"])
        .env("AFL_FUZZ", &afl)
        .env("HONGGFUZZ", &honggfuzz)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let both = || {
        let seen = fs::read_to_string(&log).unwrap_or_default();
        seen.contains("-F") && seen.contains("--dynamic_input")
    };
    while !both() {
        sleep(Duration::from_millis(50));
        assert!(process.try_wait().unwrap().is_none(), "it ended early");
    }
    // SAFETY: a process that we started and have not waited for.
    unsafe { libc::kill(process.id() as libc::pid_t, libc::SIGINT) };
    process.wait().unwrap();
    assert!(
        whole(&output.join("corpus"))
            .values()
            .any(|bytes| *bytes == one)
    );
    let status = out(&gupdiff(&["status", &name]));
    assert!(status.contains(": ended after 0:00:"), "{status}");
    let page = dir.path().join("page.html").display().to_string();
    let written = gupdiff(&["status", &name, "--html", &page]);
    assert_eq!(written.status.code(), Some(0), "{}", out(&written));
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains("<h1>rust:6.1 against rust:6.1-nodebug</h1>"),
        "{page}"
    );
    let row = "<tr><td>honggfuzz<td class=\"number\">1<";
    assert!(page.contains(row), "{page}");
    assert!(page.contains("<polyline"), "{page}");
    let engines = ["libfuzzer", "afl", "honggfuzz"];
    assert!(engines.iter().all(|name| status.contains(name)), "{status}");
}
