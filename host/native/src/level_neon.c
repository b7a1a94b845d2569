/* NEON without dot products: 64-bit ARM of the first generation (Cortex-A53) and 32-bit ARM
 * (Cortex-A9). */
#include "levels.h"

#if defined(__aarch64__) || defined(__ARM_FP)
#if defined(__arm__) && !defined(__ARM_NEON)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("neon"))), apply_to = function)
#else
#pragma GCC target("fpu=neon")
#endif
#endif
#include <arm_neon.h>
#include <string.h>

#include "operations.h"

#include "level_neon.h"

static inline Sums dot(Sums sums, Bytes weights, Bytes codes) {
    /* Two products of 128 * 127 fit 16 bits. */
    int16x8_t pairs = vmull_s8(vget_low_s8(weights), vget_low_s8(codes));
    pairs = vmlal_s8(pairs, vget_high_s8(weights), vget_high_s8(codes));
    return vpadalq_s16(sums, pairs);
}

#include "matvec.h"

static int supported(void) { return cpu_has(CPU_NEON); }

LEVEL_TABLE(level_neon, "neon")
#if defined(__clang__) && defined(__arm__) && !defined(__ARM_NEON)
#pragma clang attribute pop
#endif
#endif
