/* SPDX-License-Identifier: MIT */
/*
 * xenpmu_op and mca: refused, named so that a trace can name them.
 */
#ifndef PV_XENPMU_H
#define PV_XENPMU_H

#define XENPMU_mode_get    0
#define XENPMU_mode_set    1
#define XENPMU_feature_get 2
#define XENPMU_feature_set 3
#define XENPMU_init        4
#define XENPMU_finish      5
#define XENPMU_lvtpc_set   6
#define XENPMU_flush       7

#endif /* PV_XENPMU_H */
