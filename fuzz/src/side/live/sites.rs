// SPDX-License-Identifier: GPL-2.0
//! From the WARNs and BUGs of a booted kernel to sites.
//!
//! The image's own table has the file and line of each, and so has the side
//! that is compiled from the same source; that side knows the function, also
//! where the image has it inlined.

use std::collections::HashMap;

use csrc::abi;

use super::shared::GuestSite;
use crate::site::{self, PlacedSite, SiteId, SiteKind};

/// The numbers of the guest's sites in traces.
pub struct Sites {
    by_place: HashMap<(String, SiteKind), SiteId>,
    numbers: Vec<SiteId>,
}

impl Sites {
    /// With the sites of a side of the same source.
    pub fn new(known: &[PlacedSite]) -> Self {
        let by_place = known.iter().filter_map(|known| {
            let kind = known.id.site()?.kind;
            Some(((known.place.clone()?, kind), known.id))
        });
        Self {
            by_place: by_place.collect(),
            numbers: Vec::new(),
        }
    }

    /// Forgets the guest's numbers: it has been booted again.
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
            let place = (format!("{file}:{}", guest.line), kind);
            if let Some(id) = self.by_place.get(&place) {
                return *id;
            }
            match file.split_once('/') {
                Some((_, rest)) => file = rest,
                None => break,
            }
        }
        // The other sides do not have it, which is for the comparison to say.
        let name = format!("{} ({}:{})", guest.func, guest.file, guest.line);
        site::intern(&name, kind, 0)
    }
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
            guest("include/linux/mm.h", 8, abi::GD_SITE_WARN),
        ];
        let mut number = |i| sites.number(i, |i| guests[i].clone());
        assert_eq!(number(1), known[1].id);
        assert_eq!(number(0), known[0].id);
        let stranger = number(2).to_string();
        assert!(stranger.contains("include/linux/mm.h:8"), "{stranger}");
        sites.rebooted();
        assert_eq!(sites.number(0, |_| guests[1].clone()), known[1].id);
    }
}
