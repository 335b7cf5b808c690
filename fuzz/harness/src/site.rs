// SPDX-License-Identifier: GPL-2.0
//! Sites: the places of WARNs and BUGs.
//!
//! A site is identified by its function, its kind and its number within the function, so
//! that a patch that only moves lines changes nothing.  Traces contain a small number for
//! it, which must mean the same on every side; it is assigned here, once per process.  The
//! place in a source file belongs to the side, and is shown but not compared.

use std::fmt;
use std::sync::{OnceLock, RwLock};

/// The kind of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SiteKind {
    /// `WARN_ON` and similar macros; the program continues.
    Warn,
    /// `BUG_ON` and similar macros; the program ends.
    Bug,
}

impl SiteKind {
    /// `WARN` or `BUG`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "WARN",
            Self::Bug => "BUG",
        }
    }
}

/// The identity of a site, the same for every kernel and for the Rust side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    /// The function that contains the WARN or BUG in the source.
    pub func: &'static str,
    /// WARN or BUG.
    pub kind: SiteKind,
    /// Its number among the sites of this kind in the function, from 0, in source order.
    pub ordinal: u32,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}#{}", self.func, self.kind.name(), self.ordinal)
    }
}

/// The number of a site in traces; 0 is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteId(pub u32);

impl SiteId {
    /// The site with this number.
    pub fn site(self) -> Option<Site> {
        let index = (self.0 as usize).checked_sub(1)?;
        let table = table().read().expect("the site table is never poisoned");
        table.sites.get(index).copied()
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.site() {
            Some(site) => site.fmt(f),
            None => write!(f, "unknown site {}", self.0),
        }
    }
}

#[derive(Default)]
struct Table {
    sites: Vec<Site>,
}

fn table() -> &'static RwLock<Table> {
    static TABLE: OnceLock<RwLock<Table>> = OnceLock::new();
    TABLE.get_or_init(RwLock::default)
}

/// Assigns a number to a site, or returns the one that it has.
///
/// Names live as long as the process; there are a few hundred of them.
/// Names live as long as the process; there are a few hundred of them.
pub fn intern(func: &str, kind: SiteKind, ordinal: u32) -> SiteId {
    let mut table = table().write().expect("the site table is never poisoned");
    let known = table
        .sites
        .iter()
        .position(|s| s.func == func && s.kind == kind && s.ordinal == ordinal);
    if let Some(index) = known {
        return SiteId(index as u32 + 1);
    }
    let func = table
        .sites
        .iter()
        .find(|s| s.func == func)
        .map(|s| s.func)
        .unwrap_or_else(|| Box::leak(func.to_owned().into_boxed_str()));
    let site = Site {
        func,
        kind,
        ordinal,
    };
    table.sites.push(site);
    SiteId(table.sites.len() as u32)
}

/// A site on one side, with its place in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedSite {
    /// The site.
    pub id: SiteId,
    /// `mm/gup.c:83`; `None` if the side does not know it, like the Rust side.
    pub place: Option<String>,
}

impl fmt::Display for PlacedSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_site_has_the_same_number() {
        let a = intern("site_test_a", SiteKind::Warn, 0);
        let b = intern("site_test_a", SiteKind::Bug, 0);
        let c = intern("site_test_a", SiteKind::Warn, 1);
        assert_eq!(a, intern("site_test_a", SiteKind::Warn, 0));
        assert!(a != b && a != c && b != c);
        assert_eq!(a.to_string(), "site_test_a WARN#0");
        assert_eq!(c.site().unwrap().ordinal, 1);
    }

    #[test]
    fn zero_is_no_site() {
        assert_eq!(SiteId(0).site(), None);
        assert_eq!(SiteId(0).to_string(), "unknown site 0");
    }
}
