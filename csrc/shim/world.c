// SPDX-License-Identifier: GPL-2.0
/*
 * The world of a program and its changes: raw writes of what the program
 * declares.  No mm semantics are applied; for example, the program itself gives
 * the counts after a split.
 */
#include "harness.h"
#include "flags.h"
#include "port/mapping.h"

static bool is_device(u8 kind)
{
	return kind >= GD_K_DEV_PRIVATE;
}

static void touch(const struct page *page)
{
	gd_touch(gd_nr(page));
}

static void set_ref(struct page *page, int value)
{
	page->_refcount.counter = value;
	touch(page);
}

/* In a folio without a pin count, a pin is 1024 references. */
static void set_pin(struct page *head, int value)
{
	if (!port_has_pincount(head))
		return;
	port_pincount(head)->counter = value;
	touch(head);
	touch(head + PORT_PINCOUNT_PAGE);
}

static void set_mapping(struct page *head, u32 class)
{
	/* without the bit it is a pointer to an address_space */
	if (class == GD_M_MOVABLE && !PORT_SAYS_MOVABLE)
		class = GD_M_FILE;
	head->mapping = class == GD_M_NONE ? NULL :
		(void *)((unsigned long)&gd_space[class] | port_mapping_bits(class));
	touch(head);
}

u8 gd_migratetype[GD_NR_SLOTS];
static u32 blocks[GD_MAX_FOLIOS + GD_MAX_OPS];	/* the slots whose type is not 0 */

/* Both pageblocks of a slot. */
static void set_pageblock(u32 slot, u8 migratetype)
{
	gd_migratetype[slot] = migratetype;
	blocks[gd.nr_blocks++] = slot;
}

static void forget_pageblocks(void)
{
	while (gd.nr_blocks)
		gd_migratetype[blocks[--gd.nr_blocks]] = 0;
}

static u32 order_of(struct page *head)
{
	return PageHead(head) ? compound_order(head) : 0;
}

/*
 * Make 1 << order pages one plain folio (not hugetlb or slab any more), or one
 * page a folio of its own.
 */
static void form_folio(struct page *head, u32 order)
{
	u32 i;

	head->_mapcount.counter = -1;
	*port_flag_word(head) &= ~PORT_SLAB_FLAG;
	if (!order) {
		if (PageHead(head))
			port_unform_head(head);
		*port_flag_word(head) &= ~(1ul << PG_head);
		port_unlink_tail(head);
		touch(head);
		return;
	}
	*port_flag_word(head) |= 1ul << PG_head;
	port_unlink_tail(head);
	touch(head);
	for (i = 1; i < 1u << order; i++) {
		struct page *page = head + i;

		*port_flag_word(page) &= ~tail_bits;
		port_form_tail(head, order, i);
		page->_refcount.counter = 0;
		touch(page);
	}
	port_form_head(head, order);
}

/* ---- set-up ---- */

u32 gd_pkru;

u8 gd_world_state(void)
{
	return (arch_irqs_disabled() ? 0 : GD_W_IRQS_ON) |
	       (port_has_pinned(&gd_mm) ? GD_W_HAS_PINNED : 0) |
	       (port_has_pinned(&gd_other_mm) ? GD_W_HAS_PINNED_2 : 0) |
	       (port_devmap_key() ? GD_W_DEVMAP_KEY : 0);
}

static void set_state(u8 state)
{
	gd_eflags = state & GD_W_IRQS_ON ? GD_EFLAGS_IF : 0;
	port_set_has_pinned(&gd_mm, state & GD_W_HAS_PINNED);
	port_set_has_pinned(&gd_other_mm, state & GD_W_HAS_PINNED_2);
	gd_set_devmap_key(state & GD_W_DEVMAP_KEY);
}

static u32 slot_for(const struct gd_folio *f, u32 index)
{
	u32 template = is_device(f->kind) ? GD_T_DEVICE :
		       2 * f->movable + f->exclusive;

	return slot_of(template, f->order, index);
}

static void setup_kind(struct page *head, const struct gd_folio *f, bool *zero, bool *huge_zero)
{
	switch (f->kind) {
	case GD_K_HUGETLB:
		port_set_hugetlb(head);
		break;
	case GD_K_SLAB:
		port_set_slab(head);
		break;
	case GD_K_ZERO:
		if (!*zero)
			gd_set_zero_page(head);
		*zero = true;
		break;
	case GD_K_HUGE_ZERO:
		if (!*huge_zero)
			gd_set_huge_zero_page(head);
		*huge_zero = true;
		break;
	}
	if (is_device(f->kind))
		port_set_pgmap(head, &gd_pgmap[f->kind]);
}

