// SPDX-License-Identifier: GPL-2.0
//! Programs as sentences in the words of the kernel.
//!
//! The templates are in the tables, with operands in braces: for world changes in
//! `csrc/abi/ops.h`, for hook points in `csrc/abi/hooks.h`.  A call of a function is
//! described by its operands; [`operand`] has the words for each kind of operand.

mod folio;
mod operand;

use csrc::abi::{gd_act, gd_op};

use crate::hooks::{self, Answer, HookInfo, Object};
use crate::ops::{self, OpInfo, Rev};
use crate::program::walk::is_answer;
use crate::program::{Program, text};
use operand::Operands;

pub(super) use operand::foll;

/// The sentence for one line of a program's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The sentence; `None` if the line needs none.
    pub sentence: Option<String>,
    /// The operation, from 0; `None` for the world and for actions.
    pub op: Option<usize>,
}

/// The sentences for the lines of [`text::format`], one for each line.
pub fn program(prog: &Program, names: Rev) -> Vec<Line> {
    let folios = text::folio_names(prog);
    let folios = folios.as_slice();
    let mut lines = Vec::new();
    let mut add = |sentence: Option<String>, op| lines.push(Line { sentence, op });
    // the line with the names
    add(None, None);
    if let Some(state) = folio::state(prog) {
        add(Some(sentence(&state)), None);
    }
    for (folio, name) in prog.folios().iter().zip(folios) {
        add(Some(sentence(&folio::declared(folio, name))), None);
    }
    for (index, (op, acts)) in prog.groups().enumerate() {
        add(
            Some(sentence(&operation(op, names, prog, folios))),
            Some(index),
        );
        for act in acts {
            add(Some(sentence(&action(act, prog, folios))), None);
        }
    }
    lines
}

/// The help of an operation, as `gupdiff ops` shows it.
pub fn help(info: &OpInfo) -> String {
    filled(info.help, |name| Some(operand::in_general(name).into()))
}

/// With a capital letter and a full stop.
fn sentence(clause: &str) -> String {
    let mut chars = clause.chars();
    let first = chars.next();
    // names of functions keep their letter
    let is_name = clause
        .split(' ')
        .next()
        .is_some_and(|w| w.contains(['_', '(']));
    match first {
        Some(first) if !is_name => format!("{}{}.", first.to_ascii_uppercase(), chars.as_str()),
        _ => format!("{clause}."),
    }
}

/// An operation, in the infinitive for changes of the world, else as a call.
fn operation(op: &gd_op, names: Rev, prog: &Program, folios: &[String]) -> String {
    let Some(info) = ops::info(op.op) else {
        return format!("undefined operation {:#04x}", op.op);
    };
    let operands = Operands {
        op,
        info,
        prog,
        folios,
    };
    match info.is_change {
        true => change(info, &operands),
        false => operands.call(info.name_or_role(names)) + of_mm(op),
    }
}

/// Whether it is about the mm that is not that of current.
fn of_mm(op: &gd_op) -> &'static str {
    match op.mm {
        0 => "",
        _ => " (mm 2)",
    }
}

fn change(info: &OpInfo, operands: &Operands) -> String {
    filled(info.help, |name| operands.named(name)) + of_mm(operands.op)
}

/// What an action does, and when.
fn action(act: &gd_act, prog: &Program, folios: &[String]) -> String {
    let (Some(hook), Some(info)) = (hooks::info(act.hook), ops::info(act.op.op)) else {
        return format!("at undefined hook point {}", act.hook);
    };
    let when = when(hook, act, prog, folios);
    if is_answer(act.op.op) {
        return format!("{when}, it returns {}", answer(hook.answer, act.op.val));
    }
    let operands = Operands {
        op: &act.op,
        info,
        prog,
        folios,
    };
    let clause = change(info, &operands);
    // "set the PTE" is in the infinitive; the first word is always a verb
    let (verb, rest) = clause.split_once(' ').unwrap_or((&clause, ""));
    let meanwhile = if hook.actor == "it" {
        ""
    } else {
        "meanwhile, "
    };
    format!("{meanwhile}{when}, {} {verb}s {rest}", hook.actor)
}

/// The clause for a hook point: `before the PTE of 0x1000 is read for the second time`.
fn when(hook: &HookInfo, act: &gd_act, prog: &Program, folios: &[String]) -> String {
    filled(hook.help, |name| match name {
        "nth" => Some(match act.nth {
            0 | 1 => String::new(),
            nth => format!(" for the {} time", ordinal(nth)),
        }),
        "object" => Some(match hook.object {
            Object::Page => operand::page(act.at_page, prog, folios),
            Object::Entry(_) | Object::Nothing => format!("{:#x}", act.at_addr),
        }),
        _ => None,
    })
}

