/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of operations: declares each operation of every layer once.  The enum,
 * the C and Rust dispatch, the wire and text forms, the generator and the help are
 * derived from it.
 *
 * GD_OP(id, ROLE, layer, operands, effect, result, names, help)
 *	A function of the kernel.
 * GD_CHANGE(id, ROLE, layer, operands, part, name, help)
 *	A world change: between operations, or as an action at a hook point.  It has no
 *	result, and the same name in all revisions; with a revision, it has an effect
 *	from that one on.
 *
 * id        the byte for the operation in the wire form.  It is never reused and
 *           never changes, so that a corpus survives new operations.
 * ROLE      the purpose of the operation; its name may differ between kernels.
 * layer     PAGE: references and pins of given pages; LOCKLESS: the walk of page
 *           tables without locks (GUP-fast), and changes that only walks observe;
 *           SLOW: the walk under the mmap lock, with VMAs and faults.
 * operands  GD_S_* bits, see program.h.
 * effect    its effect on counts, pages and locks, for laws, generator and
 *           statistics; effect.h describes the words:
 *           ASKS(callers)                     none, it is a predicate
 *           TAKES(what, by, of, callers)      takes references or pins on its operand
 *           GIVES(what, by, callers)          drops them
 *           MARKS()                           records that the mm had pins
 *           WALKS(what, by, lock)             takes them on the pages mapped at an address
 *           FAULTS(how, lock)                 faults pages in, and takes nothing
 *           PINS_FILE()                       pins folios of a file
 * part      the part of the world that a world change sets, GD_PART_*.
 * result    what is compared: VOID, BOOL, ERRNO, FOLIO (folio or NULL), PAGE
 *           (page, NULL or errno) or INT (any number; a negative one is usually an
 *           errno).
 * names     A single name is the same in all revisions.  Otherwise "REV:name"
 *           pairs: a name is valid from that revision to the next pair; "-" means
 *           that the function does not exist, as before the first pair.  A revision
 *           is a kernel (6.1) or a version of the FOLL_PIN series (v8); pairs of
 *           kernels and of the series are independent.
 * help      what it does, in the infinitive.  For a world change this is also the
 *           sentence in reports, with {operands} in braces: fuzz/harness/src/report/sentences
 *           has their placeholders in help and their values in reports.
 *
 * Include this file with GD_OP defined, and with GD_CHANGE to distinguish world
 * changes; it undefines both again.
 */
#ifndef GD_CHANGE
#define GD_CHANGE(id, role, layer, operands, part, name, help) \
	GD_OP(id, role, layer, operands, SETS(part), VOID, name, help)
#endif

/* references without flags */
GD_OP(0x01, GET_PAGE, PAGE, GD_S_PAGE, TAKES(REF, ONE, HELD, ANYBODY), VOID, "get_page",
      "take a reference on the folio of a page; it must have one already")
GD_OP(0x02, FOLIO_GET, PAGE, GD_S_FOLIO, TAKES(REF, ONE, HELD, ANYBODY), VOID, "6.1:folio_get",
      "take a reference on a folio; it must have one already")
GD_OP(0x03, TRY_GET_PAGE, PAGE, GD_S_PAGE, TAKES(REF, ONE, POSITIVE, ANYBODY), BOOL, "try_get_page",
      "take a reference unless the count is zero or negative")
GD_OP(0x04, FOLIO_TRY_GET, PAGE, GD_S_FOLIO, TAKES(REF, ONE, NONZERO, ANYBODY), BOOL,
      "5.10:get_page_unless_zero 6.1:folio_try_get",
      "take a reference unless the count is zero")
GD_OP(0x05, FOLIO_TRY_GET_RCU, PAGE, GD_S_FOLIO, TAKES(REF, ONE, NONZERO, MM), BOOL,
      "5.10:page_cache_get_speculative 6.1:folio_try_get_rcu 6.10:-",
      "folio_try_get for callers under rcu_read_lock")
