// SPDX-License-Identifier: GPL-2.0
//! Source lines, and the map from blocks of an object to lines.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use addr2line::gimli::{self, EndianSlice, LittleEndian};
use addr2line::{Context, LookupResult};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use serde::{Deserialize, Serialize};

/// A line for which there is code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Line {
    /// The file, within the kernel tree (`mm/gup.c`) or this repository.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The function in the source, even if it is inlined elsewhere.
    pub function: Arc<str>,
}

/// A set of lines of one [`LineMap`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSet(Vec<u64>);

impl LineSet {
    fn insert(&mut self, at: u32) {
        let word = at as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (at % 64);
    }

    /// Does the set contain the line with this index?
    pub fn has(&self, at: usize) -> bool {
        self.0
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 != 0)
    }

    /// The indices, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.0.len() * 64).filter(|&at| self.has(at))
    }

    /// Number of lines.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// Adds another set; returns whether any line is new.
    pub fn add(&mut self, other: &Self) -> bool {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        let mut grew = false;
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            grew |= theirs & !*mine != 0;
            *mine |= theirs;
        }
        grew
    }

    /// The lines that another set does not contain.
    pub fn without(&self, other: &Self) -> Self {
        let theirs = other.0.iter().chain(std::iter::repeat(&0));
        Self(self.0.iter().zip(theirs).map(|(a, b)| a & !b).collect())
    }
}

/// The lines of an object, by block.
#[derive(Clone, Debug)]
pub struct LineMap {
    lines: Vec<Line>,
    blocks: Vec<Vec<u32>>,
}

/// Why the lines of an object cannot be determined.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not an ELF file.
    #[error("the symbols cannot be read: {0}")]
    Object(#[from] object::read::Error),
    /// The debug information is damaged.
    #[error("the debug information cannot be read: {0}")]
    Dwarf(#[from] gimli::Error),
}

type Slice<'a> = EndianSlice<'a, LittleEndian>;

impl LineMap {
    /// For an ELF file with these bytes, whose blocks begin at `addresses`, in ascending
    /// order.  `path` maps a file's path to the one to report; `None` ignores its lines.
    pub fn read(
        bytes: &[u8],
        addresses: &[u64],
        path: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let file = object::File::parse(bytes)?;
        let section = |id: gimli::SectionId| {
            let data = file.section_by_name(id.name()).map(|s| s.data());
            let data = data.transpose()?.unwrap_or_default();
            Ok::<_, object::read::Error>(EndianSlice::new(data, LittleEndian))
        };
        let context = Context::from_dwarf(gimli::Dwarf::load(section)?)?;
        let mut names = Names {
            path,
            files: HashMap::new(),
            functions: HashMap::new(),
        };
        let mut found: Vec<BTreeSet<Line>> = Vec::new();
        for range in extents(&file, addresses) {
            let mut lines = BTreeSet::new();
            let rows = context.find_location_range(range.0, range.1)?;
            for (at, len, _) in IntoIterator::into_iter(rows) {
                // a row may begin before the block
                let at = at.max(range.0).min(at + len);
                names.add(&context, at, &mut lines)?;
            }
            found.push(lines);
        }
        let all: BTreeSet<&Line> = found.iter().flatten().collect();
        let lines: Vec<Line> = all.into_iter().cloned().collect();
        let number = |line: &Line| lines.binary_search(line).map_or(0, |at| at as u32);
        let blocks = found.iter().map(|b| b.iter().map(number).collect());
        Ok(Self {
            blocks: blocks.collect(),
            lines,
        })
    }

    /// The same with renamed functions.
    pub fn named(mut self, name: impl Fn(&str) -> &str) -> Self {
        for line in &mut self.lines {
            line.function = name(&line.function).into();
        }
        self
    }

    /// The lines, by file, line and function.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines of some blocks.
    pub fn of_blocks(&self, blocks: impl Iterator<Item = usize>) -> LineSet {
        let mut set = LineSet::default();
        for block in blocks {
            for &line in &self.blocks[block] {
                set.insert(line);
            }
        }
        set
    }
}

/// Each block extends to the start of the next one, or to the end of its function.
fn extents(file: &object::File, addresses: &[u64]) -> Vec<(u64, u64)> {
    let mut functions: Vec<(u64, u64)> = file
        .symbols()
        .filter(|s| s.kind() == SymbolKind::Text && s.size() > 0)
        .map(|s| (s.address(), s.address() + s.size()))
        .collect();
    functions.sort_unstable();
    let end = |(at, &start): (usize, &u64)| {
        let next = addresses.get(at + 1).copied().unwrap_or(u64::MAX);
        let function = functions.partition_point(|&(first, _)| first <= start);
        let function = function.checked_sub(1).map(|at| functions[at].1);
        (start, next.min(function.unwrap_or(start)))
    };
    addresses.iter().enumerate().map(end).collect()
}

/// Interned names of files and functions.
struct Names<'a> {
    path: &'a dyn Fn(&str) -> Option<String>,
    files: HashMap<String, Option<Arc<str>>>,
    functions: HashMap<String, Arc<str>>,
}

impl Names<'_> {
    /// Adds the lines of the code at an address: its own, and those of the calls through
    /// which it was inlined.
    fn add(
        &mut self,
        context: &Context<Slice>,
        at: u64,
        lines: &mut BTreeSet<Line>,
    ) -> Result<(), Error> {
        let mut frames = match context.find_frames(at) {
            LookupResult::Output(frames) => frames?,
            // no data in other files is used
            LookupResult::Load { .. } => return Ok(()),
        };
        while let Some(frame) = frames.next()? {
            let (Some(function), Some(place)) = (frame.function, frame.location) else {
                continue;
            };
            let (Some(file), Some(line @ 1..)) = (place.file, place.line) else {
                continue;
            };
            let known = match self.files.get(file) {
                Some(known) => known.clone(),
                None => {
                    let known = (self.path)(file).map(Arc::from);
                    self.files.insert(file.into(), known.clone());
                    known
                }
            };
            let Some(file) = known else {
                continue;
            };
            let name = function.demangle()?;
            let function = match self.functions.get(name.as_ref()) {
                Some(known) => known.clone(),
                None => {
                    let known: Arc<str> = name.as_ref().into();
                    self.functions.insert(name.into_owned(), known.clone());
                    known
                }
            };
            lines.insert(Line {
                file,
                line,
                function,
            });
        }
        Ok(())
    }
}
