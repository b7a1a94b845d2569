/* Which levels there are, and what the processor at hand can run. */
#include <stdlib.h>
#include <string.h>

#include "levels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__linux__) && (defined(__aarch64__) || defined(__arm__))
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
extern const Operations level_avx512, level_avx2;
#if defined(HAVE_AVXVNNI)
extern const Operations level_avxvnni;
#endif
#elif defined(__aarch64__)
extern const Operations level_neon_dotprod, level_neon;
#elif defined(__ARM_FP)
extern const Operations level_neon;
#endif
extern const Operations level_c;

/* Fastest first. Private to this file: everyone else gets a level from `level_here`, which gives out
 * none that the processor would stop at with an illegal instruction. */
static const Operations *const LEVELS[] = {
#if defined(__x86_64__)
    &level_avx512,
#if defined(HAVE_AVXVNNI)
    &level_avxvnni,
#endif
    &level_avx2,
#elif defined(__aarch64__)
    &level_neon_dotprod, &level_neon,
#elif defined(__ARM_FP)
    &level_neon,
#endif
    &level_c,
};
enum { LEVEL_COUNT = sizeof LEVELS / sizeof *LEVELS };

/* Whether a comma-separated list holds a name. */
static int listed(const char *list, const char *name) {
    size_t length = strlen(name);
    while (*list) {
        size_t word = strcspn(list, ",");
        if (word == length && !memcmp(list, name, length)) return 1;
        list += word + (list[word] == ',');
    }
    return 0;
}

/* TRITSTREAM_WITHOUT_LEVELS lets a processor be tested as if it were a lesser one. */
static int masked(const char *name) {
    const char *without = getenv("TRITSTREAM_WITHOUT_LEVELS");
    return without && listed(without, name);
}

const char *level_name(int index) {
    return index >= 0 && index < LEVEL_COUNT ? LEVELS[index]->name : 0;
}

const Operations *level_here(int index) {
    if (index < 0 || index >= LEVEL_COUNT) return 0;
    const Operations *level = LEVELS[index];
    return level->supported() && !masked(level->name) ? level : 0;
}

#if defined(__x86_64__)
static unsigned long long enabled_state(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

/* Bits of Intel's manual, volume 2A, CPUID; a vector register file counts only where the operating
 * system saves it, which the extended control register tells. */
int cpu_has(int feature) {
    unsigned a, b, c, d, a1, b1, c1, d1;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    unsigned long long state = enabled_state();
    int avx = (state & 0x6) == 0x6, avx512 = (state & 0xe6) == 0xe6;
    int has_avx2 = avx && (b >> 5 & 1) && (b >> 8 & 1); /* AVX2 and BMI2 */
    switch (feature) {
    case CPU_AVX2: return has_avx2;
    case CPU_AVX_VNNI:
        return has_avx2 && __get_cpuid_count(7, 1, &a1, &b1, &c1, &d1) && (a1 >> 4 & 1);
    case CPU_AVX512_VNNI: /* F, DQ, BW, VL and VNNI */
        return has_avx2 && avx512 && (b >> 16 & 1) && (b >> 17 & 1) && (b >> 30 & 1) &&
               (b >> 31 & 1) && (c >> 11 & 1);
    default: return 0;
    }
}
#elif defined(__aarch64__)
int cpu_has(int feature) {
    if (feature == CPU_NEON) return 1;
#if defined(__APPLE__)
    return feature == CPU_NEON_DOTPROD;
#elif defined(__linux__)
    return feature == CPU_NEON_DOTPROD && (getauxval(AT_HWCAP) >> 20 & 1); /* HWCAP_ASIMDDP */
#else
    return 0;
#endif
}
#elif defined(__arm__) && defined(__linux__)
int cpu_has(int feature) {
    return feature == CPU_NEON && (getauxval(AT_HWCAP) >> 12 & 1); /* HWCAP_NEON */
}
#else
int cpu_has(int feature) {
    (void)feature;
    return 0;
}
#endif
