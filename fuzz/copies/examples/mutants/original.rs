// SPDX-License-Identifier: GPL-2.0
//! The original kernel, and what can be changed in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use gup_controls::{Mutant, Selectable};
use gup_sides::Error;
use harness::coverage::{Covered, Measured};
use harness::program::Program;
use harness::program::profile::Focus;

use crate::changed::Changed;

/// Changed files: paths in the tree, and contents.
pub type Files = Vec<(String, Vec<u8>)>;

/// A mutant and its file.
pub struct Candidate {
    file: String,
    mutant: Mutant,
}

impl Candidate {
    pub fn function(&self) -> &str {
        &self.mutant.function
    }

    /// The layers that programs against it should be of.
    pub fn focus(&self) -> Focus {
        let function = &self.mutant.function;
        match function.starts_with("gup_") || function.contains("_fast") {
            true => Focus::Lockless,
            false => Focus::All,
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, mutant } = self;
        let Mutant {
            function,
            line,
            about,
            ..
        } = mutant;
        write!(f, "{file}:{line}: {function}: {about}")
    }
}

pub struct Original {
    kernel: String,
    /// The text of each file that may be changed, and of [`Selectable::FILE`].
    texts: BTreeMap<String, String>,
    /// The file that may be changed, if it is not all.
    only: Option<String>,
    measured: Measured,
    /// Its object.
    pub object: Vec<u8>,
}

impl Original {
    /// A kernel, of which one file may be changed or all.
    pub fn new(kernel: &str, only: Option<&str>, corpus: &[Program]) -> Self {
        let mut side = Covered::open(&format!("c:{kernel}")).expect("the kernel compiles");
        let measured = side.measure(corpus);
        let files = measured.files();
        // the others are of this repository
        let of_kernel = |file: &str| !file.starts_with("csrc/") && !file.starts_with('/');
        let wanted = |file: &str| of_kernel(file) && only.is_none_or(|only| only == file);
        let texts = files
            .keys()
            .filter(|file| wanted(file) || &***file == Selectable::FILE);
        let text = |file: &str| side.text(file).expect("its tree is there");
        let texts = texts.map(|file| (file.to_string(), text(file))).collect();
        let mut original = Self {
            kernel: kernel.into(),
            texts,
            only: only.map(str::to_owned),
            measured,
            object: Vec::new(),
        };
        let unchanged = original.compiled(&original.files(&BTreeMap::new()));
        original.object = unchanged.expect("the kernel compiles").object();
        original
    }

    /// The mutants of lines that are executed, by file and line.
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let wanted = |file: &String| self.only.as_ref().is_none_or(|only| only == file);
        for (file, text) in self.texts.iter().filter(|(file, _)| wanted(file)) {
            let lines = self.measured.by_line(file);
            let functions = self.measured.functions(file).into_iter();
            let functions = functions.filter(|function| function.share.executed > 0);
            let functions: BTreeSet<_> = functions.map(|f| f.name.to_string()).collect();
            let mutants = gup_controls::mutants(text).expect("it parses");
            let executed = mutants.into_iter().filter(|mutant| {
                let line = lines.get(&(mutant.line as u32));
                functions.contains(&mutant.function) && line != Some(&false)
            });
            candidates.extend(executed.map(|mutant| Candidate {
                file: file.clone(),
                mutant,
            }));
        }
        candidates
    }

    fn files(&self, patched: &BTreeMap<&str, String>) -> Files {
        patched
            .iter()
            .map(|(file, text)| (file.to_string(), text.clone().into_bytes()))
            .collect()
    }

    /// The files with those mutants, of these numbers, that can be selected, and the number,
    /// file and line of each of them.
    pub fn with<'c>(
        &self,
        candidates: &'c [Candidate],
        numbers: &[usize],
    ) -> (Files, Vec<(usize, &'c str, usize)>) {
        let mut by_file: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
        for &nr in numbers {
            let Candidate { file, mutant } = &candidates[nr - 1];
            by_file.entry(file).or_default().push((nr, mutant));
        }
        let (mut files, mut lines) = (BTreeMap::new(), Vec::new());
        for (file, mutants) in by_file {
            let selection = gup_controls::selectable_mutants(&self.texts[file], mutants);
            let selection = selection.expect("it parses");
            lines.extend(selection.lines.iter().map(|&(nr, line)| (nr, file, line)));
            files.insert(file, selection.patched);
        }
        let defines = files
            .entry(Selectable::FILE)
            .or_insert_with(|| self.texts[Selectable::FILE].clone());
        defines.insert_str(0, gup_controls::DEFINITION);
        (self.files(&files), lines)
    }

    /// The file with one mutant.
    pub fn alone(&self, candidate: &Candidate) -> Files {
        let Candidate { file, mutant } = candidate;
        let patched = mutant.patched(&self.texts[file]).expect("it parses");
        vec![(file.clone(), patched.into_bytes())]
    }

    /// The kernel with changed files.
    pub fn compiled(&self, files: &Files) -> Result<Changed, Error> {
        Changed::try_new(&self.kernel, "mutant", files, false)
    }
}