GD_OP(0x06, FOLIO_REF_TRY_ADD, PAGE, GD_S_FOLIO | GD_S_N_REFS, TAKES(REF, N, NONZERO, MM), BOOL,
      "5.10:page_cache_add_speculative 6.1:folio_ref_try_add_rcu 6.10:folio_ref_try_add",
      "add refs references unless the count is zero")
GD_OP(0x07, TRY_GET_FOLIO, PAGE, GD_S_PAGE | GD_S_N_REFS, TAKES(REF, N, POSITIVE, MM), FOLIO,
      "v8:try_get_compound_head 5.10:try_get_compound_head 6.1:try_get_folio",
      "take refs references on the folio of a page, for the lockless walk")
GD_OP(0x08, PUT_PAGE, PAGE, GD_S_PAGE, GIVES(REF, ONE, ANYBODY), VOID, "put_page",
      "drop a reference on the folio of a page")
GD_OP(0x09, FOLIO_PUT, PAGE, GD_S_FOLIO, GIVES(REF, ONE, ANYBODY), VOID, "6.1:folio_put",
      "drop a reference on a folio")
GD_OP(0x0a, FOLIO_PUT_REFS, PAGE, GD_S_FOLIO | GD_S_N_REFS, GIVES(REF, N, ANYBODY), VOID,
      "6.1:folio_put_refs",
      "drop refs references on a folio")
GD_OP(0x0b, PUT_DEVMAP_MANAGED, PAGE, GD_S_FOLIO | GD_S_N_REFS, GIVES(REF, N, MM), BOOL,
      "6.1:put_devmap_managed_page_refs 6.12:put_devmap_managed_folio_refs 6.15:-",
      "drop refs references if it is an fsdax page")
GD_OP(0x0c, PAGE_REF_SUB_RETURN, PAGE, GD_S_PAGE | GD_S_N_REFS, GIVES(COUNT, N, MM), INT,
      "v8:page_ref_sub_return 5.10:page_ref_sub_return 6.12:folio_ref_sub_return",
      "subtract nr from the count of exactly this page, head or tail")

/* grabs: take references or pins, depending on FOLL_GET and FOLL_PIN */
GD_OP(0x10, GRAB_SLOW, PAGE,
      GD_S_PAGE | GD_S_N_REFS | GD_S_FOLL, TAKES(SLOW_GRAB, SLOW_REFS, POSITIVE, MM), ERRNO,
      "v8:grab_page v9:try_grab_page 5.10:try_grab_page 6.10:try_grab_folio",
      "take references or pins, for the slow path; before 6.10 one, whatever refs is")
GD_OP(0x11, GRAB_FAST, PAGE,
      GD_S_PAGE | GD_S_N_REFS | GD_S_FOLL, TAKES(FAST_GRAB, N, POSITIVE, MM), FOLIO,
      "v8:try_grab_compound_head 5.10:try_grab_compound_head 6.1:try_grab_folio 6.10:try_grab_folio_fast",
      "take references or pins, for the lockless walk")
GD_OP(0x12, FOLIO_ADD_PIN, PAGE, GD_S_FOLIO, TAKES(UNCOUNTED_PIN, ONE, PINNED, ANYBODY), VOID,
      "6.5:folio_add_pin",
      "add a pin to a folio that is already pinned")
GD_OP(0x13, TRY_PIN_COMPOUND_HEAD, PAGE,
      GD_S_PAGE | GD_S_N_REFS, TAKES(PIN, N, POSITIVE, MM), FOLIO, "v8:try_pin_compound_head",
      "take refs pins unless the count is zero or negative")
GD_OP(0x14, CLOSE_TO_BIAS_OVERFLOW, PAGE, GD_S_PAGE, ASKS(MM), BOOL,
      "v9:page_ref_zero_or_close_to_bias_overflow v11:-",
      "is this page's count zero, or would one more pin overflow it?")

GD_OP(0x15, FOLIO_ADD_PINS, PAGE, GD_S_FOLIO | GD_S_N_REFS, TAKES(PIN, N, PINNED, ANYBODY), ERRNO,
      "6.13:folio_add_pins",
      "add pins to a folio that is already pinned")

