// SPDX-License-Identifier: GPL-2.0
//! The `page` and `mm` lines.

use csrc::abi::{self, gd_folio, gd_world};

use super::error::{ParseError, one_of, quote, suggest};
use super::number;
use super::scan::{Scan, Word};
use super::words::{self, FLAGS, KINDS, MAPPINGS, MIGRATETYPES, find};
use crate::program::NO_FOLIO;
use crate::world::folio::{FOLIO_FLAGS, is_device};

/// A folio with the defaults.
pub(super) const DEFAULT_FOLIO: gd_folio = gd_folio {
    migratetype: abi::GD_MT_MOVABLE as u8,
    ref_: 1,
    ..NO_FOLIO
};

/// The state bits by default.
pub(super) const DEFAULT_STATE: u8 = abi::GD_W_IRQS_ON as u8;

/// The names of state bits on an `mm` line.
pub(super) const STATE: [(&str, u32); 5] = [
    ("irqs", abi::GD_W_IRQS_ON),
    ("has_pinned", abi::GD_W_HAS_PINNED),
    ("has_pinned_2", abi::GD_W_HAS_PINNED_2),
    ("devmap_key", abi::GD_W_DEVMAP_KEY),
    ("slow", abi::GD_W_REAL_SLOW_PATH),
];

/// The attributes that a line has given so far, and where.
#[derive(Default)]
struct Given<'a>(Vec<(&'static str, Word<'a>)>);

impl<'a> Given<'a> {
    fn add(&mut self, scan: &Scan, what: &'static str, word: Word<'a>) -> Result<(), ParseError> {
        if let Some(earlier) = self.get(what) {
            let message = format!("{what} is given twice: first {}", quote(earlier.text));
            return Err(scan.error(word, message));
        }
        self.0.push((what, word));
        Ok(())
    }

    fn get(&self, what: &str) -> Option<Word<'a>> {
        self.0
            .iter()
            .find(|(w, _)| *w == what)
            .map(|(_, word)| *word)
    }
}

fn int(scan: &Scan, word: Word) -> Result<i32, ParseError> {
    number::int(word.text).ok_or_else(|| scan.unexpected(word, number::INT))
}

/// What follows the name on a `page` line.
pub(super) fn folio(scan: &mut Scan) -> Result<gd_folio, ParseError> {
    let mut f = DEFAULT_FOLIO;
    let mut given = Given::default();
    while let Some(word) = scan.word() {
        if let Some((key, value)) = word.split_once("=") {
            match key.text {
                "order" => {
                    given.add(scan, "order", word)?;
                    let last = abi::GD_NR_ORDERS as usize - 1;
                    let order = number::up_to(value.text, last);
                    f.order =
                        order.ok_or_else(|| scan.unexpected(value, "an order, 0 to 10"))? as u8;
                }
                "ref" => {
                    given.add(scan, "ref", word)?;
                    f.ref_ = int(scan, value)?;
                }
                "pin" => {
                    given.add(scan, "pin", word)?;
                    f.pin = int(scan, value)?;
                }
                "pageblock" => {
                    given.add(scan, "pageblock", word)?;
                    let found = find(&MIGRATETYPES, value.text);
                    let expected = || scan.unexpected(value, &one_of(&MIGRATETYPES));
                    f.migratetype = found.ok_or_else(expected)? as u8;
                }
                _ => return Err(scan.unexpected(key, "order, ref, pin or pageblock")),
            }
        } else {
            attribute(scan, &mut given, &mut f, word)?;
        }
    }
    check(scan, &given, &mut f)?;
    Ok(f)
}

