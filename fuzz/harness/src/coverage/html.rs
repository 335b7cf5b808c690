// SPDX-License-Identifier: GPL-2.0
//! The report as one self-contained HTML file.

use std::fmt::Write;

use super::{Function, Measured, Share};
use crate::html::{self, escaped};

/// One part of the report: a side, or the Rust code.
pub struct Part<'a> {
    /// Its heading.
    pub title: String,
    /// The measurement.
    pub measured: &'a Measured,
    /// The file that is shown with its source, by function.
    pub main: &'a str,
    /// Why lines of a function are not executed, if known.
    pub reason: &'a dyn Fn(&str) -> Option<&'static str>,
    /// Returns the text of a file.
    pub text: &'a dyn Fn(&str) -> Option<String>,
}

/// The complete page.
pub fn page(title: &str, parts: &[Part]) -> String {
    let mut html = String::from("<nav><ul>\n");
    for (at, part) in parts.iter().enumerate() {
        let share = part.measured.files().get(part.main).copied();
        let share = share.unwrap_or_else(|| total(part.measured));
        let title = escaped(&part.title);
        let _ = writeln!(
            html,
            "<li><a href=\"#part-{at}\">{title}</a> {}</li>",
            bar(share)
        );
    }
    html += "</ul></nav>\n";
    for (at, part) in parts.iter().enumerate() {
        write_part(&mut html, at, part);
    }
    html::page(title, &html)
}

/// The file with its source, as HTML: functions, then lines.
pub fn main_file(part: &Part) -> String {
    let mut html = String::new();
    write_functions(&mut html, part);
    write_source(&mut html, part, part.main, None);
    html
}

fn total(measured: &Measured) -> Share {
    let mut total = Share::default();
    measured
        .files()
        .into_values()
        .for_each(|share| total += share);
    total
}

fn write_part(html: &mut String, at: usize, part: &Part) {
    let _ = writeln!(
        html,
        "<section id=\"part-{at}\">\n<h2>{}</h2>\n<p class=\"side\">{}</p>",
        escaped(&part.title),
        escaped(&part.measured.side)
    );
    let files = part.measured.files();
    if files.contains_key(part.main) {
        html.push_str(&main_file(part));
    }
    let ran = files.iter().filter(|(_, share)| share.executed > 0);
    html.push_str("<div class=\"wide\"><table>\n<tr><th>file<th>executed<th>lines</tr>\n");
    for (file, share) in ran {
        let main = if **file == *part.main {
            " class=\"main\""
        } else {
            ""
        };
        let _ = writeln!(
            html,
            "<tr{main}><td><code>{}</code><td>{}<td class=\"n\">{share}</tr>",
            escaped(file),
            bar(*share)
        );
    }
    html.push_str("</table></div>\n");
    for (file, _) in files
        .iter()
        .filter(|(f, share)| share.executed > 0 && ***f != *part.main)
    {
        write_source(html, part, file, Some(&part.measured.functions(file)));
    }
    html.push_str("</section>\n");
}

fn write_functions(html: &mut String, part: &Part) {
    let _ = writeln!(
        html,
        "<h3>{}, function by function</h3>\n<div class=\"wide\"><table>\n\
         <tr><th>function<th>executed<th>lines<th>not executed<th>why</tr>",
        escaped(part.main)
    );
    for function in part.measured.functions(part.main) {
        let why = match function.share.is_full() {
            true => "",
            false => (part.reason)(&function.name).unwrap_or("not known"),
        };
        let _ = writeln!(
            html,
            "<tr><td><code>{}</code><td>{}<td class=\"n\">{}<td>{}<td>{}</tr>",
            escaped(&function.name),
            bar(function.share),
            function.share,
            function.ranges(),
            escaped(why)
        );
    }
    html.push_str("</table></div>\n");
}

/// The source with marked lines: the complete file, or some of its functions.
fn write_source(html: &mut String, part: &Part, file: &str, functions: Option<&[Function]>) {
    let Some(text) = (part.text)(file) else {
        return;
    };
    let lines = part.measured.by_line(file);
    let shown = |line: u32| match functions {
        None => true,
        Some(all) => all.iter().any(|f| {
            f.share.executed > 0 && (f.lines.0.saturating_sub(1)..=f.lines.1 + 1).contains(&line)
        }),
    };
    let _ = write!(
        html,
        "<details><summary><code>{}</code></summary>\n<pre>",
        escaped(file)
    );
    let mut gap = false;
    for (at, text) in (1..).zip(text.lines()) {
        if !shown(at) {
            gap = true;
            continue;
        }
        if gap {
            html.push_str("<i>...</i>");
            gap = false;
        }
        let (class, mark) = match lines.get(&at) {
            None => ("", " "),
            Some(true) => (" class=\"y\"", "+"),
            Some(false) => (" class=\"m\"", "-"),
        };
        let _ = write!(html, "<i{class}>{at:5} {mark} {}</i>", escaped(text));
    }
    html.push_str("</pre></details>\n");
}

/// A share as a bar, with the number.
fn bar(share: Share) -> String {
    let percent = share.percent();
    format!(
        "<span class=\"bar\"><meter value=\"{percent}\" max=\"100\"></meter> {percent:.1} %</span>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::Line;

    #[test]
    fn a_page_marks_lines_and_takes_nothing_from_elsewhere() {
        let line = |line, executed| {
            let (file, function) = ("mm/gup.c".into(), "f<x>".into());
            (
                Line {
                    file,
                    line,
                    function,
                },
                executed,
            )
        };
        let measured = Measured {
            side: "c:1.2".into(),
            lines: vec![line(2, true), line(3, false)],
        };
        let part = Part {
            title: "C".into(),
            measured: &measured,
            main: "mm/gup.c",
            reason: &|_| Some("a & b"),
            text: &|_| Some("f()\n{\n\tg(\"<\");\n}\n".into()),
        };
        let page = page("coverage", &[part]);
        assert!(page.contains("<i class=\"y\">    2 + {</i>"), "{page}");
        assert!(page.contains("<i class=\"m\">    3 - \tg(&quot;&lt;&quot;);</i>"));
        assert!(page.contains("<i>    4   }</i>"));
        assert!(page.contains("f&lt;x&gt;") && page.contains("a &amp; b"));
        for outside in ["http", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
