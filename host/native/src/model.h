/* What the parts of the core know of a model: formats, matrices, and one table of operations.
 *
 * Every pointer into weights or parameters points into the memory-mapped image, whose sizes the
 * Python reader has checked; nothing here is ever written through them. */
#ifndef TRITSTREAM_MODEL_H
#define TRITSTREAM_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "integers.h"

#define MAX_PORTS 4
#define BASE3 0
#define TWO_BIT 1
/* Codes are padded with zeros to whole vectors of the longest kind. */
#define CODE_ALIGN 64

#define SIGMOID_WORDS 4

/* tritstream/numerics/profiles.py, and the sigmoid table of the profile. */
typedef struct {
    int32_t residual_frac, gate_frac, sigmoid_frac, sigmoid_cells_log2;
    int32_t vector_bits, gain_bits, block_bits, square_bits, code_bits, scale_bits, element_bits;
    int32_t reserved;
    const int32_t *sigmoid; /* (cells, SIGMOID_WORDS): a, b, c and nothing */
} Profile;

/* tritstream/spec/operations.py NormParameters; the elements hold gain and block weight packed. */
typedef struct {
    const void *elements;
    Scalar scale, eps_square, eps;
    int64_t square_exponent;
} NormParameters;

/* One ternary matrix: its packed streams in the image, tritstream/image/records.py, and its weights as
 * the mat-vecs read them, weights.h, which the core fills in.
 *
 * A row group (5 or 4 rows) has `piece` bytes in the stream of every port: with w = port_bytes, 8 or 16,
 * byte i of port p is column (i / w) * ports * w + p * w + i % w. */
typedef struct {
    const uint8_t *streams[MAX_PORTS];
    int64_t rows, cols, groups, piece;
    int32_t ports, port_bytes, packing, reserved;
    NormParameters norm;
    const int32_t *room;
    const uint8_t *blocks;
} Matrix;

/* Quantised activations of several tokens: token t at codes + t * stride. */
typedef struct {
    int8_t *codes;
    int32_t *code_sums;
    Scalar *scales;
    int64_t stride;
} Codes;

static inline int rows_per_byte(int packing) { return packing == BASE3 ? 5 : 4; }

static inline int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

#define BLOCK_ROWS 64
#define FIELDS 4       /* digits in a byte */
#define STEP_COLUMNS 4
#define STEP_BYTES 64
#define DWORDS (BLOCK_ROWS / FIELDS) /* of a step, each a row of every field */

static inline int64_t block_count(const Matrix *m) { return (m->rows + BLOCK_ROWS - 1) / BLOCK_ROWS; }

/* Columns with those that are added, whose codes are zero. */
static inline int64_t padded_columns(const Matrix *m) { return round_up(m->cols, 16); }

static inline int64_t block_bytes(const Matrix *m) {
    return padded_columns(m) / STEP_COLUMNS * STEP_BYTES;
}

/* The operations of one dispatch level; meanings and names are those of tritstream/spec/operations.py.
 * The ranged ones work on n elements from their pointers. Those that may saturate return how often. */
typedef struct {
    const char *name;
    int (*supported)(void);
    Scalar (*sum_of_squares)(const int64_t *vector, int64_t n, const Profile *);
    /* Writes token `t` of `out`; scratch holds n int32. */
    void (*norm_codes)(const int64_t *vector, const Matrix *, Scalar plain, const Profile *,
                       int32_t *scratch, Codes *out, int64_t t);
    /* Rows of the blocks [first, last) into sums[t * stride + row]. */
    void (*ternary_matvec)(const Matrix *, const Codes *, int64_t tokens, int64_t first, int64_t last,
                           int32_t *sums, int64_t stride);
    int64_t (*dequantise)(const int32_t *sums, Scalar scale, int32_t *out, int64_t n);
    void (*silu)(const int32_t *x, int32_t *out, int64_t n, const Profile *);
    void (*forget)(const int32_t *pre, const int32_t *room, int32_t *out, int64_t n, const Profile *);
    void (*state_update)(int32_t *state, const int32_t *candidate, const int32_t *fresh, int64_t n,
                         const Profile *);
    void (*gated_product)(const int32_t *a, const int32_t *b, int64_t *out, int64_t n);
    /* x = residual_add(x, dequantise(sums, scale)), both within int48. */
    int64_t (*add_projected)(int64_t *x, const int32_t *sums, Scalar scale, int64_t n);
    int64_t (*sum_of_sum_squares)(const int32_t *sums, int64_t n);
    /* A plain read loop: the sum of n 64-bit words. */
    uint64_t (*read_all)(const uint64_t *words, int64_t n);
} Operations;

#endif
