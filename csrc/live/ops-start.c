// SPDX-License-Identifier: GPL-2.0
/* Where the table of operations begins: linked before module.c. */
asm(".pushsection gd_ops, \"a\"\n"
    ".balign 8\n"
    ".globl gd_ops_start\n"
    "gd_ops_start:\n"
    ".popsection\n");
