/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The points at which the kernel's own code tells the harness what it does.
 * Included by the overlay headers below, before any kernel header, so it may
 * use nothing but the language.
 */
#ifndef GD_HOOK_H
#define GD_HOOK_H
#ifndef __ASSEMBLY__

/* the end of the arena, and of the guard behind it; the page tables */
extern unsigned long gd_memmap_end, gd_guard_end, gd_tables_start, gd_tables_end;

/* what is not mapped at address 0, and behind the arena and the tables */
#define GD_GUARD_SIZE (8ul << 20)

/*
 * What is called hardly ever, from very many places: it saves the registers, so
 * that the code under test need not keep them free for it.
 */
#define GD_RARELY __attribute__((__preserve_most__))

extern void gd_oops(void) __attribute__((noreturn));
extern void gd_update(const volatile void *p);
extern void gd_after(void) GD_RARELY;
extern void gd_stored_entry(const volatile void *p) GD_RARELY;
extern unsigned char gd_pending;

/*
 * Would this access fault?  The answer is the same as the processor's (the
 * low pages and the guard are not mapped), but it costs some comparisons and
 * not a signal, and honggfuzz need not see it.
 *
 * The comparisons are no business of the engines, and the loads are none of the
 * hook points: in assembly, the compiler does not see either of them.
 */
static inline __attribute__((always_inline)) void gd_access(const volatile void *p)
{
	__asm__ goto("cmp %1, %0\n\t"
		     "jb %l[oops]\n\t"
		     "cmp %2, %0\n\t"
		     "jb 1f\n\t"
		     "cmp %3, %0\n\t"
		     "jb %l[oops]\n"
		     "1:"
		     : : "r" (p), "i" (GD_GUARD_SIZE), "m" (gd_memmap_end), "m" (gd_guard_end)
		     : "cc" : oops);
	return;
oops:
	gd_oops();
}

/* The same for an atomic read, which sees what follows the last update. */
static inline __attribute__((always_inline)) void gd_read(const volatile void *p)
{
	__asm__ goto("cmpb $0, %0\n\t"
		     "jne %l[pending]"
		     : : "m" (gd_pending) : "cc" : pending);
	goto access;
pending:
	gd_after();
access:
	gd_access(p);
}

/* A store has been done: was it to an entry of a page table? */
static inline __attribute__((always_inline)) void gd_stored(const volatile void *p)
{
	__asm__ goto("cmp %1, %0\n\t"
		     "jb 1f\n\t"
		     "cmp %2, %0\n\t"
		     "jb %l[entry]\n"
		     "1:"
		     : : "r" (p), "m" (gd_tables_start), "m" (gd_tables_end)
		     : "cc" : entry);
	return;
entry:
	gd_stored_entry(p);
}

#endif
#endif
