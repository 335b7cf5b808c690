// SPDX-License-Identifier: GPL-2.0
//! Numbers that C and Rust both write down, as neither knows the other.

use csrc::abi;
use gup::machine::{MigrateType, state};
use gup::page::flag;
use gup::tables::entry_flag;
use gup::{Call, FollFlag, Kind, Mapping};
use harness::hooks;

#[test]
fn the_arena_is_the_same() {
    assert_eq!(gup::pages::MAX_FOLIOS, abi::GD_MAX_FOLIOS);
    assert_eq!(gup::pages::NR_ORDERS, abi::GD_NR_ORDERS);
    assert_eq!(gup::pages::SLOT_SHIFT, abi::GD_SLOT_SHIFT);
    let slots = abi::GD_NR_TEMPLATES * abi::GD_NR_ORDERS * abi::GD_MAX_FOLIOS;
    assert_eq!(gup::pages::NR_SLOTS, slots);
    assert_eq!(gup::pages::NR_PAGES, slots << abi::GD_SLOT_SHIFT);
    assert_eq!(
        harness::world::layout::NR_PAGES,
        slots << abi::GD_SLOT_SHIFT
    );
    assert_eq!(gup::unpin::MAX_LIST as u32, abi::GD_MAX_LIST);
    assert_eq!(gup::machine::STEP_LIMIT, abi::GD_STEP_LIMIT);
    assert_eq!(gup::tables::MAX_TABLES, abi::GD_MAX_TABLES);
    assert_eq!(gup::tables::TABLE_ENTRIES, abi::GD_TABLE_ENTRIES);
}

#[test]
fn a_pin_is_as_many_references() {
    assert_eq!(
        harness::world::folio::PIN_BIAS as u32,
        gup::GUP_PIN_COUNTING_BIAS
    );
}

#[test]
fn addresses_are_the_same() {
    assert_eq!(harness::program::walk::PAGE_SIZE, gup::tables::PAGE_SIZE);
    assert_eq!(
        harness::program::walk::TASK_SIZE_MAX,
        gup::walk::TASK_SIZE_MAX
    );
}

#[test]
fn state_has_the_same_bits() {
    assert_eq!(u32::from(state::IRQS_ON), abi::GD_W_IRQS_ON);
    assert_eq!(u32::from(state::HAS_PINNED), abi::GD_W_HAS_PINNED);
    assert_eq!(u32::from(state::DEVMAP_KEY), abi::GD_W_DEVMAP_KEY);
    assert_eq!(u32::from(state::ALL), abi::GD_W_ALL);
}

#[test]
fn page_flags_have_the_same_bits() {
    let flags = [
        (flag::LOCKED, abi::GD_F_LOCKED),
        (flag::REFERENCED, abi::GD_F_REFERENCED),
        (flag::UPTODATE, abi::GD_F_UPTODATE),
        (flag::DIRTY, abi::GD_F_DIRTY),
        (flag::LRU, abi::GD_F_LRU),
        (flag::ACTIVE, abi::GD_F_ACTIVE),
        (flag::WORKINGSET, abi::GD_F_WORKINGSET),
        (flag::WAITERS, abi::GD_F_WAITERS),
        (flag::ANON_EXCLUSIVE, abi::GD_F_ANON_EXCLUSIVE),
        (flag::RESERVED, abi::GD_F_RESERVED),
        (flag::PRIVATE, abi::GD_F_PRIVATE),
        (flag::WRITEBACK, abi::GD_F_WRITEBACK),
        (flag::HEAD, abi::GD_F_HEAD),
        (flag::SWAPBACKED, abi::GD_F_SWAPBACKED),
        (flag::UNEVICTABLE, abi::GD_F_UNEVICTABLE),
        (flag::MLOCKED, abi::GD_F_MLOCKED),
        (flag::HWPOISON, abi::GD_F_HWPOISON),
        (flag::YOUNG, abi::GD_F_YOUNG),
        (flag::IDLE, abi::GD_F_IDLE),
        (flag::RECLAIM, abi::GD_F_RECLAIM),
        (flag::SWAPCACHE, abi::GD_F_SWAPCACHE),
        (flag::ARCH_1, abi::GD_F_ARCH_1),
        (flag::PRIVATE_2, abi::GD_F_PRIVATE_2),
    ];
    assert!(flags.iter().all(|(bit, nr)| *bit == 1 << nr));
    assert_eq!(flags.len() as u32, abi::GD_NR_FLAGS);
    assert_eq!(flag::NR, abi::GD_NR_FLAGS);
}

