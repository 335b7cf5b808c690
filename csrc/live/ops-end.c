// SPDX-License-Identifier: GPL-2.0
/* Where the table of operations ends: linked after module.c. */
asm(".pushsection gd_ops, \"a\"\n"
    ".balign 8\n"
    ".globl gd_ops_end\n"
    "gd_ops_end:\n"
    ".popsection\n");