static void setup_folio(u32 i, bool *zero, bool *huge_zero)
{
	const struct gd_folio *f = &gd.prog->folio[i];
	u32 slot = gd.base[i] >> GD_SLOT_SHIFT, left;
	struct page *head = head_of_slot(slot);

	set_pageblock(slot, f->migratetype);
	for (left = f->flags; left; left &= left - 1)
		*port_flag_word(head) |= flag_mask[__builtin_ctz(left)];
	set_mapping(head, f->mapping);
	set_ref(head, f->ref);
	if (f->order)
		set_pin(head, f->pin);
	setup_kind(head, f, zero, huge_zero);
	gd_shadow_take(gd_nr(head));
}

void gd_world_setup(void)
{
	const struct gd_world *w = &gd.prog->world;
	bool zero = false, huge_zero = false;
	u32 i;

	gd_env_reset();
	forget_pageblocks();
	set_state(w->state);
	gd_pkru = w->pkru;
	gd_mm.write_protect_seq.sequence = w->seq;
	/* prefetch: the slots are too far apart for the cache to hold many heads */
	for (i = 0; i < w->nr_folios; i++) {
		gd.base[i] = slot_for(&gd.prog->folio[i], i) << GD_SLOT_SHIFT;
		__builtin_prefetch(gd.memmap + gd.base[i]);
		__builtin_prefetch(gd.memmap + gd.base[i] + 1);
		__builtin_prefetch(gd.scratch->index + gd.base[i]);
	}
	for (i = 0; i < w->nr_folios; i++)
		setup_folio(i, &zero, &huge_zero);
	gd.state = gd_world_state();
	gd.acquired = gd.released = 0;
	gd.isolated[0] = gd.isolated[1] = 0;
}

/* Page k of a run; it is recorded as touched. */
struct page *gd_operand(struct gd_run run, u32 k)
{
	u32 i = run.page >> GD_RUN_SHIFT, offset = (run.page & GD_RUN_OFFSET) + k;
	struct page *page;
	u32 nr;

	if (i == GD_I_NULL)
		return NULL;
	if (i >= GD_MAX_FOLIOS)
		return gd.poison;
	nr = gd.base[i] + offset;
	if (nr >= GD_NR_PAGES)
		return gd.poison;
	page = gd.memmap + nr;
	/* tail pages of ZONE_DEVICE folios have no pgmap of their own */
	if (port_is_tail(page) && is_zone_device_page(page))
		page = compound_head(page);
	gd_touch(gd_nr(page));
	return page;
}

/* ---- changes ---- */

#define WORLD(role)	static void w_##role(const struct gd_op *op, struct gd_rec *ret)

static struct page *w_page(const struct gd_op *op)
{
	struct page *page = gd_operand(op->run[0], 0);

	return gd_in_arena(page) ? page : NULL;
}

static struct page *w_head(const struct gd_op *op)
{
	struct page *page = w_page(op);

	if (page && port_is_tail(page)) {
		page = port_head_of(page);
		touch(page);
	}
	return page;
}

WORLD(SET_REF)
{
	struct page *page = w_page(op);

	if (page)
		set_ref(page, op->val);
}

WORLD(SET_PIN)
{
	struct page *head = w_head(op);

	if (head && PageHead(head))
		set_pin(head, op->val);
}

static void change_flag(const struct gd_op *op, bool set)
{
	struct page *page = w_page(op);
	u32 flag = op->arg % GD_NR_FLAGS;
	unsigned long bit = flag_mask[flag];

	if (!page || flag == GD_F_HEAD ||
	    (port_is_tail(page) && bit & tail_bits))
		return;
	if (set)
		*port_flag_word(page) |= bit;
	else
		*port_flag_word(page) &= ~bit;
}

WORLD(SET_FLAG)		{ change_flag(op, true); }
WORLD(CLEAR_FLAG)	{ change_flag(op, false); }

WORLD(SET_MAPPING)
{
	struct page *head = w_head(op);

	if (head)
		set_mapping(head, op->arg % GD_NR_MAPPINGS);
}

/*
 * A folio on a list has the list's links in the word in which tails link to
 * their head, so its order must not change until it is off the list.
 */
