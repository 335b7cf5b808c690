// SPDX-License-Identifier: GPL-2.0
//! The file around a test: how it is used, what makes its pages, the suite.

use std::fmt::Write;

use csrc::abi::{self, gd_folio};

use super::Test;
use crate::program::text::words::FLAGS;
use crate::report::{Report, c};

impl Test<'_> {
    /// How a folio is made.
    fn make(&self, name: &str, folio: &gd_folio) -> String {
        let mut out = format!(
            "\n\t{name} = gup_test_alloc(test, {}, {}, {});\n",
            folio.order, folio.ref_, folio.pin
        );
        match u32::from(folio.mapping) {
            abi::GD_M_ANON => {
                let bit = if self.since(6, 18) {
                    "FOLIO_MAPPING_ANON"
                } else {
                    "PAGE_MAPPING_ANON"
                };
                let _ = writeln!(out, "\t{name}->mapping = (void *){bit};");
                if folio.exclusive != 0 && self.since(5, 19) {
                    let _ = match folio.order {
                        0 => writeln!(out, "\tSetPageAnonExclusive({name});"),
                        order => writeln!(
                            out,
                            "\tfor (i = 0; i < {}; i++)\n\t\tSetPageAnonExclusive({name} + i);",
                            1u32 << order
                        ),
                    };
                }
            }
            abi::GD_M_FILE => {
                let _ = writeln!(out, "\t{name}->mapping = &gup_test_mapping;");
            }
            _ => {}
        }
        let word = if self.since(6, 18) {
            "flags.f"
        } else {
            "flags"
        };
        for (bit, flag) in FLAGS.iter().enumerate() {
            let kept = [abi::GD_F_HEAD, abi::GD_F_ANON_EXCLUSIVE];
            if folio.flags & 1 << bit != 0 && !kept.contains(&(bit as u32)) {
                let _ = writeln!(out, "\tset_bit(PG_{flag}, &{name}->{word});");
            }
        }
        out
    }

    /// The whole file.
    pub(super) fn file(&self, report: &Report) -> String {
        let id = c::name(self.program);
        let folios = || self.names.folios().iter().zip(self.program.folios());
        let how = HOW
            .replace("FILE", &format!("{id}.c"))
            .replace("SUITE", &id);
        let mut out = c::heading(report, &how);
        out.push_str(" */\n");
        let pincount = match self.since(6, 12) {
            true => "&page_folio(page)->_pincount",
            false => "compound_pincount_ptr(page)",
        };
        let compound = if self.since(5, 18) {
            "PageHead(page)"
        } else {
            "compound_order(page) > 1"
        };
        let word = if self.since(6, 18) {
            "flags.f"
        } else {
            "flags"
        };
        // the other flags of the first tail are the order since 6.6
        let tails = match self.since(5, 19) {
            true => {
                "\tfor (unsigned long i = 1; i < 1ul << order; i++)\n\
                 \t\tclear_bit(PG_anon_exclusive, &page[i].WORD);\n"
            }
            false => "",
        };
        let has_file = folios().any(|(_, f)| u32::from(f.mapping) == abi::GD_M_FILE);
        out.push_str(
            &HELPERS
                .replace("PINCOUNT", pincount)
                .replace("COMPOUND", compound)
                .replace("TAILS", tails)
                .replace("WORD", word),
        );
        if has_file {
            out.push_str(
                "\nstatic const struct address_space_operations gup_test_aops;\n\
                 static struct address_space gup_test_mapping = { .a_ops = &gup_test_aops };\n",
            );
        }
        let _ = writeln!(out, "\nstatic void {id}(struct kunit *test)\n{{");
        let names: Vec<String> = folios().map(|(name, _)| format!("*{name}")).collect();
        let _ = writeln!(out, "\tstruct page {};", names.join(", "));
        let needs_index = folios().any(|(_, f)| {
            f.exclusive != 0
                && f.order > 0
                && u32::from(f.mapping) == abi::GD_M_ANON
                && self.since(5, 19)
        });
        if needs_index {
            out.push_str("\tint i;\n");
        }
        for (name, folio) in folios() {
            out.push_str(&self.make(name, folio));
        }
        out.push_str(&self.body);
        out.push('\n');
        for (name, folio) in folios() {
            let _ = writeln!(out, "\tgup_test_free({name}, {});", folio.order);
        }
        out.push_str("}\n");
        out.push_str(&SUITE.replace("SUITE", &id));
        // several of these files may be included by one
        for helper in ["pincount", "alloc", "free", "mapping", "aops"] {
            out = out.replace(&format!("gup_test_{helper}"), &format!("{id}_{helper}"));
        }
        out
    }
}

const HOW: &str = " * A KUnit test for the end of mm/gup.c, since it calls static functions:
 *
 *	#include \"FILE\"
 *
 * With CONFIG_KUNIT=y and CONFIG_DEBUG_VM=y it runs at boot.  It passes where the
 * kernel is right.
 *
";

const HELPERS: &str = "#include <kunit/test.h>

static inline atomic_t *gup_test_pincount(struct page *page)
{
	return PINCOUNT;
}

/* Pages with these counts, which nobody else knows of. */
static struct page *gup_test_alloc(struct kunit *test, int order, int ref, int pin)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP | __GFP_ZERO, order);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, page);
	set_page_count(page, ref);
	if (COMPOUND)
		atomic_set(gup_test_pincount(page), pin);
	return page;
}

/* They go back as they came. */
static void gup_test_free(struct page *page, unsigned int order)
{
	set_page_count(page, 1);
	if (COMPOUND)
		atomic_set(gup_test_pincount(page), 0);
	page->mapping = NULL;
	page->WORD &= ~PAGE_FLAGS_CHECK_AT_FREE;
TAILS	__free_pages(page, order);
}
";

const SUITE: &str = "
static struct kunit_case SUITE_cases[] = {
	KUNIT_CASE(SUITE),
	{}
};

static struct kunit_suite SUITE_suite = {
	.name = \"SUITE\",
	.test_cases = SUITE_cases,
};
kunit_test_suite(SUITE_suite);
";
