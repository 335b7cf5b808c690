// SPDX-License-Identifier: GPL-2.0
//! Call sites of the FOLL_PIN series.

use csrc::abi;
use gup::series::follow::DevmapLevel;
use gup::{Stop, Wrapper};

use super::super::record::Returned;
use super::Call;

impl Call<'_, '_> {
    /// Calls a call site of the FOLL_PIN series.
    pub(super) fn series_call_site(&mut self, id: u32) -> Result<Returned, Stop> {
        let one = |more| Returned::Int(i64::from(more));
        let (page, foll) = (self.page(), self.foll());
        let (n, arg) = (self.op.n, u32::from(self.op.arg));
        let odd = arg & 1 != 0;
        let kernel = &mut *self.kernel;
        match id {
            abi::GD_OP_FOLLOW_PAGE_PTE => {
                kernel.follow_page_pte(page, foll, odd).map(Returned::Page)
            }
            abi::GD_OP_FOLLOW_PAGE_MASK => Ok(Returned::Page(kernel.follow_page_mask(page, foll))),
            abi::GD_OP_FOLLOW_DEVMAP_PMD => kernel
                .follow_devmap(DevmapLevel::Pmd, page, foll)
                .map(Returned::Page),
            abi::GD_OP_FOLLOW_DEVMAP_PUD => kernel
                .follow_devmap(DevmapLevel::Pud, page, foll)
                .map(Returned::Page),
            abi::GD_OP_FOLLOW_TRANS_HUGE_PMD => kernel
                .follow_trans_huge_pmd(page, foll, odd)
                .map(Returned::Page),
            abi::GD_OP_FOLLOW_HUGETLB_PAGE => {
                kernel.follow_hugetlb_page(page, n, foll).map(Returned::Int)
            }
            abi::GD_OP_FOLLOW_HUGE_PMD => kernel.follow_huge_pmd(page, foll).map(Returned::Page),
            abi::GD_OP_FOLLOW_HUGE_PUD | abi::GD_OP_FOLLOW_HUGE_PGD => {
                Ok(Returned::Page(kernel.follow_huge_without_grab(page, foll)))
            }

            abi::GD_OP_GUP_PTE_RANGE => kernel.gup_pte_range(page, foll, odd).map(one),
            abi::GD_OP_GUP_HUGEPTE
            | abi::GD_OP_GUP_HUGE_PMD
            | abi::GD_OP_GUP_HUGE_PUD
            | abi::GD_OP_GUP_HUGE_PGD => kernel.gup_huge(page, n, foll, odd).map(one),
            abi::GD_OP_GUP_DEVICE_HUGE => kernel.gup_device_huge(page, n, foll, arg).map(one),

            id => {
                let wrapper = match id {
                    abi::GD_OP_CHECK_PIN_USER_PAGES => Wrapper::PinUserPages,
                    abi::GD_OP_CHECK_PIN_USER_PAGES_REMOTE => {
                        Wrapper::PinUserPagesRemote { locked: odd }
                    }
                    abi::GD_OP_CHECK_PIN_USER_PAGES_FAST => Wrapper::PinUserPagesFast,
                    abi::GD_OP_CHECK_GET_USER_PAGES => Wrapper::GetUserPages,
                    abi::GD_OP_CHECK_GET_USER_PAGES_REMOTE => Wrapper::GetUserPagesRemote,
                    abi::GD_OP_CHECK_GET_USER_PAGES_LOCKED => Wrapper::GetUserPagesLocked,
                    abi::GD_OP_CHECK_GET_USER_PAGES_UNLOCKED => Wrapper::GetUserPagesUnlocked,
                    abi::GD_OP_CHECK_GET_USER_PAGES_FAST => Wrapper::GetUserPagesFast,
                    id => unreachable!("operation {id:#x} of the table has no Rust function"),
                };
                Ok(Returned::Int(match kernel.check_flags(wrapper, foll) {
                    Ok(flags) => flags.0.into(),
                    Err(errno) => errno.into(),
                }))
            }
        }
    }
}