WORLD(SPLIT)
{
	struct page *head = w_head(op);
	u32 order, to = op->arg, i;
	void *mapping;

	if (!head || is_zone_device_page(head) || gd_isolated())
		return;
	order = order_of(head);
	if (to >= order)
		return;
	mapping = head->mapping;
	for (i = 0; i < 1u << order; i += 1u << to) {
		struct page *piece = head + i;

		/* the low byte of the first tail belongs to the folio */
		if (i)
			*port_flag_word(piece) &= ~tail_bits;
		form_folio(piece, to);
		piece->mapping = mapping;
		set_ref(piece, i ? op->n : op->val);
	}
}

WORLD(MERGE)
{
	u32 i = op->run[0].page >> GD_RUN_SHIFT, order;
	struct page *head;

	if (i >= GD_MAX_FOLIOS || is_device(gd.prog->folio[i].kind) || gd_isolated())
		return;
	order = gd.prog->folio[i].order;
	head = gd.memmap + gd.base[i];
	if (!order || order_of(head) == order)
		return;
	form_folio(head, order);
	set_ref(head, op->val);
	set_pin(head, op->n);
}

WORLD(REUSE)
{
	struct page *head = w_head(op);
	u32 bit;

	if (!head)
		return;
	for (bit = 0; bit < GD_NR_FLAGS; bit++)
		if (bit != GD_F_HEAD)
			*port_flag_word(head) &= ~flag_mask[bit];
	set_mapping(head, op->arg % GD_NR_MAPPINGS);
	set_ref(head, op->val);
	if (PageHead(head))
		set_pin(head, 0);
}

WORLD(SET_PAGEBLOCK)
{
	struct page *page = w_page(op);

	if (page)
		set_pageblock(gd_nr(page) >> GD_SLOT_SHIFT, op->arg % GD_NR_MIGRATETYPES);
}

WORLD(SET_IRQS)		{ gd_eflags = op->arg & 1 ? GD_EFLAGS_IF : 0; }
WORLD(SET_HAS_PINNED)	{ port_set_has_pinned(op_mm(op), op->arg & 1); }
WORLD(SET_SEQ)		{ gd_mm.write_protect_seq.sequence = op->val; }
WORLD(SET_DEVMAP_KEY)	{ gd_set_devmap_key(op->arg & 1); }
/* Only change the link, which cannot be a mask: the rest of the page stays. */
WORLD(SET_TAIL)
{
	struct page *page = w_page(op), *to = gd_operand(op->run[1], 0);

	if (!page || !gd_in_arena(to) || gd_isolated())
		return;
	if (port_is_tail(to))
		to = port_head_of(to);
	if (page == to || is_zone_device_page(page) || is_zone_device_page(to))
		return;
	port_link_tail(page, to, 0);
	touch(page);
}

#if GD_TABLES
WORLD(SET_PTE)		{ gd_set_entries(op, GD_L_PTE); }
WORLD(SET_PMD)		{ gd_set_entries(op, GD_L_PMD); }
WORLD(SET_PUD)		{ gd_set_entries(op, GD_L_PUD); }
WORLD(SET_PGD)		{ gd_set_entries(op, GD_L_PGD); }
WORLD(ANSWER)		{ gd_set_answer(op->val); }
WORLD(SET_VMA)		{ gd_set_vma(op); }
WORLD(SET_SIGNAL)	{ gd_set_signal(op->arg % GD_NR_SIGNALS); }
WORLD(SET_CACHE)	{ gd_set_cache(op, gd_operand(op->run[0], 0)); }
#else
/* there are no page tables, and this is never called */
WORLD(SET_PTE)		{}
WORLD(SET_PMD)		{}
WORLD(SET_PUD)		{}
WORLD(SET_PGD)		{}
WORLD(ANSWER)		{}
WORLD(SET_VMA)		{}
WORLD(SET_SIGNAL)	{}
WORLD(SET_CACHE)	{}
#endif

static const gd_op_fn world_ops[256] = {
#define GD_OP(id, role, layer, operands, effect, result, names, help)
#define GD_CHANGE(id, role, layer, operands, part, name, help) [id] = w_##role,
#include "ops.h"
};

/* The world change with this id; NULL if there is none, or this kernel lacks it. */
gd_op_fn gd_world_op(u32 id)
{
	if (id == GD_OP_SET_TAIL && PORT_TAIL_MASKS)
		return NULL;
	return world_ops[id];
}