/* put and unpin */
GD_OP(0x18, GUP_PUT_FOLIO, PAGE, GD_S_FOLIO | GD_S_N_REFS | GD_S_FOLL, GIVES(GRABBED, N, MM), VOID,
      "v8:put_compound_head 5.10:put_compound_head 6.1:gup_put_folio",
      "drop refs references or pins")
GD_OP(0x19, UNPIN_USER_PAGE, PAGE, GD_S_PAGE, GIVES(PIN, ONE, ANYBODY), VOID, "unpin_user_page",
      "release one pin of the folio of a page")
GD_OP(0x1a, UNPIN_FOLIO, PAGE, GD_S_FOLIO, GIVES(PIN, ONE, ANYBODY), VOID, "6.12:unpin_folio",
      "release one pin of a folio")
GD_OP(0x1b, UNPIN_USER_FOLIO, PAGE, GD_S_FOLIO | GD_S_N_NPAGES, GIVES(PIN, N, ANYBODY), VOID,
      "6.12:unpin_user_folio",
      "release npages pins of a folio")

/* unpin of lists and ranges */
GD_OP(0x20, UNPIN_USER_PAGES, PAGE, GD_S_LIST | GD_S_N_NPAGES, GIVES(PIN, LIST, ANYBODY), VOID,
      "unpin_user_pages",
      "release the pins of a list of pages")
GD_OP(0x21, UNPIN_USER_PAGES_DIRTY_LOCK, PAGE,
      GD_S_LIST | GD_S_N_NPAGES | GD_S_DIRTY, GIVES(PIN, LIST, ANYBODY), VOID,
      "unpin_user_pages_dirty_lock",
      "release the pins of a list, dirtying the folios on request")
GD_OP(0x22, UNPIN_USER_PAGE_RANGE_DIRTY_LOCK, PAGE,
      GD_S_PAGE | GD_S_N_NPAGES | GD_S_DIRTY, GIVES(PIN, RANGE, ANYBODY), VOID,
      "5.14:unpin_user_page_range_dirty_lock",
      "release the pins of npages consecutive pages")
GD_OP(0x23, UNPIN_FAST, PAGE, GD_S_LIST | GD_S_N_NPAGES, GIVES(PIN, LIST, MM), VOID,
      "6.1:unpin_user_pages_lockless 6.10:gup_fast_unpin_user_pages",
      "release the pins of a list, for the back-out of the lockless walk")
GD_OP(0x24, UNPIN_FOLIOS, PAGE, GD_S_LIST | GD_S_N_NPAGES, GIVES(PIN, FOLIOS, ANYBODY), VOID,
      "6.12:unpin_folios",
      "release the pins of a list of folios")
GD_OP(0x25, SANITY_CHECK, PAGE, GD_S_LIST | GD_S_N_NPAGES, ASKS(MM), VOID,
      "6.1:sanity_check_pinned_pages",
      "BUG on a pinned anonymous page that is not exclusive (DEBUG_VM)")

/* predicates */
GD_OP(0x30, GUP_MUST_UNSHARE, PAGE, GD_S_PAGE | GD_S_FOLL | GD_S_ARG_VMA, ASKS(MM), BOOL,
      "6.1:gup_must_unshare",
      "must a read-only pin break sharing first? arg: no vma, shared, COW")
GD_OP(0x31, PAGE_MAYBE_DMA_PINNED, PAGE, GD_S_PAGE, ASKS(ANYBODY), BOOL,
      "v8:page_dma_pinned 5.10:page_maybe_dma_pinned 6.12:-",
      "is the folio of a page pinned?")
GD_OP(0x32, FOLIO_MAYBE_DMA_PINNED, PAGE, GD_S_FOLIO, ASKS(ANYBODY), BOOL,
      "6.1:folio_maybe_dma_pinned",
      "is a folio pinned?")
GD_OP(0x33, NEEDS_COW_FOR_DMA, PAGE, GD_S_PAGE, ASKS(MM), BOOL,
      "5.12:page_needs_cow_for_dma 6.8:folio_needs_cow_for_dma",
      "must fork copy this page instead of sharing it?")
