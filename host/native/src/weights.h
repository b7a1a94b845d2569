/* The weights of a model as the mat-vecs read them, made once at load from an image of any layout.
 *
 * A block holds BLOCK_ROWS rows. Step s of it are 64 bytes for the columns 4 s to 4 s + 3: byte 4 l + j
 * holds the digits (trit + 1) of column 4 s + j in the rows l, 16 + l, 32 + l and 48 + l, two bits each,
 * the first in the lowest bits. So every 32-bit lane of a vector belongs to one row, four codes are the
 * same for all lanes, and no sum is ever made across lanes. */
#ifndef TRITSTREAM_WEIGHTS_H
#define TRITSTREAM_WEIGHTS_H

#include "model.h"

typedef struct Weights Weights;

/* The weights of `count` matrices, packed by so many threads; null where memory or threads are lacking. */
Weights *weights_create(const Matrix *matrices, int64_t count, int threads);
void weights_destroy(Weights *);
/* The blocks of matrix `index`. */
const uint8_t *weights_blocks(const Weights *, int64_t index);
int64_t weights_bytes(const Weights *);
const void *weights_memory(const Weights *);

#endif
