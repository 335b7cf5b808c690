// SPDX-License-Identifier: GPL-2.0
//! Mails: what differs in all of its kinds, on sides that need no kernel's source.

use std::path::Path;

use harness::input::{self, Input};
use harness::oracle::Oracle;
use harness::report::kernels::{self, Survey};
use harness::report::ktap::{Ktap, Test};
use harness::report::{Mail, Origin, Report};
use harness::side::{Pair, Side};
use insta::{Settings, assert_snapshot};

fn read(source: &str) -> Input {
    let mut inputs = input::parse(Path::new("found.gup"), source.as_bytes()).unwrap();
    inputs.remove(0)
}

/// A report on what a program shows, and what other sides do with it.
fn report(left: &str, right: &str, others: &[&str], source: &str) -> Report {
    let input = read(source);
    let mut oracle = Oracle::new(Pair::open(left, right).unwrap());
    let verdict = oracle.judge(&input.program);
    let unmet = |side: &dyn Side, trace| {
        let expectations = &input.expectations;
        expectations.unmet(&input.program, trace, side.info())
    };
    let unmet = unmet(oracle.pair().left.as_ref(), oracle.left_trace());
    let origin = Origin {
        make: Some(format!("LEFT={left} RIGHT={right}")),
        named: false,
    };
    let (prog, path) = (&input.program, Some("out/findings/found.gup"));
    let mut report = Report::with_unmet(&oracle, prog, &verdict, unmet, path, &origin);
    report.source = (!report.unmet.is_empty()).then(|| input.text.clone());
    assert!(report.is_finding(), "{}", report.finding.summary);
    let survey = Survey {
        oracle: &oracle,
        prog,
        verdict: &verdict,
        expectations: &input.expectations,
        op_index: report.finding.op_index.unwrap(),
    };
    let others: Vec<String> = others.iter().map(|&side| side.into()).collect();
    report.kernels = survey.run(&others);
    report
}

/// Holds a mail against its snapshot; sums of the series' own sources say nothing here.
fn mail(name: &str, report: &Report) {
    let mut settings = Settings::clone_current();
    settings.set_omit_expression(true);
    let text = Mail(report).to_string();
    let lines = text.lines().map(|line| match line.split_once("sha256 ") {
        Some((what, _)) => format!("{what}sha256 ...\n"),
        None => format!("{line}\n"),
    });
    let text: String = lines.collect();
    settings.bind(|| assert_snapshot!(name, text));
}

/// Prose keeps to its columns; what is long is one thing that cannot be broken.
fn check_width(report: &Report) {
    for line in Mail(report).to_string().lines() {
        let longest = line.split_whitespace().map(str::len).max().unwrap_or(0);
        let is_code = ["sha256", "scripts/gupdiff", "WARNING"]
            .iter()
            .any(|w| line.contains(w));
        let is_program = report.program.iter().any(|p| line.ends_with(&p.text));
        assert!(
            line.len() <= 72
                || is_code
                || is_program
                || longest > 40
                || line.starts_with("Subject"),
            "{} columns: {line}",
            line.len()
        );
    }
}

const WARN: &str = "
names v9
page p ref=INT_MAX-1023
try_grab_compound_head p refs=1 PIN
try_grab_page p refs=1 GET
";

#[test]
fn a_warn_that_one_version_of_the_series_has() {
    let report = report("c:v8", "c:v9", &["c:v10", "c:v9-bias32"], WARN);
    assert_eq!(
        report.title,
        "mm/gup: try_grab_page() warns in try_get_page() on a pinned page"
    );
    let log = &report.reported().log;
    assert!(
        log[0].starts_with("WARNING: CPU: ... PID: ... at "),
        "{log:?}"
    );
    assert!(log[0].ends_with(" try_get_page+..."), "{log:?}");
    assert!(
        report
            .kernels
            .iter()
            .all(|k| k.behaves == kernels::Behaves::Faulty)
    );
    check_width(&report);
}

#[test]
fn an_oops_and_a_loop_are_reported_of_the_side_that_has_them() {
    let oops = "names v9\npage p\ngup_pte_range NULL\n";
    let report_of_oops = report("c:v9", "c:v10", &["c:v8", "c:v11"], oops);
    assert_eq!(
        report_of_oops.title,
        "mm/gup: gup_pte_range() oopses on NULL"
    );
    mail("oops", &report_of_oops);
    let limit = "names v8\npage h order=9 ref=1\nfollow_hugetlb_page h refs=257 PIN\n";
    let report = report("c:v8", "c:v9", &[], limit);
    assert_eq!(
        report.title,
        "mm/gup: follow_hugetlb_page() does not end on a large folio"
    );
    check_width(&report);
}