GD_OP(0x34, IS_LONGTERM_PINNABLE_PAGE, PAGE, GD_S_PAGE, ASKS(MM), BOOL,
      "5.13:is_pinnable_page 6.0:is_longterm_pinnable_page 6.5:-",
      "may this page be pinned for an indefinite time?")
GD_OP(0x35, FOLIO_IS_LONGTERM_PINNABLE, PAGE, GD_S_FOLIO, ASKS(MM), BOOL,
      "6.1:folio_is_longterm_pinnable",
      "may this folio be pinned for an indefinite time?")
GD_OP(0x36, IS_SECRETMEM, PAGE, GD_S_PAGE, ASKS(MM), BOOL,
      "5.14:page_is_secretmem 6.6:folio_is_secretmem 6.10:secretmem_mapping",
      "does the page belong to memfd_secret?")
GD_OP(0x37, IS_PCI_P2PDMA_PAGE, PAGE, GD_S_PAGE, ASKS(MM), BOOL, "5.10:is_pci_p2pdma_page",
      "is this a PCI peer-to-peer page?")
GD_OP(0x38, GUP_FAST_FOLIO_ALLOWED, PAGE, GD_S_FOLIO | GD_S_FOLL, ASKS(MM), BOOL,
      "6.5:folio_fast_pin_allowed 6.10:gup_fast_folio_allowed",
      "may the lockless walk hand out this folio?")
GD_OP(0x39, MM_SET_HAS_PINNED_FLAG, PAGE, GD_S_MM, MARKS(), VOID, "5.14:mm_set_has_pinned_flag",
      "note that this mm has had pins")

/*
 * Call sites of the FOLL_PIN series, as leaf functions: each takes the page
 * that the entry of a page table points to.
 */
GD_OP(0x40, FOLLOW_PAGE_PTE, PAGE,
      GD_S_PAGE | GD_S_FOLL | GD_S_ARG_DEVMAP, TAKES(CALL_SITE, ONE, POSITIVE, MM), PAGE,
      "v8:follow_page_pte",
      "follow a PTE; arg: a devmap one?")
GD_OP(0x41, FOLLOW_PAGE_MASK, PAGE, GD_S_PAGE | GD_S_FOLL, ASKS(MM), PAGE, "v8:follow_page_mask",
      "the hugepd branch: follow_huge_addr has given this page")
GD_OP(0x42, FOLLOW_DEVMAP_PMD, PAGE,
      GD_S_PAGE | GD_S_FOLL, TAKES(CALL_SITE, ONE, POSITIVE, MM), PAGE, "v8:follow_devmap_pmd",
      "follow a devmap PMD")
GD_OP(0x43, FOLLOW_DEVMAP_PUD, PAGE,
      GD_S_PAGE | GD_S_FOLL, TAKES(CALL_SITE, ONE, POSITIVE, MM), PAGE, "v8:follow_devmap_pud",
      "follow a devmap PUD")
GD_OP(0x44, FOLLOW_TRANS_HUGE_PMD, PAGE,
      GD_S_PAGE | GD_S_FOLL | GD_S_ARG_MLOCK, TAKES(CALL_SITE, ONE, POSITIVE, MM), PAGE,
      "v8:follow_trans_huge_pmd",
      "follow the PMD of a THP to this subpage; arg: mlock it?")
GD_OP(0x45, FOLLOW_HUGETLB_PAGE, PAGE,
      GD_S_PAGE | GD_S_N_REFS | GD_S_FOLL, TAKES(CALL_SITE, UP_TO_N, POSITIVE, MM), INT,
      "v8:follow_hugetlb_page",
      "record up to n pages of a hugetlb page from this one on")
GD_OP(0x46, FOLLOW_HUGE_PMD, PAGE, GD_S_PAGE | GD_S_FOLL, TAKES(CALL_SITE, ONE, POSITIVE, MM), PAGE,
      "v8:follow_huge_pmd",
      "follow the PMD of a hugetlb page")
GD_OP(0x47, FOLLOW_HUGE_PUD, PAGE, GD_S_PAGE | GD_S_FOLL, ASKS(MM), PAGE, "v8:follow_huge_pud",
      "follow the PUD of a hugetlb page, which grabs nothing")
