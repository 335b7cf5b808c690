// SPDX-License-Identifier: GPL-2.0
//! A report for a mailing list: what happens in the words of the kernel, for readers
//! who do not know the tool.

use std::fmt::{self, Write};

use textwrap::{Options, WordSplitter, WrapAlgorithm};

use super::around::{Change, PageReport};
use super::events::Event;
use super::kernels::Behaves;
use super::model::{Report, SideReport};
use super::suspects::Span;
use crate::side::SideInfo;

/// Columns of a mail; commands, sums and lines of programs may be longer.
const WIDTH: usize = 72;

/// A column of sides' names, at most; longer ones are lines of their own.
const NAME_WIDTH: usize = 24;
/// Pages that it shows, at most.
const SHOWN_PAGES: usize = 4;

/// [`Report`] as a mail, from its subject on.
pub struct Mail<'a>(pub &'a Report);

impl fmt::Display for Mail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(f, "Subject: {}\n", report.title)?;
        opening(f, report)?;
        program(f, report)?;
        difference(f, report)?;
        log(f, report)?;
        state(f, report)?;
        events(f, report)?;
        suspects(f, report)?;
        kernels(f, report)?;
        reproduce(f, report)?;
        details(f, report)
    }
}

/// Text of this indentation, wrapped; lines after the first one are indented more.
fn wrapped(f: &mut impl Write, text: &str, indent: usize, more: usize) -> fmt::Result {
    let (first, rest) = (" ".repeat(indent), " ".repeat(indent + more));
    let options = Options::new(WIDTH)
        .initial_indent(&first)
        .subsequent_indent(&rest)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    writeln!(f, "{}", textwrap::fill(text, options))
}

fn paragraph(f: &mut impl Write, text: &str) -> fmt::Result {
    wrapped(f, text, 0, 0)?;
    writeln!(f)
}

/// `Linux 6.1.172 with fix.patch (c:6.1+fix)`, `a reimplementation by the rules of 6.1
/// (rust:6.1)`.
fn called(info: &SideInfo) -> String {
    let name = &info.name;
    let with = match info.patch() {
        Some(patch) => format!(" with {patch}"),
        None => String::new(),
    };
    match &info.release {
        Some(release) if info.rev.is_series() => format!("the {release} ({name})"),
        Some(release) => format!("Linux {release}{with} ({name})"),
        None => format!("a reimplementation by the rules of {} ({name})", info.rev),
    }
}

/// The first paragraph: what is wrong, and compared with what.
fn opening(f: &mut impl Write, report: &Report) -> fmt::Result {
    let (reported, function) = (report.reported(), &report.function);
    let on = called(&reported.info);
    if let Some(law) = &report.law {
        let text = format!(
            "On {on}, {function}() {}.  This breaks an invariant: {}.  Here: {}.",
            reported.does, law.text, law.what
        );
        return paragraph(f, &text);
    }
    if let Some(unmet) = report
        .unmet
        .first()
        .filter(|_| report.finding.left.is_none())
    {
        let text = format!(
            "On {on}, {function}() {}.  The program expects something else: {}; {}.",
            reported.does, unmet.expected, unmet.found
        );
        return paragraph(f, &text);
    }
    let mut text = format!("On {on}, {function}() {}.", reported.does);
    if let Some(other) = report.other() {
        text += &format!("  On {} it {}.", called(&other.info), other.does);
    }
    paragraph(f, &text)
}

fn program(f: &mut impl Write, report: &Report) -> fmt::Result {
    writeln!(f, "The program that shows it, line by line:\n")?;
    for line in &report.program {
        let Some(says) = &line.says else {
            continue;
        };
        let mark = if line.here { "->" } else { "  " };
        writeln!(f, "{mark}  {}", line.text)?;
        wrapped(f, says, 8, 0)?;
    }
    match report.finding.op_index.is_some() && report.program.iter().all(|line| !line.here) {
        true => writeln!(f, "->  after the last operation\n"),
        false => writeln!(f),
    }
}

/// The sides, the one that is reported first.
fn sides(report: &Report) -> impl Iterator<Item = &SideReport> {
    [Some(report.reported()), report.other()]
        .into_iter()
        .flatten()
}

