// SPDX-License-Identifier: GPL-2.0
/*
 * Data: hugetlbfs with two page sizes, and a file of each.  The sizes are in
 * mm/hugetlb.c's own table, because the kernel looks them up there.
 */
#include "../shim/harness.h"

#ifdef CONFIG_HUGETLBFS
#include <linux/hugetlb.h>

static struct hugetlbfs_sb_info sb_info[] = { { .hstate = &hstates[0] }, { .hstate = &hstates[1] } };
static struct super_block super[] = { { .s_fs_info = &sb_info[0] }, { .s_fs_info = &sb_info[1] } };
static struct inode inode[] = {
	{ .i_size = GD_MEMFD_SIZE, .i_sb = &super[0] }, { .i_size = GD_MEMFD_SIZE, .i_sb = &super[1] },
};
static struct address_space space[] = { { .host = &inode[0] }, { .host = &inode[1] } };
static struct file mapped[] = {
	{ .f_inode = &inode[0], .f_mapping = &space[0] }, { .f_inode = &inode[1], .f_mapping = &space[1] },
};

struct inode *gd_hugetlb_inode(void)
{
	return &inode[0];
}

struct file *gd_hugetlb_file(bool gigantic)
{
	return &mapped[gigantic];
}

static void set_hstate(u32 i, unsigned int shift)
{
	hstates[i].order = shift - PAGE_SHIFT;
	hstates[i].mask = ~((1ul << shift) - 1);
}

void gd_hugetlb_init(void)
{
	set_hstate(0, PMD_SHIFT);
	set_hstate(1, PUD_SHIFT);
	hugetlb_max_hstate = 2;
}
#else
void gd_hugetlb_init(void)
{
}
#endif
