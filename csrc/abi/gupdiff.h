/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface between sides and gupdiff: programs and traces.
 *
 * A program is plain data of fixed size.  A trace is a flat array of 16-byte
 * records.  Two sides agree if their traces are equal byte for byte, so records
 * never contain what may legitimately differ (addresses, line numbers, kernel bit
 * numbers).
 *
 * This is the header to include; it includes one for each subject.
 */
#ifndef GUPDIFF_ABI_H
#define GUPDIFF_ABI_H

#include "types.h"
#include "world.h"
#include "program.h"
#include "trace.h"
#include "side.h"
#include "table.h"

#endif
