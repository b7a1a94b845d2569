/* x86-64 with AVX2. */
#include "levels.h"

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi2")
#endif
#include <immintrin.h>
#include <string.h>

#include "level_avx2.h"
#include "operations.h"

#include "matvec_avx2.h"

static int supported(void) { return cpu_has(CPU_AVX2); }

LEVEL_TABLE(level_avx2, "avx2")
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
