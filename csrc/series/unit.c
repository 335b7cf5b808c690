// SPDX-License-Identifier: GPL-2.0
/*
 * The FOLL_PIN series in one unit: the code under test as posted, followed by
 * the operations, so that they can call the static functions.
 *
 * GD_SERIES is the version.  Written from the mails; not the original patches.
 */
#define GD_LOADS_INLINE
#include "../shim/loads.h"
#include "grab.c"
#include "unpin.c"
#include "follow.c"
#include "lockless.c"
#include "wrappers.c"
#include "ops.c"
