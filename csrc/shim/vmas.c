// SPDX-License-Identifier: GPL-2.0
/*
 * VMAs that the program declares, and how the kernel finds them.  The kernel
 * uses a tree; here there are so few that a linear search is enough.
 */
#include "harness.h"
#include "port/slow.h"

struct vm_area_struct gd_vmas[GD_MAX_VMAS];
static bool is_gate[GD_MAX_VMAS];

/*
 * A VMA's kind is determined by its file and its vm_ops.  All but one of these
 * can fault; a file system with page_mkwrite() tracks writes.
 */
static vm_fault_t fault(struct vm_fault *vmf)
{
	return 0;
}

static const struct vm_operations_struct file_ops = { .fault = fault, .page_mkwrite = fault };
static const struct vm_operations_struct other_ops = { .fault = fault };
static const struct vm_operations_struct secretmem_ops = { .fault = fault };
static const struct vm_operations_struct special_ops;
static const struct vm_operations_struct *const ops[GD_NR_VMA_KINDS] = {
	[GD_V_FILE] = &file_ops, [GD_V_SHMEM] = &other_ops, [GD_V_SPECIAL] = &special_ops,
	[GD_V_SECRETMEM] = &secretmem_ops, [GD_V_FSDAX] = &other_ops,
	[GD_V_HUGETLB] = &other_ops, [GD_V_HUGETLB_1G] = &other_ops,
};

static struct inode plain_inode, dax_inode = { .i_flags = S_DAX };
static struct address_space plain_space = { .host = &plain_inode };
static struct address_space dax_space = { .host = &dax_inode };
static struct file plain_file = { .f_inode = &plain_inode, .f_mapping = &plain_space };
static struct file dax_file = { .f_inode = &dax_inode, .f_mapping = &dax_space };

static struct file *file_of(u8 kind)
{
	switch (kind) {
	case GD_V_FILE:
	case GD_V_SHMEM:
	case GD_V_SECRETMEM:
		return &plain_file;
	case GD_V_FSDAX:
		return &dax_file;
#ifdef CONFIG_HUGETLBFS
	case GD_V_HUGETLB:
	case GD_V_HUGETLB_1G:
		return gd_hugetlb_file(kind == GD_V_HUGETLB_1G);
#endif
	}
	return NULL;
}

/* a kernel without hugetlbfs uses plain ones instead */
static bool is_hugetlb(u8 kind)
{
	return IS_ENABLED(CONFIG_HUGETLBFS) && (kind == GD_V_HUGETLB || kind == GD_V_HUGETLB_1G);
}

u8 gd_vma_nr(const struct vm_area_struct *vma)
{
	return vma - gd_vmas;
}

/* The VMA of the same mm that comes next, by address and then by number. */
static struct vm_area_struct *next_of(const struct vm_area_struct *vma)
{
	struct vm_area_struct *next = NULL;
	u32 left;

	for (left = gd.vmas; left; left &= left - 1) {
		u32 i = __builtin_ctz(left);
		struct vm_area_struct *other = &gd_vmas[i];
		bool behind = other->vm_start > vma->vm_start ||
			      (other->vm_start == vma->vm_start && other > vma);

		if (behind && !is_gate[i] && other->vm_mm == vma->vm_mm &&
		    (!next || other->vm_start < next->vm_start))
			next = other;
	}
	return next;
}

/* Also of those that were removed: code may still be at one. */
void gd_link_vmas(void)
{
	u32 i;

	for (i = 0; i < GD_MAX_VMAS; i++)
		port_set_next_vma(&gd_vmas[i], next_of(&gd_vmas[i]));
}

