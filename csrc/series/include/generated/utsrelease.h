/* SPDX-License-Identifier: GPL-2.0 */
/* Shown as the release: the version, or the variant's name. */
#define UTS_RELEASE "FOLL_PIN series " GD_SERIES_NAME
