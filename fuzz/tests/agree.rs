// SPDX-License-Identifier: GPL-2.0
//! Every known kernel and the Rust rules that go with it agree on generated
//! programs, and both keep the laws.

use gup_sides::tree::tested_sides;
use harness::oracle::{Oracle, Verdict};
use harness::program::generate;
use harness::program::profile::{Focus, Profile};
use harness::program::rng::Rng;
use harness::program::text;
use harness::side::{self, Pair};

const PROGRAMS: u64 = 20_000;
/// What the harness does not provide of old kernels.
const GAPS: [&str; 1] = ["page_get_anon_vma"];

fn agree(name: &str) {
    let left = format!("c:{name}");
    let info = side::describe(&left).unwrap().unwrap();
    let pair = Pair::open(&left, &side::default_right(&left)).unwrap();
    let mut oracle = Oracle::new(pair);
    let profile = Profile::new(info.rev).debug_vm(info.debug_vm);
    let profile = profile.focus(Focus::All);
    let profile = profile.retain(|op| oracle.pair().has_op(op.id));
    let mut rng = Rng::new(1);
    let mut gaps = 0;
    for i in 0..PROGRAMS {
        let program = generate::program(&mut rng, &profile);
        let verdict = oracle.judge(&program);
        if let Verdict::Gap(_, function) = &verdict {
            assert!(GAPS.contains(&function.as_str()), "{left}: {function}");
            gaps += 1;
            continue;
        }
        assert_eq!(
            verdict,
            Verdict::Match,
            "program {i} on {left}:\n{}\nleft {:?}\nright {:?}",
            text::format(&program, info.rev),
            oracle.left_trace().ops().last(),
            oracle.right_trace().ops().last(),
        );
    }
    assert!(gaps * 1000 < PROGRAMS, "{left}: {gaps} programs met a gap");
}

#[test]
fn every_known_kernel_agrees_with_its_rules() {
    for name in tested_sides() {
        agree(&name);
    }
}
