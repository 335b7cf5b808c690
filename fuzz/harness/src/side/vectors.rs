// SPDX-License-Identifier: GPL-2.0
//! `vectors:FILE`: traces of a side, stored in a file.
//!
//! For comparing an implementation with a kernel on a machine without a kernel tree.  The
//! file is text, one JSON value per line.  The first line has the version of the format and
//! describes the side; each other line has a program as text, and the records of its trace:
//!
//! ```text
//! {"gupdiff_vectors":1,"side":"c:6.1","rev":"6.1","point":172,"debug_vm":true,"release":"6.1.172"}
//! {"program":"page p ref=1\nget_page p\n","trace":[["PAGE",0,0,81920,2],["RET",0,0,0,0],...]}
//! ```
//!
//! A record is its kind and the fields `a`, `b`, `c`, `d` of `struct gd_rec`
//! (`csrc/abi/trace.h`).  In WARN and BUG records, `c` is the site as text, `FUNCTION
//! WARN#N`, because site numbers are only valid in one process.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use csrc::abi::{self, gd_rec};
use serde::{Deserialize, Serialize};

use super::{Side, SideInfo};
use crate::program::{Program, text};
use crate::rev::Rev;
use crate::site::{self, PlacedSite, SiteId, SiteKind};
use crate::trace::Trace;

/// The prefix of a side's name.
pub const PREFIX: &str = "vectors:";
/// The version of the format.
const VERSION: u32 = 1;

/// Why a file of vectors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// The system's error.
        error: std::io::Error,
    },
    /// A line that does not have this format.
    #[error("{path}:{line}: {what}; vectors are written by `gupdiff vectors export`")]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// The error.
        what: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    gupdiff_vectors: u32,
    side: String,
    rev: String,
    point: u16,
    debug_vm: bool,
    release: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    program: String,
    trace: Vec<Rec>,
}

/// A record: its kind, `a`, `b`, `c` (a number, or a site), `d`.
#[derive(Serialize, Deserialize)]
struct Rec(String, u8, u16, C, u64);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum C {
    Number(u32),
    Site(String),
}

/// The kinds of records by the names of `enum gd_rec_kind`, in its order.
const KINDS: [&str; 13] = [
    "WARN", "BUG", "OOPS", "LIMIT", "GAP", "CALL", "PAGE", "ENTRY", "STATE", "RET", "END", "ASK",
    "ACT",
];
const _: () = assert!(KINDS.len() as u32 == abi::GD_R_ACT && abi::GD_R_WARN == 1);

impl Rec {
    fn of(rec: &gd_rec) -> Option<Self> {
        let kind = KINDS.get(usize::from(rec.kind).checked_sub(1)?)?;
        let c = match u32::from(rec.kind) {
            abi::GD_R_WARN | abi::GD_R_BUG => C::Site(SiteId(rec.c).site()?.to_string()),
            // its number is the side's own
            abi::GD_R_GAP => return None,
            _ => C::Number(rec.c),
        };
        Some(Self((*kind).into(), rec.a, rec.b, c, rec.d))
    }

    fn read(&self) -> Result<gd_rec, String> {
        let Self(name, a, b, c, d) = self;
        let kind = KINDS.iter().position(|kind| kind == name);
        let kind = kind.ok_or_else(|| format!("`{name}` is not a kind of record"))? as u8 + 1;
        let c = match c {
            C::Number(number) => *number,
            C::Site(text) => {
                read_site(text)
                    .ok_or_else(|| format!("`{text}` is not a site"))?
                    .0
            }
        };
        Ok(gd_rec {
            kind,
            a: *a,
            b: *b,
            c,
            d: *d,
        })
    }
}

/// `FUNCTION WARN#N`
fn read_site(text: &str) -> Option<SiteId> {
    let (func, rest) = text.split_once(' ')?;
    let (kind, ordinal) = rest.split_once('#')?;
    let kinds = [SiteKind::Warn, SiteKind::Bug];
    let kind = kinds.into_iter().find(|k| k.name() == kind)?;
    Some(site::intern(func, kind, ordinal.parse().ok()?))
}

/// The text of vectors: the traces of programs on a side.  Also returns the number of
/// programs that are left out because they met a gap.
pub fn export(side: &mut dyn Side, programs: &[Program]) -> serde_json::Result<(String, usize)> {
    let info = side.info().clone();
    let header = Header {
        gupdiff_vectors: VERSION,
        side: info.name,
        rev: info.rev.to_string(),
        point: info.point,
        debug_vm: info.debug_vm,
        release: info.release,
    };
    let mut out = serde_json::to_string(&header)? + "\n";
    let mut trace = Trace::new();
    let mut left_out = 0;
    for program in programs {
        side.run(program, &mut trace);
        let Some(trace) = trace.records().iter().map(Rec::of).collect() else {
            left_out += 1;
            continue;
        };
        let program = text::format(program, info.rev);
        out += &serde_json::to_string(&Line { program, trace })?;
        out.push('\n');
    }
    Ok((out, left_out))
}

/// A side that replays the traces in a file.
pub struct VectorsSide {
    info: SideInfo,
    programs: Vec<(usize, Program)>,
    traces: HashMap<Vec<u8>, Vec<gd_rec>>,
    sites: Vec<PlacedSite>,
}