/* A removed VMA keeps its contents for code that still uses it. */
static void set_vma(const struct gd_op *op)
{
	u32 i = op->arg % GD_MAX_VMAS, kind = op->entry % GD_NR_VMA_KINDS;
	struct vm_area_struct *vma = &gd_vmas[i];

	gd.vmas &= ~(1u << i);
	if (op->n <= 0)
		return;
	vma->vm_mm = op_mm(op);
	vma->vm_start = op->addr & PAGE_MASK;
	vma->vm_end = vma->vm_start + ((unsigned long)op->n << PAGE_SHIFT);
	vma->vm_ops = ops[kind];
	vma->vm_file = file_of(kind);
	port_set_vm_flags(vma, gd_kernel_flags(port_vm_flag, GD_NR_VM_FLAGS, op->val) |
			       (is_hugetlb(kind) ? VM_HUGETLB : 0));
	port_set_vma_lock(vma, i, is_hugetlb(kind) && vma->vm_flags & VM_MAYSHARE);
	is_gate[i] = kind == GD_V_GATE;
	gd.vmas |= 1u << i;
}

/* Changes by other tasks: they wait for the mmap lock. */
static const struct gd_op *waiting[GD_MAX_ACTS];
static u32 nr_waiting;

void gd_change_vmas(void)
{
	u32 i;

	if (!nr_waiting || gd_locks_held() & (GD_RB_MMAP | GD_RB_MMAP_2))
		return;
	for (i = 0; i < nr_waiting; i++)
		set_vma(waiting[i]);
	nr_waiting = 0;
	gd_vmas_have_changed();
	gd_link_vmas();
}

void gd_set_vma(const struct gd_op *op)
{
	waiting[nr_waiting++] = op;
	gd_change_vmas();
}

static struct vm_area_struct *find(const struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *found = NULL;
	u32 left;

	for (left = gd.vmas; left; left &= left - 1) {
		u32 i = __builtin_ctz(left);
		struct vm_area_struct *vma = &gd_vmas[i];

		if (!is_gate[i] && vma->vm_mm == mm && vma->vm_end > addr &&
		    (!found || vma->vm_start < found->vm_start))
			found = vma;
	}
	return found;
}

/* ---- what the kernel calls ---- */

struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)
{
	return find(mm, addr);
}

#ifdef PORT_HAS_FIND_VMA_INTERSECTION
struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, unsigned long start,
					     unsigned long end)
{
	struct vm_area_struct *vma = find(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}

/* vma_lookup() */
void *mtree_load(struct maple_tree *mt, unsigned long addr)
{
	struct vm_area_struct *vma = find(container_of(mt, struct mm_struct, mm_mt), addr);

	return vma && vma->vm_start <= addr ? vma : NULL;
}
#endif

#ifdef __HAVE_ARCH_GATE_AREA
/*
 * The gate area is not among the VMAs of the mm, which may have none; it is the first VMA of
 * that kind.
 */
static struct vm_area_struct *find_gate(const struct mm_struct *mm)
{
	u32 left;

	for (left = gd.vmas; left; left &= left - 1) {
		u32 i = __builtin_ctz(left);

		if (is_gate[i] && gd_vmas[i].vm_mm == mm)
			return &gd_vmas[i];
	}
	return NULL;
}

int in_gate_area(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = find_gate(mm);

	return vma && addr >= vma->vm_start && addr < vma->vm_end;
}

struct vm_area_struct *get_gate_vma(struct mm_struct *mm)
{
	return find_gate(mm);
}

#endif

#ifdef CONFIG_SECRETMEM
bool vma_is_secretmem(struct vm_area_struct *vma)
{
	return vma->vm_ops == &secretmem_ops;
}
#endif

bool vma_needs_dirty_tracking(struct vm_area_struct *vma)
{
	return vma->vm_ops == &file_ops &&
	       (vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED);
}

/* ---- signals ---- */

void gd_set_signal(u32 signal)
{
	sigset_t *pending = &gd_current->pending.signal;
	unsigned long *flags = (unsigned long *)&gd_current->thread_info.flags;

	*flags &= ~(1ul << TIF_SIGPENDING);
	sigemptyset(pending);
	if (signal == GD_SIG_NONE)
		return;
	*flags |= 1ul << TIF_SIGPENDING;
	sigaddset(pending, signal == GD_SIG_KILL ? SIGKILL : SIGUSR1);
}

void gd_vmas_reset(void)
{
	gd.vmas = 0;
	nr_waiting = 0;
	gd_set_signal(GD_SIG_NONE);
	gd_current->flags = 0;
	gd_drop_locks();
	gd_pass_time();
	gd_cache_reset();
}
