// SPDX-License-Identifier: GPL-2.0
/*
 * The probes on the running kernel. Each is on the first instruction of a
 * function and acts only while an operation runs; then the function returns at
 * once, with the answer of csrc/env. The empty post_handlers keep the probes
 * from being optimised into jumps, which could not redirect.
 */
#include <linux/bug.h>
#include <linux/kprobes.h>
#include <asm/linkage.h>

static struct gd_live_header *live_header;

extern void gd_live_ret(void);
asm(".pushsection .text\n"
    ".type gd_live_ret, @function\n"
    "gd_live_ret:\n"
    "\t" ASM_RET "\n"
    ".size gd_live_ret, . - gd_live_ret\n"
    ".popsection\n");

/* The probed function returns value. */
static int answer(struct pt_regs *regs, unsigned long value)
{
	regs->ax = value;
	instruction_pointer_set(regs, (unsigned long)gd_live_ret);
	return 1;
}

/* The trapped code continues in fn, as if it had called it. */
static void divert(struct pt_regs *trapped, void (*fn)(void))
{
	trapped->sp = ((trapped->sp - 256) & ~15ul) - 8;
	trapped->ip = (unsigned long)fn;
}

static void after_bug(void)
{
	gd_stop(GD_STOP_BUG);
}

static void after_oops(void)
{
	gd_stop(GD_STOP_OOPS);
}

/* ---- WARN, BUG and memory faults ---- */

static unsigned long site_address[GD_LIVE_MAX_SITES];

static void bug_place(struct bug_entry *bug, const char **file, unsigned int *line)
{
#if LIVE_BUG_PLACE
	live.bug_get_file_line(bug, file, line);
#elif defined(CONFIG_DEBUG_BUGVERBOSE)
	*file = (const char *)bug + bug->file_disp;
	*line = bug->line;
#endif
}

/* The number of a site: new ones get the next one. */
static u32 site_of(unsigned long address, struct bug_entry *bug)
{
	struct gd_live_site *site;
	const char *file = NULL;
	unsigned int line = 0;
	u32 i;

	for (i = 0; i < live_header->nr_sites; i++)
		if (site_address[i] == address)
			return i;
	if (i == GD_LIVE_MAX_SITES)
		return i - 1;
	site = &live_header->sites[i];
	bug_place(bug, &file, &line);
	strscpy(site->file, file ?: "", sizeof(site->file));
	snprintf(site->func, sizeof(site->func), "%ps", (void *)address);
	site->line = line;
	site->kind = bug->flags & BUGFLAG_WARNING ? GD_SITE_WARN : GD_SITE_BUG;
	site_address[i] = address;
	live_header->nr_sites = i + 1;
	return i;
}

static int on_bug(struct bug_entry *bug, struct pt_regs *trapped, struct pt_regs *regs)
{
	if (!bug)
		return 0;
	if (bug->flags & BUGFLAG_WARNING) {
		gd_record(GD_R_WARN)->c = site_of(trapped->ip, bug);
		/* reset the WARN_ONCEs that check a flag before they trap */
		if (IS_ENABLED(CONFIG_DEBUG_VM) && live.once_start)
			memset(live.once_start, 0, live.once_end - live.once_start);
	} else {
		gd_record(GD_R_BUG)->c = site_of(trapped->ip, bug);
		divert(trapped, after_bug);
		/* the caller steps over the trapping instruction */
		trapped->ip -= LEN_UD2;
	}
	return answer(regs, BUG_TRAP_TYPE_WARN);
}

static int on_report_bug(struct kprobe *p, struct pt_regs *regs)
{
	if (!gd.in_kernel)
		return 0;
	return on_bug(live.find_bug(regs->di), (struct pt_regs *)regs->si, regs);
}

/* A WARN with a message passes its entry, where there is such a function. */
static int on_report_bug_entry(struct kprobe *p, struct pt_regs *regs)
{
	if (!gd.in_kernel)
		return 0;
	return on_bug((struct bug_entry *)regs->di, (struct pt_regs *)regs->si, regs);
}

static int on_page_fault_oops(struct kprobe *p, struct pt_regs *regs)
{
	if (!gd.in_kernel)
		return 0;
	gd_record(GD_R_OOPS);
	divert((struct pt_regs *)regs->di, after_oops);
	/* tells the caller that it was handled */
	return answer(regs, 1);
}

