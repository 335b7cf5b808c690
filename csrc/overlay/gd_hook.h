/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The points at which the kernel's own code tells the harness what it does.
 * Included by the overlay headers below, before any kernel header, so it may
 * use nothing but the language.
 */
#ifndef GD_HOOK_H
#define GD_HOOK_H
#ifndef __ASSEMBLY__

extern unsigned long gd_memmap_end;

/* what is not mapped at address 0, and behind the arena and the tables */
#define GD_GUARD_SIZE (8ul << 20)

extern void gd_oops(void) __attribute__((noreturn));
extern void gd_update(const volatile void *p);
extern void gd_after(void);
extern unsigned char gd_pending;

/*
 * Would this access fault?  The answer is the same as the processor's (the
 * low pages and the guard are not mapped), but it costs two comparisons and
 * not a signal, and honggfuzz need not see it.
 *
 * What the hooks themselves load is loaded by hand here: the compiler has every
 * load of its own announced.
 */
static inline __attribute__((always_inline)) void gd_access(const volatile void *p)
{
	unsigned long a = (unsigned long)p, beyond;

	/* the lesser one of the distances from 0 and from the arena's end */
	__asm__("mov %1, %0\n\t"
		"sub %2, %0\n\t"
		"cmp %1, %0\n\t"
		"cmova %1, %0"
		: "=&r" (beyond) : "r" (a), "m" (gd_memmap_end) : "cc");
	if (__builtin_expect(beyond < GD_GUARD_SIZE, 0))
		gd_oops();
}

/* The same for an atomic read, which sees what follows the last update. */
static inline __attribute__((always_inline)) void gd_read(const volatile void *p)
{
	unsigned int pending;

	__asm__("movzbl %1, %0" : "=r" (pending) : "m" (gd_pending));
	if (__builtin_expect(pending, 0))
		gd_after();
	gd_access(p);
}

#endif
#endif
