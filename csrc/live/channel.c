// SPDX-License-Identifier: GPL-2.0
/*
 * The memory shared with the host: the second BAR of QEMU's ivshmem-plain
 * device. There are no interrupts; both sides poll a number.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/pci.h>
#include <generated/utsrelease.h>

static const char *live_attach(void)
{
	struct pci_dev *dev = pci_get_device(0x1af4, 0x1110, NULL);

	if (!dev || pci_enable_device(dev))
		return "there is no ivshmem device";
	if (pci_resource_len(dev, 2) < GD_LIVE_SIZE)
		return "the shared memory is too small";
	live_header = memremap(pci_resource_start(dev, 2), GD_LIVE_SIZE, MEMREMAP_WB);
	if (!live_header)
		return "the shared memory cannot be mapped";
	if (live_header->magic != GD_LIVE_MAGIC)
		return "the host speaks another language";
	return NULL;
}

static void live_announce(void)
{
	int i;

	strscpy(live_header->release, UTS_RELEASE, sizeof(live_header->release));
	live_header->version = PORT_VERSION;
	live_header->debug_vm = IS_ENABLED(CONFIG_DEBUG_VM);
	live_header->nr_gaps = LIVE_NR_GAPS;
	for (i = 0; i < LIVE_NR_GAPS; i++)
		strscpy(live_header->gaps[i], live_gaps[i], sizeof(live_header->gaps[i]));
	smp_store_release(&live_header->state, GD_LIVE_READY);
}

static void run_one(struct gd_live_entry *entry, u32 *used)
{
	struct gd_rec *room = (void *)live_header + GD_LIVE_TRACES;
	struct gd_trace trace = { .rec = room + *used, .cap = GD_TRACE_CAPACITY };

	live_cut = entry->cut;
	gd_run(&entry->prog, &trace);
	entry->first = *used;
	entry->nr = trace.nr;
	*used += trace.nr;
	live_header->done++;
}

/*
 * Run programs that start with the same devmap_managed_key together: changing
 * it patches the kernel's code.
 */
static void run_batch(void)
{
	struct gd_live_entry *entries = (void *)live_header + GD_LIVE_ENTRIES;
	u32 nr = min_t(u32, live_header->nr, GD_LIVE_BATCH), used = 0, i, pass;
	u8 first = port_devmap_key() ? GD_W_DEVMAP_KEY : 0;

	live_header->done = 0;
	for (i = 0; i < nr; i++)
		entries[i].nr = 0;
	for (pass = 0; pass < 2; pass++) {
		u8 key = pass ? first ^ GD_W_DEVMAP_KEY : first;

		for (i = 0; i < nr; i++) {
			if ((entries[i].prog.world.state & GD_W_DEVMAP_KEY) != key)
				continue;
			if (used + GD_TRACE_CAPACITY > GD_LIVE_RECORDS)
				return;
			WRITE_ONCE(live_header->running, i);
			run_one(&entries[i], &used);
			cond_resched();
		}
	}
}

/*
 * No operation may change a page that its operands do not name. All pages are
 * checked only now and then, since that takes as long as some hundred programs.
 */
static void look_for_strays(u32 request)
{
	struct gd_shadow built, seen;
	u32 nr;

	if (live_header->nr < 512 || request % 8 != 1)
		return;
	for (nr = 0; nr < GD_NR_PAGES; nr++) {
		gd_new_shadow(&built, nr);
		take(&seen, gd.memmap + nr);
		if (same(&built, &seen))
			continue;
		live_header->strays++;
		build_page(nr);
		build_head(nr);
	}
}

/* Serve the host until the machine is switched off. */
static void live_serve(void)
{
	u64 last = ktime_get_ns();

	while (!signal_pending(current)) {
		u32 request = smp_load_acquire(&live_header->request);

		if (request != live_header->reply) {
			run_batch();
			look_for_strays(request);
			smp_store_release(&live_header->reply, request);
			last = ktime_get_ns();
		} else if (ktime_get_ns() - last < 2 * NSEC_PER_MSEC) {
			cpu_relax();
		} else {
			usleep_range(200, 400);
		}
	}
}
