/* A token's residual from the packed embedding table: tritstream/image/embedding.py. */
#ifndef TRITSTREAM_EMBEDDING_H
#define TRITSTREAM_EMBEDDING_H

#include <string.h>

#include "integers.h"

enum { EMBEDDING_FP16, EMBEDDING_INT8, EMBEDDING_3_5_BIT };
#define GRID_FRAC 24

typedef struct {
    const uint8_t *rows;
    const int32_t *columns; /* hidden offsets, then hidden steps; null for fp16 */
    int64_t row_bytes;
    int32_t kind, reserved;
} Embedding;

/* round(half * 2**frac), ties to even; what is too large for int48 saturates, infinities as well. */
static inline int64_t half_to_fixed(uint16_t half, int frac) {
    int exponent = half >> 10 & 31;
    int64_t mantissa = half & 1023, value;
    if (exponent == 31) {
        value = VECTOR_MAX;
    } else {
        if (exponent) mantissa |= 1024;
        int shift = (exponent ? exponent : 1) - 25 + frac; /* value = mantissa * 2**shift */
        if (shift >= 0) {
            value = saturate(mantissa << shift, VECTOR_MAX);
        } else if (shift < -12) {
            value = 0;
        } else {
            int64_t odd = mantissa >> -shift & 1; /* adding half a unit less one, and one where odd */
            value = (mantissa + ((int64_t)1 << (-shift - 1)) - 1 + odd) >> -shift;
        }
    }
    return half >> 15 ? -value : value;
}

/* Digit `column` of a row at 3.5 bits: 7 bits hold two base-11 digits, the first the greater. */
static inline int32_t base11_digit(const uint8_t *row, int64_t row_bytes, int64_t column) {
    int64_t bit = column / 2 * 7, byte = bit / 8;
    int32_t two = row[byte] | (byte + 1 < row_bytes ? row[byte + 1] << 8 : 0);
    int32_t pair = two >> bit % 8 & 127;
    return column % 2 ? pair % 11 : pair / 11;
}

static inline void embed(const Embedding *e, int64_t token, int64_t hidden, int residual_frac,
                         int64_t *residual) {
    const uint8_t *row = e->rows + token * e->row_bytes;
    int left = residual_frac > GRID_FRAC ? residual_frac - GRID_FRAC : 0;
    int right = GRID_FRAC > residual_frac ? GRID_FRAC - residual_frac : 0;
    for (int64_t i = 0; i < hidden; i++) {
        if (e->kind == EMBEDDING_FP16) {
            uint16_t half;
            memcpy(&half, row + 2 * i, sizeof half);
            residual[i] = half_to_fixed(half, residual_frac);
        } else {
            int32_t digit = e->kind == EMBEDDING_INT8 ? row[i] : base11_digit(row, e->row_bytes, i);
            int64_t grid = e->columns[i] + (int64_t)digit * e->columns[hidden + i];
            residual[i] = shift_round(grid << left, right);
        }
    }
}

#endif
