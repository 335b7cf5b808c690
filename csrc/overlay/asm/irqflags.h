/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Overlay: cli, sti and popf cannot run in user mode.  The real header is
 * included with its entry points renamed away; the interrupt flag becomes a
 * variable of the world.
 */
#ifndef GD_IRQFLAGS_H
#define GD_IRQFLAGS_H
#define arch_local_save_flags		gd_hw_local_save_flags
#define arch_local_irq_disable		gd_hw_local_irq_disable
#define arch_local_irq_enable		gd_hw_local_irq_enable
#define arch_local_irq_save		gd_hw_local_irq_save
#define arch_local_irq_restore		gd_hw_local_irq_restore
#define arch_irqs_disabled_flags	gd_hw_irqs_disabled_flags
#define arch_irqs_disabled		gd_hw_irqs_disabled
#include_next <asm/irqflags.h>
#undef arch_local_save_flags
#undef arch_local_irq_disable
#undef arch_local_irq_enable
#undef arch_local_irq_save
#undef arch_local_irq_restore
#undef arch_irqs_disabled_flags
#undef arch_irqs_disabled
#ifndef __ASSEMBLY__
#define GD_EFLAGS_IF 0x200ul
extern unsigned long gd_eflags;

static __always_inline unsigned long arch_local_save_flags(void)
{
	return gd_eflags;
}

static __always_inline void arch_local_irq_disable(void)
{
	gd_eflags &= ~GD_EFLAGS_IF;
}

static __always_inline void arch_local_irq_enable(void)
{
	gd_eflags |= GD_EFLAGS_IF;
}

static __always_inline unsigned long arch_local_irq_save(void)
{
	unsigned long flags = arch_local_save_flags();

	arch_local_irq_disable();
	return flags;
}

static __always_inline int arch_irqs_disabled_flags(unsigned long flags)
{
	return !(flags & GD_EFLAGS_IF);
}

static __always_inline int arch_irqs_disabled(void)
{
	return arch_irqs_disabled_flags(arch_local_save_flags());
}

static __always_inline void arch_local_irq_restore(unsigned long flags)
{
	if (!arch_irqs_disabled_flags(flags))
		arch_local_irq_enable();
}
#endif
#endif