GD_OP(0x48, FOLLOW_HUGE_PGD, PAGE, GD_S_PAGE | GD_S_FOLL, ASKS(MM), PAGE, "v8:follow_huge_pgd",
      "follow the PGD of a hugetlb page, which grabs nothing")
GD_OP(0x49, GUP_PTE_RANGE, PAGE,
      GD_S_PAGE | GD_S_FOLL | GD_S_ARG_CHANGED, TAKES(FAST_GRAB, ONE, POSITIVE, MM), INT,
      "v8:gup_pte_range",
      "one PTE of the lockless walk; arg: it changes before the recheck?")
GD_OP(0x4a, GUP_HUGEPTE, PAGE,
      GD_S_PAGE | GD_S_N_REFS | GD_S_FOLL | GD_S_ARG_CHANGED,
      TAKES(FAST_GRAB, LEFT, POSITIVE, MM), INT, "v8:gup_hugepte",
      "n pages of a hugetlb entry; arg: it changes before the recheck?")
GD_OP(0x4b, GUP_HUGE_PMD, PAGE,
      GD_S_PAGE | GD_S_N_REFS | GD_S_FOLL | GD_S_ARG_CHANGED,
      TAKES(FAST_GRAB, LEFT, POSITIVE, MM), INT, "v8:gup_huge_pmd",
      "n pages of a huge PMD; arg: it changes before the recheck?")
GD_OP(0x4c, GUP_HUGE_PUD, PAGE,
      GD_S_PAGE | GD_S_N_REFS | GD_S_FOLL | GD_S_ARG_CHANGED,
      TAKES(FAST_GRAB, LEFT, POSITIVE, MM), INT, "v8:gup_huge_pud",
      "n pages of a huge PUD; arg: it changes before the recheck?")
GD_OP(0x4d, GUP_HUGE_PGD, PAGE,
      GD_S_PAGE | GD_S_N_REFS | GD_S_FOLL | GD_S_ARG_CHANGED,
      TAKES(FAST_GRAB, LEFT, POSITIVE, MM), INT, "v8:gup_huge_pgd",
      "n pages of a huge PGD; arg: it changes before the recheck?")
GD_OP(0x4e, GUP_DEVICE_HUGE, PAGE,
      GD_S_PAGE | GD_S_N_REFS | GD_S_FOLL | GD_S_ARG_LOOKUP,
      TAKES(FAST_GRAB, RANGE, POSITIVE, MM), INT, "v8:__gup_device_huge",
      "n device pages one by one; arg: which lookup of the pagemap fails, 0: none")

/* the wrappers' checks of their flags: an errno, or the flags passed on */
GD_OP(0x50, CHECK_PIN_USER_PAGES, PAGE, GD_S_FOLL, ASKS(MM), INT, "v8:pin_user_pages",
      "check the flags, set FOLL_PIN")
GD_OP(0x51, CHECK_PIN_USER_PAGES_REMOTE, PAGE, GD_S_FOLL | GD_S_ARG_LOCKED, ASKS(MM), INT,
      "v8:pin_user_pages_remote",
      "check the flags, set FOLL_PIN; arg: does the caller pass locked?")
GD_OP(0x52, CHECK_PIN_USER_PAGES_FAST, PAGE, GD_S_FOLL, ASKS(MM), INT, "v8:pin_user_pages_fast",
      "check the flags, set FOLL_PIN")
GD_OP(0x53, CHECK_GET_USER_PAGES, PAGE, GD_S_FOLL, ASKS(MM), INT, "v8:get_user_pages",
      "check the flags")
GD_OP(0x54, CHECK_GET_USER_PAGES_REMOTE, PAGE, GD_S_FOLL, ASKS(MM), INT, "v8:get_user_pages_remote",
      "check the flags")
GD_OP(0x55, CHECK_GET_USER_PAGES_LOCKED, PAGE, GD_S_FOLL, ASKS(MM), INT, "v8:get_user_pages_locked",
      "check the flags")