impl VectorsSide {
    /// Reads a file.
    pub fn open(path: &str) -> Result<Self, Error> {
        let text = fs::read_to_string(Path::new(path)).map_err(|error| Error::Io {
            path: path.into(),
            error,
        })?;
        let wrong = |line: usize, what: String| Error::Line {
            path: path.into(),
            line,
            what,
        };
        let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
        let (_, first) = lines.next().ok_or_else(|| wrong(1, "it is empty".into()))?;
        let header: Header = serde_json::from_str(first)
            .map_err(|e| wrong(1, format!("not a file of vectors: {e}")))?;
        if header.gupdiff_vectors != VERSION {
            let what = format!(
                "vectors of version {}, this program has version {VERSION}",
                header.gupdiff_vectors
            );
            return Err(wrong(1, what));
        }
        let rev: Rev = header
            .rev
            .parse()
            .map_err(|_| wrong(1, format!("`{}` is not a revision", header.rev)))?;
        let config = if header.debug_vm { "" } else { "-nodebug" };
        let mut side = Self {
            info: SideInfo {
                name: format!("{PREFIX}{path}"),
                rev,
                point: header.point,
                debug_vm: header.debug_vm,
                release: header.release,
                gup_sha256: None,
                config_sha256: None,
                counterpart: Some(format!("rust:{rev}{config}")),
                origin: Some(header.side),
                lacks: Vec::new(),
                message: None,
            },
            programs: Vec::new(),
            traces: HashMap::new(),
            sites: Vec::new(),
        };
        for (number, line) in lines {
            side.add(line).map_err(|what| wrong(number, what))?;
            let program = side.programs.last_mut();
            program.into_iter().for_each(|(line, _)| *line = number);
        }
        Ok(side)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let line: Line = serde_json::from_str(line).map_err(|e| e.to_string())?;
        let program = text::parse(&line.program).map_err(|e| e.to_string())?;
        let trace: Vec<gd_rec> = line.trace.iter().map(Rec::read).collect::<Result<_, _>>()?;
        for rec in &trace {
            let id = SiteId(rec.c);
            let has_site = matches!(u32::from(rec.kind), abi::GD_R_WARN | abi::GD_R_BUG);
            if has_site && self.sites.iter().all(|site| site.id != id) {
                self.sites.push(PlacedSite { id, place: None });
            }
        }
        self.traces.insert(program.encode(), trace);
        self.programs.push((0, program));
        Ok(())
    }

    /// Its programs, with their lines in the file.
    pub fn programs(&self) -> &[(usize, Program)] {
        &self.programs
    }
}

impl Side for VectorsSide {
    fn info(&self) -> &SideInfo {
        &self.info
    }

    fn run(&mut self, prog: &Program, trace: &mut Trace) {
        let records = trace.records_mut();
        records.clear();
        match self.traces.get(&prog.encode()) {
            Some(known) => records.extend_from_slice(known),
            // a program that is not in the file: a gap
            None => records.extend(
                [
                    (abi::GD_R_GAP, 0),
                    (abi::GD_R_RET, abi::GD_RET_STOPPED),
                    (abi::GD_R_END, abi::GD_END_GAP),
                ]
                .map(|(kind, a)| gd_rec {
                    kind: kind as u8,
                    a: a as u8,
                    b: 0,
                    c: 0,
                    d: 0,
                }),
            ),
        }
    }

    fn sites(&self) -> &[PlacedSite] {
        &self.sites
    }

    fn gap(&self, _index: u32) -> String {
        "a vector of this program".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side;

    #[test]
    fn what_was_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v.jsonl").display().to_string();
        let source = "page p ref=1\nput_page p\nget_page p\n";
        let program = text::parse(source).unwrap();
        let mut rust = side::open("rust:6.1").unwrap().unwrap();
        let (text, left_out) = export(rust.as_mut(), &[program]).unwrap();
        assert_eq!(left_out, 0);
        assert!(text.contains("\"BUG\"") || text.contains("BUG#"), "{text}");
        fs::write(&path, &text).unwrap();
        let mut vectors = VectorsSide::open(&path).unwrap();
        assert_eq!(vectors.programs(), [(2, program)]);
        let (mut shown, mut kept) = (Trace::new(), Trace::new());
        rust.run(&program, &mut shown);
        vectors.run(&program, &mut kept);
        assert_eq!(shown.as_bytes(), kept.as_bytes());
        vectors.run(&Program::EMPTY, &mut kept);
        assert_eq!(kept.end().map(|(end, _)| end), Some(crate::trace::End::Gap));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v.jsonl").display().to_string();
        let header = "{\"gupdiff_vectors\":1,\"side\":\"c:6.1\",\"rev\":\"6.1\",\
                      \"point\":0,\"debug_vm\":true,\"release\":null}\n";
        let says = |text: String, what: &str| {
            fs::write(&path, text).unwrap();
            let error = VectorsSide::open(&path).err().unwrap().to_string();
            assert!(error.contains(what), "{error}");
        };
        says(String::new(), ":1: it is empty");
        says("page p\n".into(), ":1: not a file of vectors");
        says(
            header.replace(":1,\"side", ":2,\"side"),
            "vectors of version 2",
        );
        says(
            header.replace("\"6.1\",\"point", "\"x\",\"point"),
            "`x` is not a revision",
        );
        says(format!("{header}{{}}\n"), ":2: missing field");
        let line = |program: &str, rec: &str| {
            format!("{header}{{\"program\":\"{program}\",\"trace\":[{rec}]}}\n")
        };
        says(line("pagp p", ""), ":2: ");
        says(
            line("page p", "[\"X\",0,0,0,0]"),
            ":2: `X` is not a kind of record",
        );
        says(
            line("page p", "[\"WARN\",0,0,\"f\",0]"),
            ":2: `f` is not a site",
        );
    }
}