#[test]
fn foll_flags_have_the_same_numbers() {
    let flags = [
        (FollFlag::Write, abi::GD_FOLL_WRITE),
        (FollFlag::Get, abi::GD_FOLL_GET),
        (FollFlag::Pin, abi::GD_FOLL_PIN),
        (FollFlag::Longterm, abi::GD_FOLL_LONGTERM),
        (FollFlag::Force, abi::GD_FOLL_FORCE),
        (FollFlag::FastOnly, abi::GD_FOLL_FAST_ONLY),
        (FollFlag::PciP2pdma, abi::GD_FOLL_PCI_P2PDMA),
        (FollFlag::Touch, abi::GD_FOLL_TOUCH),
        (FollFlag::Dump, abi::GD_FOLL_DUMP),
        (FollFlag::Nowait, abi::GD_FOLL_NOWAIT),
        (FollFlag::Nofault, abi::GD_FOLL_NOFAULT),
        (FollFlag::Hwpoison, abi::GD_FOLL_HWPOISON),
        (FollFlag::Tried, abi::GD_FOLL_TRIED),
        (FollFlag::Remote, abi::GD_FOLL_REMOTE),
        (FollFlag::Anon, abi::GD_FOLL_ANON),
        (FollFlag::SplitPmd, abi::GD_FOLL_SPLIT_PMD),
        (FollFlag::Interruptible, abi::GD_FOLL_INTERRUPTIBLE),
        (FollFlag::HonorNumaFault, abi::GD_FOLL_HONOR_NUMA_FAULT),
        (FollFlag::Unlockable, abi::GD_FOLL_UNLOCKABLE),
        (FollFlag::MadvPopulate, abi::GD_FOLL_MADV_POPULATE),
        (FollFlag::Migration, abi::GD_FOLL_MIGRATION),
        (FollFlag::Split, abi::GD_FOLL_SPLIT),
    ];
    assert!(flags.iter().all(|(flag, nr)| *flag as u32 == *nr));
    assert_eq!(flags.len() as u32, abi::GD_NR_FOLL);
    assert_eq!(gup::foll::NR_FOLL as u32, abi::GD_NR_FOLL);
}

#[test]
fn entry_flags_have_the_same_bits() {
    let flags = [
        (entry_flag::RW, abi::GD_EF_RW),
        (entry_flag::DIRTY, abi::GD_EF_DIRTY),
        (entry_flag::OLD, abi::GD_EF_OLD),
        (entry_flag::KERNEL, abi::GD_EF_KERNEL),
        (entry_flag::ABSENT, abi::GD_EF_ABSENT),
        (entry_flag::PROTNONE, abi::GD_EF_PROTNONE),
        (entry_flag::SPECIAL, abi::GD_EF_SPECIAL),
        (entry_flag::DEVMAP, abi::GD_EF_DEVMAP),
        (entry_flag::SOFT_DIRTY, abi::GD_EF_SOFT_DIRTY),
        (entry_flag::UFFD_WP, abi::GD_EF_UFFD_WP),
        (entry_flag::NX, abi::GD_EF_NX),
        (entry_flag::PKEY_BIT0, abi::GD_EF_PKEY_BIT0),
        (entry_flag::PKEY_BIT1, abi::GD_EF_PKEY_BIT1),
    ];
    assert!(flags.iter().all(|(bit, nr)| *bit == 1 << nr));
    assert_eq!(flags.len() as u32, abi::GD_NR_ENTRY_FLAGS);
    assert_eq!(u32::from(entry_flag::ALL), (1 << flags.len()) - 1);
}