GD_OP(0x56, CHECK_GET_USER_PAGES_UNLOCKED, PAGE, GD_S_FOLL, ASKS(MM), INT,
      "v8:get_user_pages_unlocked",
      "check the flags")
GD_OP(0x57, CHECK_GET_USER_PAGES_FAST, PAGE, GD_S_FOLL, ASKS(MM), INT, "v8:get_user_pages_fast",
      "check the flags")

/* the lockless walk */
GD_OP(0x60, GET_USER_PAGES_FAST, LOCKLESS,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES, WALKS(REF, N, FOR_THE_REST), INT,
      "5.10:get_user_pages_fast",
      "take references on the pages mapped at addr, with the slow path for the rest")
GD_OP(0x61, GET_USER_PAGES_FAST_ONLY, LOCKLESS,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES, WALKS(REF, N, NEVER), INT,
      "5.10:get_user_pages_fast_only",
      "take references on the pages mapped at addr, without the slow path")
GD_OP(0x62, PIN_USER_PAGES_FAST, LOCKLESS,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES, WALKS(PIN, N, FOR_THE_REST), INT,
      "5.10:pin_user_pages_fast",
      "pin the pages mapped at addr, with the slow path for the rest")
GD_OP(0x63, PIN_USER_PAGES_FAST_ONLY, LOCKLESS,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES, WALKS(PIN, N, NEVER), INT,
      "5.10:pin_user_pages_fast_only 6.5:-",
      "pin the pages mapped at addr, without the slow path")

/* the slow path */
GD_OP(0x68, GET_USER_PAGES, SLOW,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES, WALKS(REF, N, HELD), INT,
      "5.10:get_user_pages",
      "take references on the pages mapped at addr, faulting them in")
GD_OP(0x69, PIN_USER_PAGES, SLOW,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES, WALKS(PIN, N, HELD), INT,
      "5.10:pin_user_pages",
      "pin the pages mapped at addr, faulting them in")
GD_OP(0x6a, GET_USER_PAGES_REMOTE, SLOW,
      GD_S_MM | GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES | GD_S_ARG_LOCK,
      WALKS(REF, N, HELD), INT,
      "5.10:get_user_pages_remote",
      "the same for any mm; with locked, the mmap lock may be dropped")
GD_OP(0x6b, PIN_USER_PAGES_REMOTE, SLOW,
      GD_S_MM | GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES | GD_S_ARG_LOCK,
      WALKS(PIN, N, HELD), INT,
      "5.10:pin_user_pages_remote",
      "pin pages of any mm; with locked, the mmap lock may be dropped")
GD_OP(0x6c, GET_USER_PAGES_UNLOCKED, SLOW,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES, WALKS(REF, N, TAKEN), INT,
      "5.10:get_user_pages_unlocked",
      "take references; takes and drops the mmap lock itself")
GD_OP(0x6d, PIN_USER_PAGES_UNLOCKED, SLOW,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES, WALKS(PIN, N, TAKEN), INT,
      "5.10:pin_user_pages_unlocked",
      "pin; takes and drops the mmap lock itself")
GD_OP(0x6e, FIXUP_USER_FAULT, SLOW,
      GD_S_MM | GD_S_ADDR | GD_S_FOLL | GD_S_ARG_LOCK, FAULTS(ANYWAY, HELD), ERRNO,
      "5.10:fixup_user_fault",
      "resolve a fault at addr, of which FOLL_WRITE and FOLL_REMOTE say the kind")
GD_OP(0x6f, POPULATE_VMA_PAGE_RANGE, SLOW,
      GD_S_MM | GD_S_ADDR | GD_S_N_PAGES | GD_S_ARG_LOCK, FAULTS(WITHIN_VMA, HELD), INT,
      "5.10:populate_vma_page_range",
      "fault in n pages of the VMA at addr; 5.10 also mlocks them")
GD_OP(0x70, FAULTIN_PAGE_RANGE, SLOW,
      GD_S_MM | GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL, FAULTS(WITHIN_VMA, HELD), INT,
      "5.14:faultin_vma_page_range 6.9:faultin_page_range",
      "fault in n pages from addr on; with FOLL_WRITE, for writing")