/// A word without a value.
fn attribute<'a>(
    scan: &Scan,
    given: &mut Given<'a>,
    f: &mut gd_folio,
    word: Word<'a>,
) -> Result<(), ParseError> {
    match word.text {
        "exclusive" => f.exclusive = 1,
        "movable" => {
            given.add(scan, "zone", word)?;
            f.movable = 1;
        }
        text => {
            if let Some(kind) = find(&KINDS, text) {
                given.add(scan, "kind", word)?;
                f.kind = kind as u8;
            } else if let Some(mapping) = find(&MAPPINGS, text) {
                given.add(scan, "mapping", word)?;
                f.mapping = mapping as u8;
            } else if let Some(migratetype) = find(&MIGRATETYPES, text) {
                given.add(scan, "pageblock", word)?;
                f.migratetype = migratetype as u8;
            } else if let Some(flag) = find(&FLAGS, text) {
                if FOLIO_FLAGS & 1 << flag == 0 {
                    let instead = match flag as u32 {
                        abi::GD_F_HEAD => "it follows from the order",
                        _ => "write `exclusive`",
                    };
                    return Err(scan.error(word, format!("{text} cannot be set here: {instead}")));
                }
                f.flags |= 1 << flag;
            } else {
                let known = ["exclusive", "order", "ref", "pin"].iter();
                let known = known
                    .chain(&KINDS)
                    .chain(&MAPPINGS)
                    .chain(&MIGRATETYPES)
                    .chain(&FLAGS);
                let hint = suggest(text, known.copied());
                let message = format!(
                    "expected a kind of page, a mapping, a zone or a flag, found {}{hint}",
                    quote(text)
                );
                return Err(scan.error(word, message));
            }
        }
    }
    Ok(())
}

/// A value that normalising would change is a mistake in a text.
fn check(scan: &Scan, given: &Given, f: &mut gd_folio) -> Result<(), ParseError> {
    let order = given.get("order");
    let kind = given.get("kind");
    match (u32::from(f.kind), kind) {
        (abi::GD_K_ZERO, Some(kind)) if f.order != 0 => {
            return Err(scan.error(order.unwrap_or(kind), "the zero page has order 0"));
        }
        (abi::GD_K_HUGE_ZERO, Some(kind)) => {
            if order.is_some() && f.order != 9 {
                return Err(scan.error(order.unwrap_or(kind), "the huge zero folio has order 9"));
            }
            f.order = 9;
        }
        (abi::GD_K_HUGETLB, Some(kind)) if f.order == 0 => {
            return Err(scan.error(kind, "a hugetlb folio needs an order of at least 1"));
        }
        _ => {}
    }
    let pin = given.get("pin");
    if let Some(pin) = pin.filter(|_| f.order == 0 && f.pin != 0) {
        let message = "only large folios have a pin count; pins of a page are 1024 references each";
        return Err(scan.error(pin, message));
    }
    let misplaced = is_device(f.kind) && (f.movable != 0 || f.exclusive != 0);
    if let Some(kind) = kind.filter(|_| misplaced) {
        let message = "a ZONE_DEVICE folio is neither in ZONE_MOVABLE nor exclusive";
        return Err(scan.error(given.get("zone").unwrap_or(kind), message));
    }
    Ok(())
}

/// What follows `mm`.
pub(super) fn mm(scan: &mut Scan, world: &mut gd_world) -> Result<(), ParseError> {
    let mut given = Given::default();
    while let Some(word) = scan.word() {
        let expected = "irqs=, has_pinned=, has_pinned_2=, devmap_key=, slow=, seq= or pkru=";
        let Some((key, value)) = word.split_once("=") else {
            return Err(scan.unexpected(word, expected));
        };
        if key.text == "seq" {
            given.add(scan, "seq", word)?;
            let seq = number::bits(value.text);
            world.seq = seq.ok_or_else(|| scan.unexpected(value, "a 32-bit number"))?;
            continue;
        }
        if key.text == "pkru" {
            given.add(scan, "pkru", word)?;
            let pkru = number::bits(value.text).filter(|pkru| pkru & !abi::GD_PKRU_ALL == 0);
            let expected = "a PKRU for the keys 0 to 3, like 0x24";
            world.pkru = pkru.ok_or_else(|| scan.unexpected(value, expected))?;
            continue;
        }
        let Some((name, bit)) = STATE.iter().find(|(name, _)| *name == key.text) else {
            return Err(scan.unexpected(key, expected));
        };
        given.add(scan, name, word)?;
        match words::find_switch(value.text) {
            Some(0) => world.state &= !(*bit as u8),
            Some(_) => world.state |= *bit as u8,
            None => return Err(scan.unexpected(value, "on, off, 1 or 0")),
        }
    }
    Ok(())
}