#[test]
fn what_a_program_numbers_is_the_same() {
    let mappings = [
        (Mapping::None, abi::GD_M_NONE),
        (Mapping::Anon, abi::GD_M_ANON),
        (Mapping::File, abi::GD_M_FILE),
        (Mapping::Shmem, abi::GD_M_SHMEM),
        (Mapping::Secretmem, abi::GD_M_SECRETMEM),
        (Mapping::Fsdax, abi::GD_M_FSDAX),
        (Mapping::Ksm, abi::GD_M_KSM),
        (Mapping::Movable, abi::GD_M_MOVABLE),
    ];
    for (mapping, nr) in mappings {
        assert_eq!((mapping as u32, Mapping::from_index(nr)), (nr, mapping));
    }
    assert_eq!(Mapping::NR, abi::GD_NR_MAPPINGS);
    let kinds = [
        (Kind::Normal, abi::GD_K_NORMAL),
        (Kind::Hugetlb, abi::GD_K_HUGETLB),
        (Kind::Zero, abi::GD_K_ZERO),
        (Kind::HugeZero, abi::GD_K_HUGE_ZERO),
        (Kind::Slab, abi::GD_K_SLAB),
        (Kind::DevPrivate, abi::GD_K_DEV_PRIVATE),
        (Kind::DevCoherent, abi::GD_K_DEV_COHERENT),
        (Kind::DevFsdax, abi::GD_K_DEV_FSDAX),
        (Kind::DevGeneric, abi::GD_K_DEV_GENERIC),
        (Kind::DevP2pdma, abi::GD_K_DEV_P2PDMA),
    ];
    assert!(kinds.iter().all(|&(kind, nr)| Kind::from_index(nr) == kind));
    assert_eq!(Kind::NR, abi::GD_NR_KINDS);
    let types = [
        (MigrateType::Unmovable, abi::GD_MT_UNMOVABLE),
        (MigrateType::Movable, abi::GD_MT_MOVABLE),
        (MigrateType::Reclaimable, abi::GD_MT_RECLAIMABLE),
        (MigrateType::Cma, abi::GD_MT_CMA),
        (MigrateType::Isolate, abi::GD_MT_ISOLATE),
    ];
    assert!(
        types
            .iter()
            .all(|&(t, nr)| MigrateType::from_index(nr) == t)
    );
    assert_eq!(MigrateType::NR, abi::GD_NR_MIGRATETYPES);
}

#[test]
fn calls_have_the_same_numbers() {
    let calls = [
        (Call::FolioPut, abi::GD_C_FOLIO_PUT),
        (Call::FolioMarkDirty, abi::GD_C_FOLIO_MARK_DIRTY),
        (Call::FolioLock, abi::GD_C_FOLIO_LOCK),
        (Call::FolioUnlock, abi::GD_C_FOLIO_UNLOCK),
        (Call::WakeUpVar, abi::GD_C_WAKE_UP_VAR),
        (Call::MakeAccessible, abi::GD_C_MAKE_ACCESSIBLE),
        (Call::FreeDevmapManaged, abi::GD_C_FREE_DEVMAP_MANAGED),
        (Call::MlockVmaPage, abi::GD_C_MLOCK_VMA_PAGE),
        (Call::MarkAccessed, abi::GD_C_MARK_ACCESSED),
        (Call::Isolate, abi::GD_C_ISOLATE),
        (Call::Putback, abi::GD_C_PUTBACK),
        (Call::Migrated, abi::GD_C_MIGRATED),
        (Call::MigrateDevice, abi::GD_C_MIGRATE_DEVICE),
        (Call::Found, abi::GD_C_FOUND),
        (Call::Released, abi::GD_C_RELEASED),
        (Call::Allocated, abi::GD_C_ALLOCATED),
        (Call::Zeroed, abi::GD_C_ZEROED),
        (Call::Split, abi::GD_C_SPLIT),
    ];
    assert!(calls.iter().all(|(call, nr)| *call as u32 == *nr));
    assert_eq!(calls.len() as u32, abi::GD_NR_CALLS);
}

#[test]
fn default_answers_are_the_same() {
    let default = |hook: u32| hooks::info(hook as u8).unwrap().default_answer;
    assert_eq!(default(abi::GD_HOOK_SLOW), -gup::EFAULT);
    assert_eq!(default(abi::GD_HOOK_ALLOC_FOLIO), -gup::ENOMEM);
    assert_eq!(default(abi::GD_HOOK_SPLIT_PAGE), -gup::slow::EBUSY);
    let sigbus = gup::mm::vm_fault::SIGBUS as i32;
    assert_eq!(default(abi::GD_HOOK_FAULT), sigbus);
    assert_eq!(default(abi::GD_HOOK_MIGRATE), 1);
    assert_eq!(default(abi::GD_HOOK_MIGRATE_DEVICE), -gup::slow::EBUSY);
    for zero in [abi::GD_HOOK_MMAP_LOCK, abi::GD_HOOK_EXPAND] {
        assert_eq!(default(zero), 0);
    }
}

