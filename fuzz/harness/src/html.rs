// SPDX-License-Identifier: GPL-2.0
//! Self-contained HTML pages: light and dark, on a phone and in print.

use std::fmt::Write;

const STYLE: &str = include_str!("html.css");

/// A complete page.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         {body}</body>\n</html>\n",
        title = escaped(title)
    )
}

/// A table; cells contain HTML. Columns of numbers are aligned on the right.
pub fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    let is_number = |cell: &String| cell.bytes().all(|b| b.is_ascii_digit());
    let class = |column: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(column));
        match !rows.is_empty() && cells.all(is_number) {
            true => " class=\"number\"",
            false => "",
        }
    };
    let classes: Vec<&str> = (0..heads.len()).map(class).collect();
    let mut html = String::from("<div class=\"wide\"><table>\n<tr>");
    for (head, class) in heads.iter().zip(&classes) {
        let _ = write!(html, "<th{class}>{}", escaped(head));
    }
    html.push_str("</tr>\n");
    for row in &rows {
        html.push_str("<tr>");
        for (cell, class) in row.iter().zip(&classes) {
            let _ = write!(html, "<td{class}>{cell}");
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
    html
}

/// Escapes text.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A curve of a [`chart`].
pub struct Curve<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its points, by ascending x.
    pub points: Vec<(f64, f64)>,
}

/// A chart of curves over time; `unit` is the unit of y.
pub fn chart(unit: &str, curves: &[Curve]) -> String {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 200.0;
    /// For the labels above and below.
    const MARGIN: f64 = 16.0;
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let last = all().map(|p| p.0).fold(1.0, f64::max);
    let most = all().map(|p| p.1).fold(1.0, f64::max);
    let mut html = format!(
        "<figure><svg viewBox=\"0 {top} {WIDTH} {height}\" role=\"img\" \
         aria-label=\"{unit} over time\">\n\
         <path class=\"axis\" d=\"M0 0V{HEIGHT}H{WIDTH}\"/>\n\
         <text x=\"0\" y=\"-4\">{most:.0} {unit}</text>\n\
         <text x=\"0\" y=\"{below}\">0</text>\n\
         <text class=\"end\" x=\"{WIDTH}\" y=\"{below}\">{last:.0} s</text>\n",
        top = -MARGIN,
        height = HEIGHT + 2.0 * MARGIN,
        below = HEIGHT + MARGIN - 3.0,
        unit = escaped(unit)
    );
    for (i, curve) in curves.iter().enumerate() {
        let mut points = String::new();
        for (x, y) in &curve.points {
            let (x, y) = (x / last * WIDTH, HEIGHT - y / most * (HEIGHT - 4.0));
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        let points = points.trim_end();
        let _ = writeln!(html, "<polyline class=\"curve c{i}\" points=\"{points}\"/>");
    }
    html.push_str("</svg>\n<figcaption>");
    for (i, curve) in curves.iter().enumerate() {
        let name = escaped(curve.name);
        let _ = write!(html, "<span class=\"key c{i}\">{name}</span> ");
    }
    html.push_str("</figcaption></figure>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_takes_nothing_from_elsewhere_and_means_what_it_says() {
        let page = page("a < b", &table(&["x"], [vec![escaped("\"&\"")]]));
        assert!(page.contains("<h1>a &lt; b</h1>"), "{page}");
        assert!(page.contains("<td>&quot;&amp;&quot;</tr>"), "{page}");
        for elsewhere in ["http", "src=", "url(", "@import"] {
            assert!(!page.contains(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn only_columns_of_numbers_are_aligned_on_the_right() {
        let row = |name: &str, n: &str| vec![name.to_owned(), n.to_owned()];
        let table = table(&["name", "n"], [row("1", "10"), row("a", "2")]);
        assert!(table.contains("<th>name<th class=\"number\">n<"), "{table}");
        assert!(table.contains("<td>a<td class=\"number\">2<"), "{table}");
    }

    #[test]
    fn a_chart_fits_its_frame() {
        let points = vec![(0.0, 0.0), (10.0, 5.0), (20.0, 50.0)];
        let chart = chart(
            "programs",
            &[Curve {
                name: "a&b",
                points,
            }],
        );
        let points = "points=\"0.0,200.0 320.0,180.4 640.0,4.0\"";
        assert!(chart.contains(points), "{chart}");
        assert!(chart.contains("a&amp;b"), "{chart}");
        assert!(chart.contains(">50 programs<"), "{chart}");
        assert!(chart.contains(">20 s<"), "{chart}");
    }
}
