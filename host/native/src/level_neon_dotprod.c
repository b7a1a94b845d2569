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

static inline Sums dot(Sums sums, Bytes weights, Bytes codes) { return vdotq_s32(sums, weights, codes); }

#include "matvec.h"

static int supported(void) { return cpu_has(CPU_NEON_DOTPROD); }

LEVEL_TABLE(level_neon_dotprod, "neon-dotprod")
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
