/* Dispatch levels: the same operations compiled for several instruction sets, chosen at run time. */
#ifndef TRITSTREAM_LEVELS_H
#define TRITSTREAM_LEVELS_H

#include "model.h"

/* Compilers before these do not know the 256-bit VNNI. */
#if defined(__x86_64__) && ((defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11))
#define HAVE_AVXVNNI 1
#endif

enum { CPU_AVX2, CPU_AVX_VNNI, CPU_AVX512_VNNI, CPU_AMX, CPU_NEON, CPU_NEON_DOTPROD };

/* Whether this processor, and the operating system, have a feature. */
int cpu_has(int feature);

/* The name of a level of this library, fastest first; null behind the last. */
const char *level_name(int index);
/* A level's operations; null where this processor lacks its instructions or where
 * TRITSTREAM_WITHOUT_LEVELS, a comma-separated list, names it. The only way to a level. */
const Operations *level_here(int index);

#define LEVEL_TABLE(symbol, label)                                                          \
    const Operations symbol = {label,        supported,     sum_of_squares,     norm_codes, \
                               ternary_matvec, dequantise,  silu,               forget,     \
                               state_update, gated_product, add_projected, sum_of_sum_squares, \
                               read_all};

#endif
