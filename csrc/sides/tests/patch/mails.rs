// SPDX-License-Identifier: GPL-2.0
//! Mails as mail programs send them.

use gup_sides::patch::Series;

use crate::patch::desk::{Desk, git_diff, mail, numbered};

#[test]
fn mails_as_they_are_sent() {
    let desk = Desk::new();
    let five = git_diff(5, "fünf = \u{1f4cc}");
    let want = numbered(1..=40).replace("line 5\n", "fünf = \u{1f4cc}\n");
    let read = |text: String| {
        let series = Series::read(&desk.put("a.eml", text)).unwrap();
        assert_eq!(desk.apply(&series).unwrap().1["mm/pins.c"], want);
        (
            series.parts[0].title.clone().unwrap(),
            series.parts[0].first_line,
        )
    };
    let head = |subject: &str, more: &str| {
        format!(
            "Return-Path: <a@b.example>\nFrom: A\nSubject: {subject}\nMIME-Version: 1.0\n{more}\n"
        )
    };
    let text = |more: &str| {
        head(
            "[PATCH] mm: =?UTF-8?Q?f=C3=BCnf?=\n =?UTF-8?B?IHVuZCBtZWhy?=",
            &format!("Content-Type: text/plain; charset=UTF-8{more}\n"),
        )
    };
    let title = "mm: fünf und mehr".to_string();
    assert_eq!(
        read(text("\nContent-Transfer-Encoding: 8bit") + "Why.\n\n" + &five),
        (title.clone(), 11)
    );
    assert_eq!(
        read(head("[PATCH] mm: fünf", "") + &five),
        ("mm: fünf".into(), 6)
    );

    let quoted: String = five
        .bytes()
        .map(|b| match b {
            b'\n' => "\n".into(),
            b'=' | 128.. => format!("={b:02X}"),
            b' ' => "=\n ".into(),
            _ => char::from(b).to_string(),
        })
        .collect();
    assert_eq!(
        read(text("\nContent-Transfer-Encoding: quoted-printable") + "Why.\n\n" + &quoted),
        (title.clone(), 0)
    );
    for body in [five.clone(), five.replace('\n', "\r\n")] {
        assert_eq!(
            read(text("\nContent-Transfer-Encoding: base64") + &base64(body.as_bytes())),
            (title.clone(), 0)
        );
    }
    let flowed: String = five
        .lines()
        .map(|l| {
            if l.starts_with(' ') {
                format!(" {l}\n")
            } else {
                format!("{}\n", l.replace(" = ", " = \n"))
            }
        })
        .collect();
    assert_eq!(
        read(text("; format=flowed") + "Many \nwords.\n\n" + &flowed),
        (title.clone(), 0)
    );

    let mixed = head(
        "[PATCH] x",
        "Content-Type: multipart/mixed; boundary=\"==\"\n",
    );
    let attached = format!(
        "{mixed}--==\nContent-Type: text/plain\n\nSee there.\n--==\nContent-Type: text/x-patch; name=\"0001.patch\"\nContent-Transfer-Encoding: 8bit\n\n{five}\n--==--\n"
    );
    assert_eq!(read(attached.clone()), ("x".into(), 15));
    // an attached file that is a mail itself, and a page that says the same
    let whole = attached.replace(&five, &mail("[PATCH] mm: inner", &five)).replace("--==--", "--==\nContent-Type: text/html\n\n<pre>\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n</pre>\n--==--");
    assert_eq!(read(whole), ("mm: inner".into(), 24));

    let damaged = text("\nContent-Transfer-Encoding: base64") + "%%%\n";
    desk.put("a.eml", damaged);
    assert!(
        desk.read_fails("a.eml")
            .starts_with("line 1 of a.eml: the mail there cannot be read: "),
        "{}",
        desk.read_fails("a.eml")
    );
    desk.put(
        "a.eml",
        text("\nContent-Transfer-Encoding: base64")
            + &base64(git_diff(5, "x").replace("line 5", "line five").as_bytes()),
    );
    let error = desk
        .apply(&Series::read(&desk.path("a.eml")).unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "mm/pins.c: hunk #1 (line 5 of the diff in a.eml) does not match around line 4"
    );
}

fn base64(bytes: &[u8]) -> String {
    let digits: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['+', '/'])
        .collect();
    let mut out = String::new();
    for (i, three) in bytes.chunks(3).enumerate() {
        let word =
            three.iter().fold(0u32, |w, &b| w << 8 | u32::from(b)) << (8 * (3 - three.len()));
        for k in 0..4 {
            out.push(if k <= three.len() {
                digits[(word >> (18 - 6 * k)) as usize & 63]
            } else {
                '='
            });
        }
        if i % 18 == 17 {
            out.push('\n');
        }
    }
    out + "\n"
}
