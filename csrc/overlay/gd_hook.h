/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hooks through which the kernel's code reports its accesses to the harness.
 * The overlay headers below include it before any kernel header, so it must not
 * use any.
 */
#ifndef GD_HOOK_H
#define GD_HOOK_H
#ifndef __ASSEMBLY__

/* the end of the arena and of the guard after it; the page tables */
extern unsigned long gd_memmap_end, gd_guard_end, gd_tables_start, gd_tables_end;

/* unmapped memory at address 0, after the arena and after the tables */
#define GD_GUARD_SIZE (8ul << 20)

/*
 * For functions that are called very rarely, from very many places: they save
 * the registers, so that the code under test need not do so.
 */
#define GD_RARELY __attribute__((__preserve_most__))

extern void gd_oops(void) __attribute__((noreturn));
extern void gd_update(const volatile void *p);
extern void gd_after(void) GD_RARELY;
extern void gd_stored_entry(const volatile void *p) GD_RARELY;
extern unsigned char gd_pending;
extern int gd_rcu_nesting;	/* open RCU read-side critical sections */

/* In assembly, so that they are neither instrumented nor hook points. */
static inline __attribute__((always_inline)) void gd_rcu_read_lock(void)
{
	__asm__ volatile("incl %0" : "+m" (gd_rcu_nesting) : : "cc", "memory");
}

static inline __attribute__((always_inline)) void gd_rcu_read_unlock(void)
{
	__asm__ volatile("decl %0" : "+m" (gd_rcu_nesting) : : "cc", "memory");
}

/*
 * Would this access fault?  The answer is the same as the processor's (the low
 * pages and the guard are unmapped), but it costs a few comparisons instead of
 * a signal, and honggfuzz does not notice it.
 *
 * It is written in assembly, so that the compiler does not instrument the
 * comparisons for the engines, nor the loads as hook points.
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

/* The same for an atomic read, which first handles a pending update. */
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

/* After a store: was it to a page-table entry? */
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
