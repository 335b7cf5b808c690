// SPDX-License-Identifier: GPL-2.0
//! How edits become alternatives, and what is said of edits that do not fit.

#[path = "../build"]
#[allow(dead_code)]
mod build {
    pub mod list;
    pub mod rewrite;
    pub mod syntax;
}

use build::list;
use build::rewrite::{Planted, rewrite};

const SOURCE: &str = "\
impl Kernel {
    /// Takes it.
    fn take(&mut self, refs: i32) -> Result<bool, Stop> {
        let bias = BIAS - 1; // the rest
        if self.large()? {
            self.add(
                refs,
                bias,
            )?;
        }
        Ok(refs > 0)
    }
}

#[cfg(test)]
mod tests {
    fn take() {}
}
";

/// The source with the edits of these declarations made.
fn edited(declarations: &str) -> Result<String, Vec<String>> {
    let faults = list::parse(declarations, "one.rs").expect("well-formed");
    let mut planted = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        planted.extend(fault.edits.iter().map(|edit| Planted {
            number,
            fault: &fault.name,
            edit,
        }));
    }
    rewrite(SOURCE, &planted)
}

/// A fault called `slip` with one edit.
fn slip(edit: &str) -> String {
    format!("[[fault]]\nname = 'slip'\nabout = 'a slip'\nfunction = 'take'\n{edit}\n")
}

/// The source with one piece replaced.
fn with(old: &str, new: &str) -> Result<String, Vec<String>> {
    assert_eq!(SOURCE.matches(old).count(), 1);
    Ok(SOURCE.replace(old, new))
}

/// The one error that an edit gives.
fn error(edit: &str) -> String {
    let errors = edited(&slip(edit)).expect_err(edit);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("fault slip: "), "{errors:?}");
    errors[0].clone()
}

#[test]
fn an_expression_has_its_alternative_in_parentheses() {
    assert_eq!(
        edited(&slip("at = 'BIAS - 1'\nwith = 'BIAS'")),
        with(
            "BIAS - 1",
            "(if crate::fault::is(0) { BIAS } else { BIAS - 1 })"
        )
    );
}

#[test]
fn a_value_at_the_end_of_a_block_is_a_statement() {
    assert_eq!(
        edited(&slip(
            "at = 'Ok(refs > 0)'\nwith = 'let no = 0; Ok(no > 1)'"
        )),
        with(
            "Ok(refs > 0)",
            "if crate::fault::is(0) { let no = 0 ; Ok (no > 1) } else { Ok(refs > 0) }"
        )
    );
}

#[test]
fn a_statement_is_found_in_any_layout_and_can_go() {
    let original = "self.add(\n                refs,\n                bias,\n            )?;";
    assert_eq!(
        edited(&slip("at = 'self.add(refs, bias)?;'\nwith = ''")),
        with(
            original,
            &format!("if crate::fault::is(0) {{  }} else {{ {original} }}")
        )
    );
}

#[test]
fn faults_share_a_place_and_lie_within_each_other() {
    let edits = [
        "at = 'bias'\nwith = '1'",
        "at = 'bias'\nwith = '2'",
        "at = 'self.large()?'\nwith = 'false'",
        "at = 'if self.large()? { self.add(refs, bias)?; }'\nwith = ''",
    ];
    let declarations: String = edits.iter().map(|edit| slip(edit)).collect();
    let text = edited(&declarations).unwrap();
    let expected = "\
        if crate::fault::is(3) {  } else { \
        if (if crate::fault::is(2) { false } else { self.large()? }) {
            self.add(
                refs,
                (if crate::fault::is(0) { 1 } else if crate::fault::is(1) { 2 } else { bias }),
            )?;
        } }
";
    assert!(text.contains(expected), "{text}");
    assert_eq!(text.lines().count(), SOURCE.lines().count());
}

#[test]
fn code_can_be_inserted_before_a_statement() {
    assert_eq!(
        edited(&slip(
            "at = 'let bias = BIAS - 1;'\ninsert = 'self.add(1, 1)?;'"
        )),
        with(
            "let bias",
            "if crate::fault::is(0) { self . add (1 , 1) ? ; } let bias"
        )
    );
}

#[test]
fn a_place_must_be_there_once() {
    assert_eq!(
        error("at = 'BIAS - 2'\nwith = '0'"),
        "fault slip: take has `BIAS - 2` 0 times, expected once"
    );
    assert_eq!(
        error("at = 'refs'\nwith = '0'"),
        "fault slip: take has `refs` 2 times, expected once, on lines 7, 11"
    );
}

#[test]
fn a_function_must_be_there_once() {
    let declaration = slip("at = 'refs'\nwith = '0'").replace("'take'", "'give'");
    assert_eq!(
        edited(&declaration),
        Err(vec!["fault slip: 0 functions give, expected 1".into()])
    );
}

#[test]
fn an_edit_must_make_sense_where_it_is() {
    let no_value = error("at = 'let bias = BIAS - 1;'\nwith = ''");
    assert!(no_value.contains("edit its value"), "{no_value}");
    let inside = error("at = 'BIAS - 1'\ninsert = 'self.add(1, 1)?;'");
    assert!(inside.contains("wants a statement"), "{inside}");
    let half = error("at = 'BIAS -'\nwith = 'BIAS'");
    assert!(half.contains("neither an expression nor a statement"));
    let nothing = error("at = 'BIAS - 1'\nwith = ''");
    assert!(nothing.contains("`with`"), "{nothing}");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let edits = ["at = 'x'\nwith = '0'", "at = 'y'\nwith = '0'"];
    let declarations: String = edits.iter().map(|edit| slip(edit)).collect();
    assert_eq!(edited(&declarations).unwrap_err().len(), 2);
}

#[test]
fn a_declaration_has_one_change_and_no_unknown_keys() {
    for edit in [
        "at = 'refs'",
        "at = 'refs'\nwith = '0'\ninsert = '0'",
        "at = 'refs'\nwith = '0'\ntimes = 2",
    ] {
        assert!(list::parse(&slip(edit), "one.rs").is_err(), "{edit}");
    }
}

#[test]
fn a_fault_of_an_unknown_revision_is_named() {
    let faults = list::parse(&slip("at = 'refs'\nwith = '0'\nsince = '6.2'"), "one.rs").unwrap();
    let mut errors = Vec::new();
    list::source(&faults, "enum Revision { V8, V6_1 }", &mut errors).unwrap();
    assert_eq!(errors, ["src/revision.rs: fault slip: no revision 6.2"]);
}
