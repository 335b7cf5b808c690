/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How programs get into a booted kernel and traces out of it: memory that host
 * and guest share.  The programs and the records are those of gupdiff.h; this
 * is only the envelope.
 *
 *	struct gd_live_header
 *	struct gd_live_entry [GD_LIVE_BATCH]	at GD_LIVE_ENTRIES
 *		until it is ready: struct gd_recording [GD_LIVE_MAX_CALLS]
 *	struct gd_rec [GD_LIVE_RECORDS]		at GD_LIVE_TRACES
 *
 * The host writes a batch and then its number into `request`; the guest runs
 * the programs and then copies that number into `reply`.
 */
#ifndef GUPDIFF_ABI_LIVE_H
#define GUPDIFF_ABI_LIVE_H

#include "gupdiff.h"

#define GD_LIVE_MAGIC		0x67757031u
#define GD_LIVE_SIZE		(32u << 20)
#define GD_LIVE_ENTRIES		(64u << 10)
#define GD_LIVE_BATCH		2048
#define GD_LIVE_TRACES		(8u << 20)
#define GD_LIVE_RECORDS		((GD_LIVE_SIZE - GD_LIVE_TRACES) / 16)
/* ioctls of /dev/gupdiff */
#define GD_LIVE_SERVE		0
#define GD_LIVE_USER		1
#define GD_LIVE_RECORD		3	/* 2 is FIGETBSZ */

#define GD_LIVE_NO_CUT		0xffffffffu
#define GD_LIVE_MAX_SITES	128
#define GD_LIVE_MAX_GAPS	32

enum gd_live_state { GD_LIVE_BOOTING, GD_LIVE_READY, GD_LIVE_FAILED };

/* a WARN or BUG that was hit; its index is what records carry */
struct gd_live_site {
	char file[112];
	char func[72];		/* the symbol at its address */
	gd_u32 line;
	gd_u32 kind;		/* enum gd_site_kind */
};

/*
 * One call on real mappings of the guest's init, and what became of the folios:
 * while it holds them, and after it gave them back.
 */
enum gd_user_call {
	GD_USER_PIN_FAST, GD_USER_PIN, GD_USER_PIN_UNLOCKED,
	GD_USER_GET_FAST, GD_USER_GET, GD_USER_GET_UNLOCKED,
	GD_NR_USER_CALLS
};

#define GD_USER_FOLIOS		4
#define GD_USER_MAX_PAGES	16
#define GD_LIVE_MAX_USER	64

/* gd_user.facts, gd_user.want_facts */
#define GD_USER_MOVED		0x01	/* the first page is not the one mapped before */
#define GD_USER_WAS_MOVABLE	0x02	/* that one was in ZONE_MOVABLE */
#define GD_USER_IS_MOVABLE	0x04	/* this one is */

struct gd_user_state {
	gd_s32 ref;
	gd_s32 pin;
	gd_u32 pinned;		/* maybe_dma_pinned */
};

struct gd_user_folio {
	gd_u32 offset;		/* of the first page in its folio */
	gd_u32 nr;		/* pages, one after the other */
	gd_u32 order;
	gd_u32 kind;		/* NORMAL, HUGETLB or ZERO */
	gd_u32 anon;
	struct gd_user_state held, given_back;
};

struct gd_user {
	/* of init */
	char name[64];
	gd_u64 address;
	gd_u32 call;		/* enum gd_user_call */
	gd_u32 foll;		/* canonical */
	gd_s32 nr_pages;
	gd_s32 want;		/* the result that the kernel documents */
	gd_u32 want_facts;
	gd_u32 want_order;	/* of the first folio */
	gd_u32 want_back;	/* pins taken and given back on the way */
	/* of the module */
	gd_s32 result;
	gd_u32 facts;
	gd_s32 acquired, released;
	gd_u32 nr_folios;	/* more than GD_USER_FOLIOS: not all are shown */
	struct gd_user_folio folio[GD_USER_FOLIOS];
};

