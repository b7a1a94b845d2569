#include "weights.h"

#include <stdlib.h>
#include <string.h>

#include "pool.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#define HUGE_PAGE ((int64_t)1 << 21)

struct Weights {
    uint8_t *memory;
    int64_t bytes, count;
    int64_t *offsets;
};

typedef struct {
    Weights *weights;
    const Matrix *matrices;
    uint8_t *scratch; /* of all threads */
    int64_t scratch_bytes, stride;
    int threads;
} Packing;

/* Weight bytes of a row group in the order of the columns. */
static void linear_bytes(const Matrix *m, int64_t group, uint8_t *line) {
    int64_t width = m->port_bytes;
    for (int port = 0; port < m->ports; port++) {
        const uint8_t *from = m->streams[port] + group * m->piece;
        for (int64_t at = 0; at < m->piece; at += width) {
            int64_t column = at * m->ports + port * width, left = m->cols - column;
            if (left <= 0) break;
            memcpy(line + column, from + at, (size_t)(left < width ? left : width));
        }
    }
}

/* The digits of a byte of base 3, b = ceil(256 * x / 243), are those of 3 b / 256, again and again. */
static void base3_digits(uint8_t *restrict line, int64_t n, uint8_t *restrict row) {
    for (int64_t i = 0; i < n; i++) {
        uint8_t b = line[i];
        row[i] = (uint8_t)((b >= 86) + (b >= 171));
        line[i] = (uint8_t)(3 * b);
    }
}

/* Two's complement pairs of bits. */
static void two_bit_digits(uint8_t *restrict line, int64_t n, uint8_t *restrict row) {
    for (int64_t i = 0; i < n; i++) {
        row[i] = (uint8_t)((line[i] + 1) & 3);
        line[i] >>= 2;
    }
}

static void merge(const uint8_t *restrict a, const uint8_t *restrict b, const uint8_t *restrict c,
                  const uint8_t *restrict d, int64_t n, uint8_t *restrict out) {
    for (int64_t i = 0; i < n; i++) {
        out[i] = (uint8_t)(a[i] | b[i] << 2 | c[i] << 4 | d[i] << 6);
    }
}

/* One block from the streams of an image. `rows` has BLOCK_ROWS + 9 rows of `stride` bytes. */
static void pack_block(const Matrix *m, int64_t block, uint8_t *rows, int64_t stride, uint8_t *out) {
    int64_t first = block * BLOCK_ROWS, last = first + BLOCK_ROWS < m->rows ? first + BLOCK_ROWS : m->rows;
    int64_t per_group = rows_per_byte(m->packing), steps = padded_columns(m) / STEP_COLUMNS;
    uint8_t *line = rows + (BLOCK_ROWS + 8) * stride;
    memset(rows, 0, (size_t)(BLOCK_ROWS * stride));
    int64_t group = first / per_group;
    uint8_t *row = rows - first % per_group * stride; /* a group may begin in the block before */
    for (; group * per_group < last; group++, row += per_group * stride) {
        linear_bytes(m, group, line);
        for (int64_t k = 0; k < per_group; k++) {
            int64_t at = group * per_group + k;
            uint8_t *to = at < first || at >= last ? rows + BLOCK_ROWS * stride : row + k * stride;
            if (m->packing == BASE3) {
                base3_digits(line, m->cols, to);
            } else {
                two_bit_digits(line, m->cols, to);
            }
        }
    }
    for (int l = 0; l < DWORDS; l++) {
        const uint8_t *a = rows + l * stride;
        merge(a, a + DWORDS * stride, a + 2 * DWORDS * stride, a + 3 * DWORDS * stride,
              steps * STEP_COLUMNS, line);
        for (int64_t s = 0; s < steps; s++) {
            memcpy(out + (s * DWORDS + l) * STEP_COLUMNS, line + s * STEP_COLUMNS, STEP_COLUMNS);
        }
    }
}

static void pack_share(void *argument, int thread) {
    Packing *p = argument;
    uint8_t *scratch = p->scratch + thread * p->scratch_bytes;
    for (int64_t i = 0; i < p->weights->count; i++) {
        const Matrix *m = &p->matrices[i];
        int64_t blocks = block_count(m), first = blocks * thread / p->threads;
        for (int64_t b = first; b < blocks * (thread + 1) / p->threads; b++) {
            uint8_t *out = p->weights->memory + p->weights->offsets[i] + b * block_bytes(m);
            pack_block(m, b, scratch, p->stride, out);
        }
    }
}

Weights *weights_create(const Matrix *matrices, int64_t count, int threads) {
    Weights *w = calloc(1, sizeof *w);
    Pool *pool = w ? pool_create(threads) : 0;
    if (!pool) {
        free(w);
        return 0;
    }
    Packing p = {.weights = w, .matrices = matrices, .threads = threads};
    w->count = count;
    w->offsets = calloc((size_t)count, sizeof *w->offsets);
    for (int64_t i = 0; w->offsets && i < count; i++) {
        w->offsets[i] = w->bytes;
        w->bytes += block_count(&matrices[i]) * block_bytes(&matrices[i]);
        int64_t stride = padded_columns(&matrices[i]) + CODE_ALIGN; /* no power of two, for the caches */
        p.stride = stride > p.stride ? stride : p.stride;
    }
    p.scratch_bytes = (BLOCK_ROWS + 9) * p.stride;
    p.scratch = malloc((size_t)(threads * p.scratch_bytes));
    int64_t align = w->bytes < HUGE_PAGE ? CODE_ALIGN : HUGE_PAGE;
    int failed = !w->offsets || !p.scratch || posix_memalign((void **)&w->memory, (size_t)align, (size_t)w->bytes);
    if (!failed) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (align == HUGE_PAGE) madvise(w->memory, (size_t)w->bytes, MADV_HUGEPAGE);
#endif
        pool_run(pool, threads, pack_share, &p);
    }
    pool_destroy(pool);
    free(p.scratch);
    if (!failed) return w;
    w->memory = 0;
    weights_destroy(w);
    return 0;
}

void weights_destroy(Weights *w) {
    if (!w) return;
    free(w->memory);
    free(w->offsets);
    free(w);
}

const uint8_t *weights_blocks(const Weights *w, int64_t index) { return w->memory + w->offsets[index]; }

int64_t weights_bytes(const Weights *w) { return w->bytes; }

const void *weights_memory(const Weights *w) { return w->memory; }