fn difference(f: &mut impl Write, report: &Report) -> fmt::Result {
    if sides(report).all(|side| side.differs.is_none()) {
        return Ok(());
    }
    writeln!(f, "The first difference:\n")?;
    let widths = report.sides.iter().map(|side| side.info.name.len() + 2);
    let width = widths.max().unwrap_or(0);
    for side in sides(report) {
        let (name, differs) = (&side.info.name, side.differs.as_deref().unwrap_or("-"));
        if width > NAME_WIDTH {
            writeln!(f, "    {name}")?;
            wrapped(f, differs, 8, 0)?;
        } else {
            wrapped(f, &format!("{name:<width$}{differs}"), 4, width)?;
        }
    }
    writeln!(f)
}

fn log(f: &mut impl Write, report: &Report) -> fmt::Result {
    for side in sides(report).filter(|side| !side.log.is_empty()) {
        let name = &side.info.name;
        let head = format!("On a booted kernel the log would start with ({name}):");
        wrapped(f, &head, 0, 0)?;
        writeln!(f)?;
        side.log
            .iter()
            .try_for_each(|line| writeln!(f, "    {line}"))?;
        writeln!(f)?;
    }
    Ok(())
}

fn state(f: &mut impl Write, report: &Report) -> fmt::Result {
    let Some(around) = &report.around else {
        return Ok(());
    };
    if !around.pages.is_empty() {
        writeln!(f, "Pages before and after the call:\n")?;
        let mut pages = around.pages.iter().take(SHOWN_PAGES);
        pages.try_for_each(|p| page(f, report, p))?;
        let more = around.pages.len().saturating_sub(SHOWN_PAGES) + around.more_pages;
        if more > 0 {
            writeln!(f, "    and {more} more")?;
        }
        writeln!(f)?;
    }
    let Some(tables) = &around.tables else {
        return Ok(());
    };
    let mut block = |head: &str, lines: &[String], more: usize| {
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(f, "{head}:\n")?;
        lines
            .iter()
            .try_for_each(|line| writeln!(f, "    {line}"))?;
        if more > 0 {
            writeln!(f, "    and {more} more")?;
        }
        writeln!(f)
    };
    block("VMAs before the call", &tables.vmas, 0)?;
    block(
        "Entries of page tables before the call",
        &tables.entries,
        tables.more,
    )
}

fn page(f: &mut impl Write, report: &Report, page: &PageReport) -> fmt::Result {
    let (left, right) = (&page.left, page.right.as_ref());
    let name = &page.page;
    let mut change = |label: &str, change: &Change| {
        let Change { before, after } = change;
        if before == after {
            return wrapped(f, &format!("{name}, {label}unchanged: {after}"), 4, 4);
        }
        wrapped(f, &format!("{name}, {label}before: {before}"), 4, 4)?;
        wrapped(f, &format!("{name}, {label}after: {after}"), 4, 4)
    };
    match right {
        Some(right) if right != left => {
            for side in sides(report) {
                let of = match side.which {
                    crate::oracle::Which::Left => left,
                    crate::oracle::Which::Right => right,
                };
                change(&format!("{} ", side.info.name), of)?;
            }
            Ok(())
        }
        _ => change("", left),
    }
}

fn events(f: &mut impl Write, report: &Report) -> fmt::Result {
    writeln!(f, "What the call did, in order:\n")?;
    for side in sides(report) {
        writeln!(f, "    {}", side.info.name)?;
        for event in &side.events {
            let text = format!("{:<9}{}", does(event), event.text);
            wrapped(f, &text, 8, 9)?;
        }
        if side.events.is_empty() {
            writeln!(f, "        nothing")?;
        }
    }
    writeln!(f)
}

/// Whether a release is a version of the FOLL_PIN series.
fn is_series(release: &str) -> bool {
    !release.starts_with(|c: char| c.is_ascii_digit())
}

/// A word for a kind of event.
fn does(event: &Event) -> &str {
    match event.kind {
        "CALL" | "ASK" => "calls",
        "ACT" => "then",
        "ENTRY" => "stores",
        "STATE" => "leaves",
        // the event before it says why
        "RET" if event.text == "did not return" => "and",
        "RET" => "returns",
        kind => kind,
    }
}