GD_OP(0x71, GET_DUMP_PAGE, SLOW, GD_S_ADDR, WALKS(REF, ONE, TAKEN), PAGE, "5.10:get_dump_page",
      "take a reference on the page at addr for a core dump")
GD_OP(0x72, GET_USER_PAGES_LOCKED, SLOW,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES | GD_S_ARG_LOCK, WALKS(REF, N, HELD), INT,
      "5.10:get_user_pages_locked 5.18:-",
      "take references; with locked, the mmap lock may be dropped")
GD_OP(0x73, PIN_USER_PAGES_LOCKED, SLOW,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_FOLL | GD_S_PAGES | GD_S_ARG_LOCK, WALKS(PIN, N, HELD), INT,
      "5.10:pin_user_pages_locked 5.18:-",
      "pin; with locked, the mmap lock may be dropped")
GD_OP(0x74, FOLLOW_PAGE, SLOW, GD_S_MM | GD_S_ADDR | GD_S_FOLL, WALKS(GOT, ONE, HELD), PAGE,
      "5.10:follow_page 6.12:-",
      "find the page mapped at addr, without a fault; with FOLL_GET take a reference on it")
GD_OP(0x75, MM_POPULATE, SLOW,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_ARG_SWITCH, FAULTS(MISSING, TAKEN), ERRNO,
      "5.10:__mm_populate",
      "fault in n pages from addr on, in all VMAs; arg: continue after errors?")
GD_OP(0x76, FAULT_IN_READABLE, SLOW, GD_S_ADDR | GD_S_VAL_BYTES, FAULTS(BY_LOAD, TAKEN), INT,
      "5.15:fault_in_readable",
      "read a byte of each page of val bytes from addr on")
GD_OP(0x77, FAULT_IN_WRITEABLE, SLOW, GD_S_ADDR | GD_S_VAL_BYTES, FAULTS(BY_STORE, TAKEN), INT,
      "5.15:fault_in_writeable",
      "write a byte of each page of val bytes from addr on")
GD_OP(0x78, FAULT_IN_SUBPAGE_WRITEABLE, SLOW,
      GD_S_ADDR | GD_S_VAL_BYTES, FAULTS(BY_STORE, TAKEN), INT, "6.1:fault_in_subpage_writeable",
      "the same for protection of parts of a page, which x86 does not have")
GD_OP(0x79, FAULT_IN_SAFE_WRITEABLE, SLOW, GD_S_ADDR | GD_S_VAL_BYTES, FAULTS(ANYWAY, TAKEN), INT,
      "5.15:fault_in_safe_writeable",
      "make each page of val bytes from addr on writable, without writing")

GD_OP(0x7a, MEMFD_PIN_FOLIOS, SLOW,
      GD_S_ADDR | GD_S_N_PAGES | GD_S_VAL_MAX | GD_S_ARG_MEMFD, PINS_FILE(), INT,
      "6.11:memfd_pin_folios",
      "pin the folios of n pages of file arg, from offset addr on, at most val folios")

/* raw changes of the world */
GD_CHANGE(0x80, SET_REF, PAGE, GD_S_PAGE | GD_S_VAL_REFS, REFCOUNT, "set_ref",
	  "set the refcount field of {page} to {val}")
GD_CHANGE(0x81, SET_PIN, PAGE, GD_S_FOLIO | GD_S_VAL_PINS, PINCOUNT, "set_pin",
	  "set the pin count field of the large folio {page} to {val}")
GD_CHANGE(0x82, SET_FLAG, PAGE, GD_S_PAGE | GD_S_ARG_FLAG, FLAGS, "set_flag",
	  "set page flag {arg} of {page}")
GD_CHANGE(0x83, CLEAR_FLAG, PAGE, GD_S_PAGE | GD_S_ARG_FLAG, FLAGS, "clear_flag",
	  "clear page flag {arg} of {page}")
GD_CHANGE(0x84, SET_MAPPING, PAGE, GD_S_FOLIO | GD_S_ARG_MAPPING, MAPPING, "set_mapping",
	  "set the mapping field of {page} to {arg}")
