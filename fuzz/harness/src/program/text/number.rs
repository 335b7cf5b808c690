// SPDX-License-Identifier: GPL-2.0
//! Numbers as text: decimal, hexadecimal, or as a distance from INT_MAX or INT_MIN.

/// What [`int`] and the other functions accept, for messages.
pub(super) const INT: &str = "a number (decimal, 0x..., INT_MAX or INT_MIN)";

/// A number without a sign.
fn magnitude(s: &str) -> Option<u64> {
    let (digits, radix) = match s.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (s, 10),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, radix).ok())?
}

fn wide(s: &str) -> Option<i64> {
    for (name, value) in [("INT_MAX", i32::MAX), ("INT_MIN", i32::MIN)] {
        let Some(rest) = s.strip_prefix(name) else {
            continue;
        };
        let distance = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
            _ if rest.is_empty() => 0,
            (Some(d), _) => i64::try_from(magnitude(d)?).ok()?,
            (_, Some(d)) => i64::try_from(magnitude(d)?).ok()?.checked_neg()?,
            _ => return None,
        };
        return i64::from(value).checked_add(distance);
    }
    match s.strip_prefix('-') {
        Some(rest) => i64::try_from(magnitude(rest)?).ok()?.checked_neg(),
        None => i64::try_from(magnitude(s)?).ok(),
    }
}

/// An `int`; hexadecimal also as its 32 bits.
pub(super) fn int(s: &str) -> Option<i32> {
    let value = wide(s)?;
    if s.starts_with("0x") {
        return u32::try_from(value).ok().map(|bits| bits as i32);
    }
    i32::try_from(value).ok()
}

/// 32 bits, also written as a negative number.
pub(super) fn bits(s: &str) -> Option<u32> {
    let value = wide(s)?;
    u32::try_from(value)
        .ok()
        .or_else(|| int(s).map(|value| value as u32))
}

/// An address: 64 bits.
pub(super) fn address(s: &str) -> Option<u64> {
    magnitude(s)
}

/// A number from 0 to `last`.
pub(super) fn up_to(s: &str, last: usize) -> Option<usize> {
    let value = usize::try_from(magnitude(s)?).ok()?;
    (value <= last).then_some(value)
}

/// An `int` as text; one near INT_MAX or INT_MIN as its distance from it.
pub fn show(value: i32) -> String {
    /// The distances that are written so.
    const NEAR: u32 = 2048;
    match (i32::MAX.abs_diff(value), i32::MIN.abs_diff(value)) {
        (0, _) => "INT_MAX".to_string(),
        (_, 0) => "INT_MIN".to_string(),
        (below @ 1..=NEAR, _) => format!("INT_MAX-{below}"),
        (_, above @ 1..=NEAR) => format!("INT_MIN+{above}"),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_int_have_names() {
        assert_eq!(int("INT_MAX"), Some(i32::MAX));
        assert_eq!(int("INT_MIN+1"), Some(i32::MIN + 1));
        assert_eq!(int("INT_MAX-1023"), Some(i32::MAX - 1023));
        assert_eq!(int("INT_MAX+1"), None);
        assert_eq!(int("INT_MAXX"), None);
        assert_eq!(show(i32::MAX - 1023), "INT_MAX-1023");
    }

    #[test]
    fn numbers_outside_of_int_are_refused() {
        assert_eq!(int("2147483648"), None);
        assert_eq!(int("-2147483648"), Some(i32::MIN));
        assert_eq!(int("-2147483649"), None);
        assert_eq!(int("0xffffffff"), Some(-1));
        assert_eq!(int("0x100000000"), None);
        assert_eq!(bits("4294967295"), Some(u32::MAX));
        assert_eq!(bits("4294967296"), None);
        for bad in [
            "",
            "-",
            "+1",
            "0x",
            "1e3",
            "--1",
            "99999999999999999999",
            "1_0",
        ] {
            assert_eq!(int(bad), None, "{bad}");
        }
    }

    #[test]
    fn shown_numbers_read_back() {
        for value in crate::program::values::EDGES {
            for near in -3..3 {
                let value = value.wrapping_add(near);
                assert_eq!(int(&show(value)), Some(value));
            }
        }
    }
}