/// The hook point of an action as a clause: `the PTE of 0x1000 is read for the second
/// time`.
pub(super) fn hook_point(act: &gd_act, prog: &Program, folios: &[String]) -> String {
    let Some(hook) = hooks::info(act.hook) else {
        return format!("undefined hook point {} is", act.hook);
    };
    clause(&when(hook, act, prog, folios))
}

/// The same in general: `the PTE is read`.
pub(super) fn hook_point_in_general(act: &gd_act) -> String {
    let Some(hook) = hooks::info(act.hook) else {
        return format!("undefined hook point {} is reached", act.hook);
    };
    let when = hook.help.replace("of {object} ", "");
    clause(&filled(&when, |_| Some(String::new())))
}

/// Without its "before", "after" or "when".
fn clause(when: &str) -> String {
    let clause = when.split_once(' ').map(|(_, clause)| clause);
    clause.unwrap_or(when).into()
}

/// What a call is made to return.
fn answer(kind: Answer, value: i32) -> String {
    match kind {
        Answer::Fault => operand::vm_fault(value),
        Answer::Bool => (value != 0).to_string(),
        Answer::Pages if value >= 0 => match value {
            1 => "1 page".into(),
            n => format!("{n} pages"),
        },
        Answer::None | Answer::Errno | Answer::Pages => super::show::errno(value),
    }
}

/// `second`, `3rd`.
fn ordinal(n: u8) -> String {
    match n {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        n => match (n % 10, n / 10 % 10) {
            (_, 1) => format!("{n}th"),
            (1, _) => format!("{n}st"),
            (2, _) => format!("{n}nd"),
            (3, _) => format!("{n}rd"),
            _ => format!("{n}th"),
        },
    }
}