GD_CHANGE(0x85, SPLIT, PAGE, GD_S_FOLIO | GD_S_ARG_ORDER | GD_S_VAL_REFS | GD_S_N_REST, SPLIT,
	  "split",
	  "split {page} into folios of {arg}; the first one has refcount {val}, the others {n}")
GD_CHANGE(0x86, MERGE, PAGE, GD_S_FOLIO | GD_S_VAL_REFS | GD_S_N_PINS, MERGE, "merge",
	  "make the declared {page} whole again, with refcount {val} and pin count {n}")
GD_CHANGE(0x87, REUSE, PAGE, GD_S_FOLIO | GD_S_ARG_MAPPING | GD_S_VAL_REFS, CONTENTS, "reuse",
	  "free and reallocate {page}: refcount {val}, no pins, no flags, mapping {arg}")
GD_CHANGE(0x88, SET_PAGEBLOCK, PAGE, GD_S_PAGE | GD_S_ARG_MIGRATETYPE, PAGEBLOCK, "set_pageblock",
	  "set the migrate type of the pageblocks of {page} to {arg}")
GD_CHANGE(0x89, SET_IRQS, PAGE, GD_S_ARG_SWITCH, IRQS, "set_irqs",
	  "turn interrupts {arg}")
GD_CHANGE(0x8a, SET_HAS_PINNED, PAGE, GD_S_MM | GD_S_ARG_SWITCH, HAS_PINNED, "set_has_pinned",
	  "turn MMF_HAS_PINNED {arg}")
GD_CHANGE(0x8b, SET_SEQ, PAGE, GD_S_VAL_SEQ, SEQ, "set_seq",
	  "set write_protect_seq to {val} (odd: a fork is under way)")
GD_CHANGE(0x8c, SET_DEVMAP_KEY, PAGE, GD_S_ARG_SWITCH, DEVMAP_KEY, "set_devmap_key",
	  "turn devmap_managed_key {arg}")
GD_CHANGE(0x8d, SET_TAIL, LOCKLESS, GD_S_PAGE | GD_S_TO, TAIL, "set_tail",
	  "make {page} a tail of the folio of {to}")
GD_CHANGE(0x90, SET_PTE, LOCKLESS, GD_S_MM | GD_S_ADDR | GD_S_ENTRY | GD_S_N_PAGES, PTES,
	  "set_pte",
	  "set {entries} to {entry}")
GD_CHANGE(0x91, SET_PMD, LOCKLESS, GD_S_MM | GD_S_ADDR | GD_S_ENTRY | GD_S_N_PAGES, PMDS,
	  "set_pmd",
	  "set {entries} to {entry}")
GD_CHANGE(0x92, SET_PUD, LOCKLESS, GD_S_MM | GD_S_ADDR | GD_S_ENTRY | GD_S_N_PAGES, PUDS,
	  "set_pud",
	  "set {entries} to {entry}")
GD_CHANGE(0x93, SET_PGD, LOCKLESS, GD_S_MM | GD_S_ADDR | GD_S_ENTRY | GD_S_N_PAGES, PGDS,
	  "set_pgd",
	  "set {entries} to {entry}")
GD_CHANGE(0x94, ANSWER, LOCKLESS, GD_S_VAL_ANSWER, ANSWER, "answer",
	  "return {val}")
GD_CHANGE(0x95, SET_VMA, SLOW,
	  GD_S_MM | GD_S_ARG_SLOT | GD_S_ADDR | GD_S_N_PAGES | GD_S_VMA, VMA, "set_vma",
	  "set VMA {arg} to {vma}")
GD_CHANGE(0x96, SET_SIGNAL, SLOW, GD_S_ARG_SIGNAL, SIGNAL, "set_signal",
	  "set what is pending for the current task to {arg}")
GD_CHANGE(0x97, SET_CACHE, SLOW, GD_S_ADDR | GD_S_PAGE | GD_S_N_PAGES, CACHE, "6.11:set_cache",
	  "set {n} of the page cache of memfds from offset {addr} on to those from {page} on")

#undef GD_OP
#undef GD_CHANGE
