/* What the NEON levels share: 64-bit ARM with and without dot products, and 32-bit ARM. */
#define BYTES 16

typedef uint8x16_t Digits;
typedef int32x4_t Rows;

static inline Digits load(const uint8_t *p) { return vld1q_u8(p); }
static inline void store_digits(uint8_t *p, Digits d) { vst1q_u8(p, d); }
static inline int32_t four_codes(const int8_t *codes) {
    int32_t four;
    memcpy(&four, codes, sizeof four);
    return four;
}

/* The shifts of NEON are by constants, hence the branches, which inlining removes. */
static inline Digits digits(Digits w, int k) {
    Digits low = k == 0 ? w : k == 1 ? vshrq_n_u8(w, 2) : k == 2 ? vshrq_n_u8(w, 4) : vshrq_n_u8(w, 6);
    return k == 3 ? low : vandq_u8(low, vdupq_n_u8(3));
}
static inline Rows load_rows(const int32_t *p) { return vld1q_s32(p); }
static inline void store_rows(int32_t *p, Rows r) { vst1q_s32(p, r); }
static inline Rows add_rows(Rows a, Rows b) { return vaddq_s32(a, b); }
static inline Rows shifted(Rows r, int bits) { return vshlq_s32(r, vdupq_n_s32(-bits)); }