/*
 * A call on small pages of init's mappings, and all that belongs to it, in the words of
 * programs: VMAs and entries that there were, pages by number, and each fault.
 */
#define GD_CALL_PAGES	6
#define GD_CALL_VMAS	4
#define GD_CALL_FOLIOS	8
#define GD_CALL_FAULTS	8
#define GD_CALL_NOTHING	0xffffffffu

/* gd_recording.flaws: it is more than can be told */
#define GD_CALL_FLAW_PAGES	0x01	/* too many, large, or not from a fault */
#define GD_CALL_FLAW_ENTRY	0x02	/* not present, but not none */
#define GD_CALL_FLAW_VMAS	0x04
#define GD_CALL_FLAW_FAULTS	0x08

struct gd_recorded_vma {
	gd_u64 address;
	gd_u32 pages;
	gd_u32 flags;		/* bits GD_VM_* */
	gd_u32 kind;		/* enum gd_vma_kind */
	gd_u32 pad;
};

struct gd_recorded_entry {
	gd_u32 kind;		/* NONE or PAGE */
	gd_u32 folio;
	gd_u32 flags;		/* bits GD_EF_* */
};

struct gd_recorded_folio {
	gd_u32 kind;		/* NORMAL or ZERO */
	gd_u32 mapping;
	gd_u32 movable;
	gd_u32 flags;		/* bits GD_F_* */
	gd_s32 ref;		/* when it was first seen */
	struct gd_user_state held, given_back;
};

struct gd_recorded_fault {
	gd_u64 address;
	gd_u32 flags;		/* bits GD_FF_* */
	gd_u32 result;		/* bits GD_FAULT_* */
	gd_s32 delta[GD_CALL_FOLIOS];	/* of references, of pages known before */
	struct gd_recorded_entry entry;	/* what is at the address then */
	gd_u32 pad;
};

struct gd_recording {
	/* of init */
	gd_u64 address;
	gd_u32 call;		/* enum gd_user_call */
	gd_u32 foll;		/* canonical */
	gd_s32 nr;
	/* of the module */
	gd_s32 result;
	gd_s32 acquired, released;
	gd_u32 flaws;
	gd_u32 nr_vmas, nr_folios, nr_faults;
	gd_u32 page[GD_CALL_PAGES];	/* pages[], by number */
	struct gd_recorded_vma vma[GD_CALL_VMAS];
	struct gd_recorded_entry entry[GD_CALL_PAGES];
	struct gd_recorded_folio folio[GD_CALL_FOLIOS];
	struct gd_recorded_fault fault[GD_CALL_FAULTS];
};

#define GD_LIVE_MAX_CALLS	4096

struct gd_live_header {
	gd_u32 magic;		/* of the host, before it boots */
	gd_u32 state;		/* enum gd_live_state, of the guest from here on */
	char words[256];	/* why the guest failed */
	char release[64];
	gd_u32 version;		/* LINUX_VERSION_CODE */
	gd_u32 debug_vm;
	gd_u32 nr_gaps;
	char gaps[GD_LIVE_MAX_GAPS][64];
	gd_u32 nr_sites;
	struct gd_live_site sites[GD_LIVE_MAX_SITES];
	gd_u32 nr_user;
	struct gd_user user[GD_LIVE_MAX_USER];
	gd_u32 nr_calls;
	gd_u32 running;		/* the program that runs */
	gd_u32 done;		/* programs of the batch that were run */
	gd_u32 strays;		/* pages that changed and no operation had named */
	gd_u32 reply;
	gd_u32 request;		/* of the host from here on */
	gd_u32 nr;		/* programs in the batch */
};

struct gd_live_entry {
	struct gd_program prog;
	/* this operation is not run but is gap 0: it would not end */
	gd_u32 cut;
	/* of the guest: the trace; no records: there was no room, ask again */
	gd_u32 first;
	gd_u32 nr;
	gd_u32 pad;
};

#endif
