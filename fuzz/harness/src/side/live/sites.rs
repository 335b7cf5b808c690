// SPDX-License-Identifier: GPL-2.0
//! Maps the WARNs and BUGs of a booted kernel to sites.
//!
//! The image's bug table has the file and line of each, and so has the side that is
//! compiled from the same source; that side also knows the function, even where the image
//! has it inlined.

use std::collections::HashMap;

use csrc::abi;

use super::shared::GuestSite;
use crate::site::{self, PlacedSite, SiteId, SiteKind};

/// The numbers that the guest's sites have in traces.
pub struct Sites {
    /// By file: sites with their lines.
    by_file: HashMap<(String, SiteKind), Vec<(u32, SiteId)>>,
    numbers: Vec<SiteId>,
}

/// Compilers disagree about the line of a macro that spans several.
const LINES: u32 = 2;

impl Sites {
    /// Starts with the sites of a side of the same source.
    pub fn new(known: &[PlacedSite]) -> Self {
        let mut by_file: HashMap<_, Vec<_>> = HashMap::new();
        for known in known {
            let place = known.place.as_deref().and_then(|p| p.rsplit_once(':'));
            if let (Some(site), Some((file, line))) = (known.id.site(), place)
                && let Ok(line) = line.parse()
            {
                let sites = by_file.entry((file.to_string(), site.kind)).or_default();
                sites.push((line, known.id));
            }
        }
        Self {
            by_file,
            numbers: Vec::new(),
        }
    }

    /// Forgets the guest's numbers, as it was booted again.
    pub fn rebooted(&mut self) {
        self.numbers.clear();
    }

    /// The number in traces of the guest's site `i`.
    pub fn number(&mut self, i: usize, site: impl Fn(usize) -> GuestSite) -> SiteId {
        while self.numbers.len() <= i {
            let new = self.identify(&site(self.numbers.len()));
            self.numbers.push(new);
        }
        self.numbers[i]
    }

    fn identify(&self, guest: &GuestSite) -> SiteId {
        let kind = match guest.kind {
            abi::GD_SITE_BUG => SiteKind::Bug,
            _ => SiteKind::Warn,
        };
        // `mm/gup.c`, or a header with the folder that the module was built in
        let mut file = guest.file.as_str();
        loop {
            if let Some(sites) = self.by_file.get(&(file.to_string(), kind))
                && let Some(id) = nearest(sites, guest.line)
            {
                return id;
            }
            match file.split_once('/') {
                Some((_, rest)) => file = rest,
                None => break,
            }
        }
        // The other sides do not have this site; the comparison reports that.
        let name = format!("{} ({}:{})", guest.func, guest.file, guest.line);
        site::intern(&name, kind, 0)
    }
}

/// The only site on that line, else the only one on a line next to it.
fn nearest(sites: &[(u32, SiteId)], line: u32) -> Option<SiteId> {
    (0..=LINES).find_map(|distance| {
        let mut there = sites
            .iter()
            .filter(|(l, _)| l.abs_diff(line) == distance)
            .map(|(_, id)| *id);
        let first = there.next()?;
        there.all(|id| id == first).then_some(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(file: &str, line: u32, kind: u32) -> GuestSite {
        GuestSite {
            file: file.into(),
            func: "outer+0x12/0x40".into(),
            line,
            kind,
        }
    }

    #[test]
    fn a_site_is_known_by_its_place_whatever_it_is_inlined_into() {
        let placed = |func, kind, place: &str| PlacedSite {
            id: site::intern(func, kind, 0),
            place: Some(place.into()),
        };
        let known = [
            placed("live_test_inner", SiteKind::Warn, "include/linux/mm.h:7"),
            placed("live_test_inner", SiteKind::Bug, "include/linux/mm.h:7"),
        ];
        let mut sites = Sites::new(&known);
        let guests = [
            guest("include/linux/mm.h", 7, abi::GD_SITE_WARN),
            guest("/x/y/include/linux/mm.h", 7, abi::GD_SITE_BUG),
            guest("include/linux/mm.h", 80, abi::GD_SITE_WARN),
            guest("include/linux/mm.h", 6, abi::GD_SITE_WARN),
        ];
        let mut number = |i| sites.number(i, |i| guests[i].clone());
        assert_eq!(number(1), known[1].id);
        assert_eq!(number(0), known[0].id);
        assert_eq!(number(3), known[0].id, "a macro over two lines");
        let stranger = number(2).to_string();
        assert!(stranger.contains("include/linux/mm.h:80"), "{stranger}");
        sites.rebooted();
        assert_eq!(sites.number(0, |_| guests[1].clone()), known[1].id);
    }
}
