/* Plain C: any little-endian processor, and the arithmetic of the other levels in its barest form. */
#include <string.h>

#include "levels.h"
#include "operations.h"

#define BYTES 64
#define FIELD_STEPS 32768
#define TILE_STEPS 64
#define SETS 1
#define AT_ONCE 1
#define TILE_FIELDS 1
#define TILE_TOKENS 2

typedef struct {
    uint8_t at[BYTES];
} Digits;
typedef struct {
    int8_t at[4];
} Spread;
typedef struct {
    int32_t at[BYTES / 4];
} Rows;
typedef Rows Sums;

static inline Digits load(const uint8_t *p) {
    Digits d;
    memcpy(d.at, p, sizeof d.at);
    return d;
}
static inline void store_digits(uint8_t *p, Digits d) { memcpy(p, d.at, sizeof d.at); }
static inline Spread spread(const int8_t *codes) {
    Spread s;
    memcpy(s.at, codes, sizeof s.at);
    return s;
}
static inline Digits digits(Digits w, int k) {
    for (int i = 0; i < BYTES; i++) w.at[i] = w.at[i] >> (2 * k) & 3;
    return w;
}
static inline Digits field(Digits w, int k) { return digits(w, k); }
static inline int field_shift(int k) { return (void)k, 0; }
static inline Sums no_sums(void) { return (Sums){{0}}; }
static inline Sums multiply_add(Sums sums, Digits digits, Spread codes) {
    for (int i = 0; i < BYTES / 4; i++) {
        for (int j = 0; j < 4; j++) sums.at[i] += digits.at[4 * i + j] * codes.at[j];
    }
    return sums;
}
static inline Rows widened(Sums sums) { return sums; }
static inline Rows load_rows(const int32_t *p) {
    Rows r;
    memcpy(r.at, p, sizeof r.at);
    return r;
}
static inline void store_rows(int32_t *p, Rows r) { memcpy(p, r.at, sizeof r.at); }
static inline Rows add_rows(Rows a, Rows b) {
    for (int i = 0; i < BYTES / 4; i++) a.at[i] += b.at[i];
    return a;
}
static inline Rows shifted(Rows r, int bits) { return (void)bits, r; }

#include "matvec.h"

static int supported(void) { return 1; }

LEVEL_TABLE(level_c, "c")