/// Fills in the names in braces of a template; unknown names are kept.
fn filled(template: &str, word: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out += before;
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        match word(name) {
            Some(text) => out += &text,
            None => out += &format!("{{{name}}}"),
        }
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use csrc::abi;

    use super::*;
    use crate::program::{NO_ACT, NO_OP, page};

    fn sentences(source: &str) -> Vec<String> {
        let program = text::parse(source).unwrap();
        let lines = super::program(&program, Rev::V6_1).into_iter();
        lines.filter_map(|line| line.sentence).collect()
    }

    #[test]
    fn every_line_has_its_sentence() {
        let source = "
mm irqs=off slow=1 seq=3
page h order=1 ref=1 pin=1
page p ref=INT_MAX anon exclusive movable cma dirty lru
page z zero
page d dev_fsdax
set_vma 0 0x10000000 n=2 anon read write mayread maywrite
set_pte 0x10000000 h n=2 rw dirty
set_pte 0x10002000 none
split h order=0 ref=1 rest=2
try_grab_page h+1 refs=1
try_grab_folio h+9 refs=2 PIN|LONGTERM
unpin_user_pages_dirty_lock [h..h+1, NULL, p] dirty
gup_must_unshare p vma=cow
pin_user_pages_remote 0x10000000 locked=1 n=2 WRITE
  | before page_table_lock #2: set_pte 0x10001000 none
  | at handle_mm_fault: answer retry|major
  | at handle_mm_fault #2: set_pte 0x10000000 p rw dirty
  | at migrate_pages #13: answer -12
  | after ref h+1 #22: set_ref p 0
";
        let expected = [
            "Interrupts are off, the slow path of the fast functions is real, write_protect_seq is 3.",
            "A folio h of order 1 (2 pages), refcount 1, pincount 1.",
            "A page p, refcount INT_MAX, anonymous, AnonExclusive, in ZONE_MOVABLE, in a CMA \
             pageblock, PG_dirty, PG_lru.",
            "The zero page z, refcount 1.",
            "A ZONE_DEVICE page d (fsdax), refcount 1.",
            "Set VMA 0 to 2 pages from 0x10000000 on, anonymous, \
             VM_READ|VM_WRITE|VM_MAYREAD|VM_MAYWRITE.",
            "Set the 2 PTEs from that of 0x10000000 on to h and the pages after it (rw, dirty).",
            "Set the PTE of 0x10002000 to none.",
            "Split h into folios of order 0; the first one has refcount 1, the others 2.",
            "Call try_grab_page() on h+1 (a tail page of h), refs=1, without flags.",
            "Call try_grab_folio() on h+9 (after the folio h), refs=2, FOLL_PIN|FOLL_LONGTERM.",
            "Call unpin_user_pages_dirty_lock() on the list [h..h+1, NULL, p], npages=4, \
             make_dirty=true.",
            "Call gup_must_unshare() on p, vma: cow, without flags.",
            "Call pin_user_pages_remote() on 2 pages from 0x10000000 on, *locked=1, FOLL_WRITE.",
            "Meanwhile, before a page-table lock is taken for the second time, another CPU sets \
             the PTE of 0x10001000 to none.",
            "When handle_mm_fault() is called, it returns VM_FAULT_RETRY|VM_FAULT_MAJOR.",
            "When handle_mm_fault() is called for the second time, it sets the PTE of 0x10000000 \
             to p (rw, dirty).",
            "When migrate_pages() is called for the 13th time, it returns -ENOMEM.",
            "Meanwhile, after the refcount of h+1 (a tail page of h) was updated for the 22nd \
             time, another CPU sets the refcount field of p to 0.",
        ];
        assert_eq!(sentences(source), expected);
    }

    #[test]
    fn a_sentence_goes_with_each_line_of_the_text() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus");
        for program in crate::input::programs(&[corpus.into()]).unwrap() {
            let lines = text::format(&program, Rev::V6_1);
            let sentences = super::program(&program, Rev::V6_1);
            assert_eq!(sentences.len(), lines.lines().count(), "{lines}");
            for sentence in sentences.iter().filter_map(|line| line.sentence.as_ref()) {
                assert!(!sentence.contains(['{', '}', '?']), "{sentence}");
            }
        }
    }

    /// Two values of each operand that an operation has give two sentences.
    #[test]
    fn no_operand_is_left_out() {
        let prog = text::parse("page h order=3\npage p").unwrap();
        let folios = text::folio_names(&prog);
        for info in ops::table() {
            let mut op = NO_OP;
            op.op = info.id;
            (op.n, op.run[0].len, op.addr) = (1, 1, 0x1000);
            op.entry = abi::GD_E_PAGE as u8;
            let before = operation(&op, Rev::V7_3, &prog, &folios);
            let differs = |operand: u32, change: &dyn Fn(&mut gd_op)| {
                if info.has(operand) {
                    let mut other = op;
                    change(&mut other);
                    let after = operation(&other, Rev::V7_3, &prog, &folios);
                    assert_ne!(after, before, "{}: operand {operand:#x}", info.role);
                }
            };
            let pages = abi::GD_S_PAGE | abi::GD_S_FOLIO | abi::GD_S_LIST | abi::GD_S_ENTRY;
            differs(pages, &|op| op.run[0].page = page(1, 0));
            differs(abi::GD_S_MM, &|op| op.mm = 1);
            differs(abi::GD_S_TO, &|op| op.run[1].page = page(1, 0));
            differs(abi::GD_S_N, &|op| {
                (op.n, op.mods) = (7, abi::GD_MOD_N as u8);
            });
            differs(abi::GD_S_FOLL, &|op| op.foll = 1);
            differs(abi::GD_S_DIRTY, &|op| op.mods = abi::GD_MOD_DIRTY as u8);
            differs(abi::GD_S_PAGES, &|op| op.mods = abi::GD_MOD_NULL as u8);
            differs(abi::GD_S_ARG, &|op| op.arg = 1);
            differs(abi::GD_S_VAL | abi::GD_S_VMA, &|op| op.val = 6);
            differs(abi::GD_S_ADDR, &|op| op.addr = 0x2000);
            differs(abi::GD_S_ENTRY | abi::GD_S_VMA, &|op| op.entry = 3);
        }
    }

    #[test]
    fn every_row_of_the_tables_makes_a_sentence() {
        let prog = text::parse("page h order=3\npage p").unwrap();
        let folios = text::folio_names(&prog);
        for hook in hooks::table().iter().filter(|hook| hook.id != 0) {
            let mut act = NO_ACT;
            (act.hook, act.nth) = (hook.id, 2);
            act.op.op = abi::GD_OP_SET_IRQS as u8;
            let sentence = action(&act, &prog, &folios);
            assert!(sentence.contains(" for the second time"), "{sentence}");
            assert!(!sentence.contains('{'), "{sentence}");
            let preposition = hook.text.split(' ').next();
            let expected = if preposition == Some("at") {
                "when"
            } else {
                preposition.unwrap_or_default()
            };
            assert!(
                hook.help.starts_with(expected),
                "{} {}",
                hook.text,
                hook.help
            );
        }
        for info in ops::table() {
            let help = help(info);
            assert!(
                !help.contains('{') && !help.is_empty(),
                "{}: {help}",
                info.role
            );
        }
    }
}
