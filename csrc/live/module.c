// SPDX-License-Identifier: GPL-2.0
/*
 * The C side inside a running kernel: the harness of csrc/shim compiled as a
 * module, which calls the kernel's own functions instead of a compiled gup.c.
 *
 * The arena is made of real struct pages for memory that does not exist: a
 * range of physical addresses above all RAM is registered as device memory, so
 * that it gets a memmap; nothing else uses it.
 */
#include "names.h"
#include "../shim/harness.h"
#include <linux/module.h>
#include <linux/miscdevice.h>
#include <linux/vmalloc.h>
#include <live.h>

#include "symbols.h"
#include "symbols.c"
#include "env.c"
#define arch_irqs_disabled()	(!(gd_eflags & GD_EFLAGS_IF))
#include "../shim/arena.c"
#include "../shim/trace.c"
#include "../shim/world.c"
#include "../shim/operands.c"
#undef arch_irqs_disabled
#include "pageblocks.c"
#include "guard.c"
#include "probes.c"
#include "ops.c"
#include "beyond.c"
#include "../shim/kernel.c"
#include "channel.c"
#include "user.c"
#include "record.c"

/* No machine that we start has memory here. */
#define ARENA_START	(1ull << 38)
#define ARENA_SIZE	((u64)GD_NR_PAGES << PAGE_SHIFT)

static struct dev_pagemap arena_map = {
	.type = MEMORY_DEVICE_GENERIC,
	.nr_range = 1,
	.range = { .start = ARENA_START, .end = ARENA_START + ARENA_SIZE - 1 },
};

static const char *live_arena(void)
{
	void *list, *scratch;
	u8 byte;

	if (IS_ERR(memremap_pages(&arena_map, 0)))
		return "the arena cannot be created";
	list = vmalloc(GD_MAX_LIST * sizeof(struct page *));
	scratch = vzalloc(sizeof(struct gd_scratch));
	if (!list || !scratch)
		return "out of memory";
	/* no page is in use yet */
	memset(pfn_to_page(ARENA_START >> PAGE_SHIFT), 0, GD_NR_PAGES * sizeof(struct page));
	gd_init(pfn_to_page(ARENA_START >> PAGE_SHIFT), list, NULL, scratch);
	live_init_blocks();
	if (!copy_from_kernel_nofault(&byte, gd.memmap + GD_NR_PAGES, 1) ||
	    !copy_from_kernel_nofault(&byte, gd.list + GD_MAX_LIST, 1))
		return "an access beyond the arena does not fault";
	return NULL;
}

static long live_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == GD_LIVE_USER)
		return live_user((struct gd_user __user *)arg);
	if (cmd == GD_LIVE_RECORD)
		return live_record((struct gd_recording __user *)arg);
	live_announce();
	live_serve();
	return -EINTR;
}

static const struct file_operations live_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = live_ioctl,
};

static struct miscdevice live_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "gupdiff",
	.fops = &live_fops,
};

static int __init live_init(void)
{
	const char *wrong = live_attach();
	const char *what = "";

	if (wrong) {
		pr_err("gupdiff: %s\n", wrong);
		return -ENODEV;
	}
	wrong = live_find_symbols();
	if (wrong) {
		what = "the kernel has no ";
	} else {
		wrong = live_arena();
		if (!wrong) {
			wrong = live_probe();
			if (!wrong && register_kretprobe(&fault_probe))
				wrong = fault_probe.kp.symbol_name;
			what = wrong ? "a probe cannot be set on " : "";
		}
	}
	if (!wrong && misc_register(&live_device))
		wrong = "the device cannot be registered";
	if (wrong) {
		snprintf(live_header->words, sizeof(live_header->words), "%s%s", what, wrong);
		smp_store_release(&live_header->state, GD_LIVE_FAILED);
		return -ENODEV;
	}
	return 0;
}

module_init(live_init);
MODULE_DESCRIPTION("runs gupdiff's programs");
MODULE_LICENSE("GPL");
