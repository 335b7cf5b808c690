// SPDX-License-Identifier: GPL-2.0
/*
 * The FOLL_PIN series in one unit, as it was posted: the code under test, with
 * the operations behind it, so that they reach the static functions.
 *
 * GD_SERIES is the version.  Written after what the mails say; not the patches.
 */
#define GD_LOADS_INLINE
#include "../shim/loads.h"
#include "grab.c"
#include "unpin.c"
#include "follow.c"
#include "lockless.c"
#include "wrappers.c"
#include "ops.c"
