/* 64-bit ARM with dot products (ARMv8.2 and later). */
#include "levels.h"

#if defined(__aarch64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#include <arm_neon.h>
#include <string.h>

#include "operations.h"

#include "level_neon.h"

/* Sums of 32 bits, which no number of steps fills: a digit left at bit 4 adds 4 * 127 * 32 a step. */
#define FIELD_STEPS 32768
#define TILE_STEPS 64
#define SETS 1
#define AT_ONCE 4
#define TILE_FIELDS 4
#define TILE_TOKENS 4

typedef int8x16_t Spread;
typedef int32x4_t Sums;

static inline Spread spread(const int8_t *codes) {
    return vreinterpretq_s8_s32(vdupq_n_s32(four_codes(codes)));
}
static inline Sums no_sums(void) { return vdupq_n_s32(0); }
static inline Sums multiply_add(Sums sums, Digits digits, Spread codes) {
    return vdotq_s32(sums, vreinterpretq_s8_u8(digits), codes);
}
static inline Rows widened(Sums sums) { return sums; }
/* Signed bytes: what bit 6 holds would be negative there. */
static inline Digits field(Digits w, int k) {
    return k == 3 ? vshrq_n_u8(w, 6) : vandq_u8(w, vdupq_n_u8((uint8_t)(3 << (2 * k))));
}
static inline int field_shift(int k) { return k == 3 ? 0 : 2 * k; }

#include "matvec.h"

static int supported(void) { return cpu_has(CPU_NEON_DOTPROD); }

LEVEL_TABLE(level_neon_dotprod, "neon-dotprod")
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