#[test]
fn flags_of_vmas_and_faults_have_the_same_numbers() {
    use gup::mm::{fault_flag, vm_fault};
    use gup::vma::{VmaKind, vm_flag};

    let all = [
        (fault_flag::WRITE, abi::GD_FF_WRITE),
        (fault_flag::ALLOW_RETRY, abi::GD_FF_ALLOW_RETRY),
        (fault_flag::RETRY_NOWAIT, abi::GD_FF_RETRY_NOWAIT),
        (fault_flag::KILLABLE, abi::GD_FF_KILLABLE),
        (fault_flag::TRIED, abi::GD_FF_TRIED),
        (fault_flag::REMOTE, abi::GD_FF_REMOTE),
        (fault_flag::INTERRUPTIBLE, abi::GD_FF_INTERRUPTIBLE),
        (fault_flag::UNSHARE, abi::GD_FF_UNSHARE),
        (vm_fault::OOM, abi::GD_FAULT_OOM),
        (vm_fault::SIGBUS, abi::GD_FAULT_SIGBUS),
        (vm_fault::HWPOISON, abi::GD_FAULT_HWPOISON),
        (vm_fault::HWPOISON_LARGE, abi::GD_FAULT_HWPOISON_LARGE),
        (vm_fault::SIGSEGV, abi::GD_FAULT_SIGSEGV),
        (vm_fault::RETRY, abi::GD_FAULT_RETRY),
        (vm_fault::FALLBACK, abi::GD_FAULT_FALLBACK),
        (vm_fault::COMPLETED, abi::GD_FAULT_COMPLETED),
        (vm_fault::WRITE, abi::GD_FAULT_WRITE),
        (vm_flag::READ, abi::GD_VM_READ),
        (vm_flag::MAYSHARE, abi::GD_VM_MAYSHARE),
        (vm_flag::GROWSDOWN, abi::GD_VM_GROWSDOWN),
        (vm_flag::PFNMAP, abi::GD_VM_PFNMAP),
        (vm_flag::UFFD_WP, abi::GD_VM_UFFD_WP),
        (vm_flag::SHADOW_STACK, abi::GD_VM_SHADOW_STACK),
        (vm_flag::PKEY_BIT0, abi::GD_VM_PKEY_BIT0),
        (vm_flag::PKEY_BIT1, abi::GD_VM_PKEY_BIT1),
    ];
    assert!(all.iter().all(|(flag, bit)| *flag == 1 << bit));
    let kinds = [
        (VmaKind::Anon, abi::GD_V_ANON),
        (VmaKind::Hugetlb, abi::GD_V_HUGETLB),
        (VmaKind::Hugetlb1G, abi::GD_V_HUGETLB_1G),
        (VmaKind::File, abi::GD_V_FILE),
        (VmaKind::Shmem, abi::GD_V_SHMEM),
        (VmaKind::Special, abi::GD_V_SPECIAL),
        (VmaKind::Secretmem, abi::GD_V_SECRETMEM),
        (VmaKind::Fsdax, abi::GD_V_FSDAX),
        (VmaKind::Gate, abi::GD_V_GATE),
    ];
    assert!(kinds.iter().all(|(kind, nr)| *kind as u32 == *nr));
    assert_eq!(kinds.len() as u32, abi::GD_NR_VMA_KINDS);
}

#[test]
fn files_are_the_same() {
    use gup::cache::{MAX_EXTENTS, MEMFD_SIZE, Memfd};
    let files = [
        (Memfd::None, abi::GD_FD_NONE),
        (Memfd::Other, abi::GD_FD_OTHER),
        (Memfd::Shmem, abi::GD_FD_SHMEM),
        (Memfd::Hugetlb, abi::GD_FD_HUGETLB),
    ];
    assert!(
        files
            .iter()
            .all(|&(file, nr)| Memfd::from_index(nr) == file)
    );
    assert_eq!(files.len() as u32, abi::GD_NR_MEMFDS);
    assert_eq!(MAX_EXTENTS as u32, abi::GD_MAX_EXTENTS);
    assert_eq!(MEMFD_SIZE, i64::from(abi::GD_MEMFD_SIZE));
}
