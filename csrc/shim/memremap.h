/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before mm/memremap.c: gives its get_dev_pagemap() another name, because
 * the script answers calls to it.
 */
#include <linux/memremap.h>

typeof(get_dev_pagemap) gd_real_get_dev_pagemap;
#define get_dev_pagemap gd_real_get_dev_pagemap
