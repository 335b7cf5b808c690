// SPDX-License-Identifier: GPL-2.0
/*
 * What objects with an engine's coverage call, where there is no engine: for
 * `gupdiff stability`, which runs all of them in one process, and for `gupdiff
 * cmin`, which asks how often each edge was taken.
 */
#define NOTHING(name) void __sanitizer_cov_##name(void) {}

NOTHING(8bit_counters_init)
NOTHING(pcs_init)
NOTHING(trace_pc_guard_init)
NOTHING(trace_pc_indir)
NOTHING(trace_switch)
NOTHING(trace_cmp1)
NOTHING(trace_cmp2)
NOTHING(trace_cmp4)
NOTHING(trace_cmp8)
NOTHING(trace_const_cmp1)
NOTHING(trace_const_cmp2)
NOTHING(trace_const_cmp4)
NOTHING(trace_const_cmp8)
NOTHING(trace_div4)
NOTHING(trace_div8)

void __sanitizer_cov_trace_pc_guard(unsigned int *guard);
void __sanitizer_cov_trace_pc_guard(unsigned int *guard)
{
	++*guard;
}