/* messages about events that are recorded already */
static int on_message(struct kprobe *p, struct pt_regs *regs)
{
	return gd.in_kernel ? answer(regs, 0) : 0;
}

/* ---- calls into the rest of the kernel ---- */

static bool in_arena_now(const void *p)
{
	return gd.in_kernel && p >= (void *)gd.memmap &&
	       p < (void *)(gd.memmap + GD_NR_PAGES);
}

/* Calls with any page of a folio are recorded for its head. */
static struct page *called_with(struct pt_regs *regs)
{
	struct page *page = (struct page *)regs->di;

	return in_arena_now(page) ? compound_head(page) : NULL;
}

static int on_folio_put(struct kprobe *p, struct pt_regs *regs)
{
	struct page *page = (struct page *)regs->di;

	if (!in_arena_now(page))
		return 0;
	gd_call(GD_C_FOLIO_PUT, page);
	return answer(regs, 0);
}

static int on_folio_mark_dirty(struct kprobe *p, struct pt_regs *regs)
{
	struct page *page = called_with(regs);
	bool clean;

	if (!page)
		return 0;
	clean = !(port_flags(page) & 1ul << PG_dirty);
	gd_call(GD_C_FOLIO_MARK_DIRTY, page);
	*port_flag_word(page) |= 1ul << PG_dirty;
	return answer(regs, clean);
}

static int on_folio_lock(struct kprobe *p, struct pt_regs *regs)
{
	struct page *page = called_with(regs);

	if (!page)
		return 0;
	gd_call(GD_C_FOLIO_LOCK, page);
	return answer(regs, 0);
}

static int on_folio_unlock(struct kprobe *p, struct pt_regs *regs)
{
	struct page *page = called_with(regs);

	if (!page)
		return 0;
	gd_call(GD_C_FOLIO_UNLOCK, page);
	*port_flag_word(page) &= ~(1ul << PG_locked);
	return answer(regs, 0);
}

static void has_no_device_private(void)
{
	gd_gap(LIVE_GAP_DEVICE_PRIVATE);
}

static int on_wake_up_var(struct kprobe *p, struct pt_regs *regs)
{
	struct page *page = container_of((void *)regs->di, struct page, _refcount);

	if (!in_arena_now(page))
		return 0;
	/* without the option the driver is not called, and a waiter is woken instead */
	if (LIVE_DRIVER_FREES && !IS_ENABLED(CONFIG_DEVICE_PRIVATE) &&
	    port_pgmap(page) == &gd_pgmap[GD_K_DEV_PRIVATE]) {
		instruction_pointer_set(regs, (unsigned long)has_no_device_private);
		return 1;
	}
	gd_call(GD_C_WAKE_UP_VAR, page);
	return answer(regs, 0);
}

/* Stands for the call of the driver; the kernel has cleared the mapping before. */
static void driver_freed(struct page *page)
{
	gd_call(GD_C_FREE_DEVMAP_MANAGED, page);
}

static void after(struct kprobe *p, struct pt_regs *regs, unsigned long flags) {}

static struct kprobe probes[] = {
	{ .symbol_name = "report_bug", .pre_handler = on_report_bug },
#if LIVE_BUG_ENTRY
	{ .symbol_name = "report_bug_entry", .pre_handler = on_report_bug_entry },
#endif
	{ .symbol_name = LIVE_OOPS, .pre_handler = on_page_fault_oops },
	{ .symbol_name = LIVE_FOLIO_PUT, .pre_handler = on_folio_put },
	{ .symbol_name = LIVE_MARK_DIRTY, .pre_handler = on_folio_mark_dirty },
	{ .symbol_name = LIVE_LOCK, .pre_handler = on_folio_lock },
	{ .symbol_name = LIVE_UNLOCK, .pre_handler = on_folio_unlock },
	{ .symbol_name = "wake_up_var", .pre_handler = on_wake_up_var },
	{ .symbol_name = "dump_page", .pre_handler = on_message },
	{ .symbol_name = "__warn_printk", .pre_handler = on_message },
};

/* NULL, or the name of the function that cannot be probed */
static const char *live_probe(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		probes[i].post_handler = after;
		if (register_kprobe(&probes[i]))
			return probes[i].symbol_name;
	}
	return NULL;
}
