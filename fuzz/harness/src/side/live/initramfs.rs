// SPDX-License-Identifier: GPL-2.0
//! The initramfs of the guest: a cpio archive in `newc` format.

const FILE: u32 = 0o100_755;
const FOLDER: u32 = 0o040_755;
const DEVICE: u32 = 0o020_600;

/// An archive with `/init` and `/gupdiff.ko`.
pub fn archive(init: &[u8], module: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    entry(&mut out, "init", FILE, (0, 0), init);
    entry(&mut out, "gupdiff.ko", FILE, (0, 0), module);
    entry(&mut out, "dev", FOLDER, (0, 0), &[]);
    // init has no standard output before it has mounted devtmpfs
    entry(&mut out, "dev/console", DEVICE, (5, 1), &[]);
    entry(&mut out, "TRAILER!!!", 0, (0, 0), &[]);
    out
}

fn entry(out: &mut Vec<u8>, name: &str, mode: u32, device: (u32, u32), data: &[u8]) {
    let fields = [
        0, // inode
        mode,
        0, // owner
        0, // group
        1, // links
        0, // time
        data.len() as u32,
        0, // device of the file
        0,
        device.0,
        device.1,
        name.len() as u32 + 1,
        0, // no checksum
    ];
    out.extend_from_slice(b"070701");
    for field in fields {
        out.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    pad(out);
    out.extend_from_slice(data);
    pad(out);
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_aligned_and_has_its_size() {
        let archive = archive(b"abc", b"defgh");
        assert_eq!(archive.len() % 4, 0);
        let mut at = 0;
        let mut names = Vec::new();
        while at < archive.len() {
            let head = &archive[at..];
            assert_eq!(&head[..6], b"070701");
            let field = |i: usize| {
                let text = std::str::from_utf8(&head[6 + 8 * i..14 + 8 * i]).unwrap();
                usize::from_str_radix(text, 16).unwrap()
            };
            let (size, name_size) = (field(6), field(11));
            names.push(String::from_utf8_lossy(&head[110..110 + name_size - 1]).into_owned());
            at += (110 + name_size).next_multiple_of(4) + size.next_multiple_of(4);
        }
        assert_eq!(
            names,
            ["init", "gupdiff.ko", "dev", "dev/console", "TRAILER!!!"]
        );
    }
}
