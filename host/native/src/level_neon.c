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

/* A product of bytes has 16 bits, in which sums stay as long as that is exact: with digits of at most d, a
 * step adds 127 * d at most, so that n steps need 127 * d * n <= 32767. */
#define FIELD_STEPS 32 /* d = 8: a digit left at bit 2 */
#define TILE_STEPS 64  /* d = 2 */
#define SETS 1
#define TILE_FIELDS 2
#if defined(__aarch64__)
#define AT_ONCE 2 /* of 32 registers */
#define TILE_TOKENS 4
#else
#define AT_ONCE 1 /* of 16 */
#define TILE_TOKENS 2
#endif

typedef int8x8_t Spread;
typedef struct {
    int16x8_t low, high;
} Sums;

static inline Spread spread(const int8_t *codes) {
    return vreinterpret_s8_s32(vdup_n_s32(four_codes(codes)));
}
static inline Sums no_sums(void) { return (Sums){vdupq_n_s16(0), vdupq_n_s16(0)}; }
static inline Sums multiply_add(Sums sums, Digits digits, Spread codes) {
    int8x16_t d = vreinterpretq_s8_u8(digits);
    sums.low = vmlal_s8(sums.low, vget_low_s8(d), codes);
    sums.high = vmlal_s8(sums.high, vget_high_s8(d), codes);
    return sums;
}
static inline int32x2_t row_pair(int16x8_t sums) {
    int32x4_t pairs = vpaddlq_s16(sums);
    return vpadd_s32(vget_low_s32(pairs), vget_high_s32(pairs));
}
static inline Rows widened(Sums sums) { return vcombine_s32(row_pair(sums.low), row_pair(sums.high)); }
static inline Digits field(Digits w, int k) { return k == 1 ? vandq_u8(w, vdupq_n_u8(12)) : digits(w, k); }
static inline int field_shift(int k) { return k == 1 ? 2 : 0; }

#include "matvec.h"

static int supported(void) { return cpu_has(CPU_NEON); }

LEVEL_TABLE(level_neon, "neon")
#if defined(__clang__) && defined(__arm__) && !defined(__ARM_NEON)
#pragma clang attribute pop
#endif
#endif