/// 5.10 does not look up the head of what it puts back.
const BUG: &str = "
page p ref=1 file
page h order=2 ref=3 pin=1 anon
try_grab_folio h+3 refs=2 PIN
unpin_user_pages_dirty_lock [h+1..h+2, p] dirty
put_page p
";

#[test]
fn a_bug_with_pages_before_and_after() {
    let report = report(
        "rust:6.1",
        "rust:6.1-nodebug",
        &["rust:6.12", "rust:7.3"],
        BUG,
    );
    mail("bug", &report);
    check_width(&report);
}

/// Another CPU unmaps the page between the grab and the recheck.
const WALK: &str = "
page p ref=1 anon exclusive
page q ref=1 file
set_pte 0x10000000 q rw dirty
set_pte 0x10001000 p rw dirty
pin_user_pages_fast 0x10000000 n=2 WRITE|LONGTERM
  | before read pte@0x10001000 #2: set_pte 0x10001000 none
  | at slow_path: answer 1
";

#[test]
fn a_walk_with_what_another_cpu_does() {
    let report = report("rust:6.1", "rust:6.12", &["rust:5.10", "rust:7.3"], WALK);
    mail("walk", &report);
    check_width(&report);
}

/// A fault that has dropped the mmap lock, for good.
const FAULT: &str = "
page p ref=1 anon exclusive
set_vma 0 0x10000000 n=2 anon read write mayread maywrite
pin_user_pages_remote 0x10000000 locked=1 n=1 WRITE
  | at handle_mm_fault: answer completed
  | at handle_mm_fault #2: set_pte 0x10000000 p rw dirty
  | at handle_mm_fault #2: answer 0
";

#[test]
fn the_slow_path_with_faults() {
    let right = "rust:6.1,faults_can_complete=5.10";
    let report = report("rust:6.1", right, &["rust:5.10", "rust:7.3"], FAULT);
    mail("fault", &report);
    check_width(&report);
}

#[test]
fn a_law_that_one_side_breaks() {
    let source = "names v8\npage p ref=INT_MAX-1\ngrab_page p PIN\n";
    let report = report("c:v8", "none", &["c:v11"], source);
    mail("law", &report);
    check_width(&report);
}

#[test]
fn an_expectation_that_is_not_met() {
    let source = "page p ref=1\ntry_grab_page p GET\n  expect refcount p 3\n";
    let report = report("rust:6.1", "none", &["rust:6.12"], source);
    assert_eq!(report.finding.verdict, "unmet expectation");
    mail("unmet", &report);
    check_width(&report);
}

/// What differs is in the fields of the JSON form that docs/reports.md names.
#[test]
fn json_has_what_its_page_says() {
    let report = report("rust:6.1", "rust:6.1-nodebug", &["rust:6.12"], BUG);
    let json = serde_json::to_value(&report).unwrap();
    let page = include_str!("../../docs/reports.md");
    let (_, table) = page.split_once("| field |").unwrap();
    let fields: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    for (field, _) in json.as_object().unwrap() {
        assert!(
            fields.contains(&field.as_str()),
            "{field} is not in docs/reports.md"
        );
    }
    assert!(fields.len() > 10);
    assert_eq!(json["version"], 1);
    assert_eq!(json["verdict"], "divergence");
    assert_eq!(json["faulty"], "left");
    assert_eq!(json["sides"][1]["name"], "rust:6.1-nodebug");
    assert_eq!(json["kernels"][0]["side"], "rust:6.12");
    assert_eq!(json["program"][4]["here"], true);
}

#[test]
fn ktap_has_a_line_for_each_program() {
    let found = report(
        "c:v9",
        "c:v10",
        &[],
        "names v9\npage p\ngup_pte_range NULL\n",
    );
    let tests = [
        ("a.gup".to_string(), Test::Ok),
        ("b#1.gup".to_string(), Test::Found(Box::new(found))),
        ("c.gup".to_string(), Test::Skipped("a gap".into())),
        (
            "d.gup".to_string(),
            Test::Failed("no program\nat all".into()),
        ),
    ];
    assert_snapshot!("ktap", Ktap(&tests).to_string());
}