fn suspects(f: &mut impl Write, report: &Report) -> fmt::Result {
    for suspects in &report.suspects {
        let side = &suspects.side;
        let text = match &suspects.against {
            Some(against) => format!("Lines that {side} executes and {against} does not"),
            None => format!("Lines that {side} executes in this call and not before"),
        };
        let is_changed = suspects.spans.iter().any(|span| span.changed);
        let legend = match is_changed {
            true => " (* marks changed lines)",
            false => "",
        };
        wrapped(f, &format!("{text}{legend}:"), 0, 0)?;
        writeln!(f)?;
        let place = |span: &Span| match span.last == span.first {
            true => format!("{}:{}", span.file, span.first),
            false => format!("{}:{}-{}", span.file, span.first, span.last),
        };
        let width = suspects.spans.iter().map(|span| place(span).len()).max();
        let width = width.unwrap_or(0);
        for span in &suspects.spans {
            let mark = if span.changed { '*' } else { ' ' };
            writeln!(f, "  {mark} {:<width$}  {}", place(span), span.function)?;
        }
        if suspects.more > 0 {
            writeln!(f, "    and {} more", suspects.more)?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn kernels(f: &mut impl Write, report: &Report) -> fmt::Result {
    if report.kernels.is_empty() {
        return Ok(());
    }
    let reported = &report.reported().info.name;
    let head = format!("Other kernels, compared with {reported}:");
    wrapped(f, &head, 0, 0)?;
    writeln!(f)?;
    let widths = report.kernels.iter().map(|kernel| kernel.side.len());
    let width = widths.max().unwrap_or(0) + 2;
    for kernel in &report.kernels {
        let release = match &kernel.release {
            Some(release) if is_series(release) => format!("{release}, "),
            Some(release) => format!("Linux {release}, "),
            None => String::new(),
        };
        let rules = match kernel.follows_its_rules {
            Some(false) => " (its Rust rules behave differently)",
            _ => "",
        };
        let mut line = format!("{:<width$}{release}{}", kernel.side, kernel.behaves);
        // the two sides are described above
        if !matches!(kernel.behaves, Behaves::Faulty | Behaves::Other) {
            line += &format!(": {}", kernel.does);
        }
        line += rules;
        wrapped(f, &line, 4, width)?;
    }
    writeln!(f)
}

fn reproduce(f: &mut impl Write, report: &Report) -> fmt::Result {
    let text = format!(
        "To reproduce it in a checkout of gupdiff, save this as {}",
        report.file
    );
    paragraph(f, &text)?;
    for line in report.program_text().lines() {
        writeln!(f, "{}", format!("    {line}").trim_end())?;
    }
    writeln!(f, "\nand run\n\n    {}\n", report.elsewhere)
}

fn details(f: &mut impl Write, report: &Report) -> fmt::Result {
    writeln!(f, "What was compared:\n")?;
    for side in sides(report) {
        let info = &side.info;
        wrapped(f, &called(info), 4, 4)?;
        let mut say = |text: String| wrapped(f, &text, 8, 4);
        if let Some(origin) = &info.origin {
            say(format!("made from {origin}"))?;
        }
        say(format!(
            "CONFIG_DEBUG_VM is {}",
            if info.debug_vm { "on" } else { "off" }
        ))?;
        if let Some(options) = options(&info.name) {
            say(format!("changed options: {options}"))?;
        }
        let is_option = |lack: &&String| lack.starts_with("CONFIG_");
        let lacks: Vec<&str> = info
            .lacks
            .iter()
            .filter(is_option)
            .map(|s| &s[..])
            .collect();
        if !lacks.is_empty() {
            say(format!("without {}", lacks.join(", ")))?;
        }
        let source = if info.rev.is_series() {
            "source"
        } else {
            "mm/gup.c"
        };
        for (what, sum) in [(source, &info.gup_sha256), (".config", &info.config_sha256)] {
            if let Some(sum) = sum {
                writeln!(f, "        {what} sha256 {sum}")?;
            }
        }
    }
    writeln!(f)?;
    wrapped(
        f,
        "gupdiff runs this code in an ordinary process, with the kernel's unmodified mm/gup.c, on \
         pages that the program declares.  There is one thread; other CPUs act at the points that \
         the program names.  Functions outside of mm/gup.c are answered by the program, not \
         executed.",
        0,
        0,
    )
}

/// What a configuration's name says about options: `-CMA,-KSM`.
fn options(side: &str) -> Option<&str> {
    let (_, options) = side.strip_prefix("c:")?.split_once(',')?;
    Some(options)
}
