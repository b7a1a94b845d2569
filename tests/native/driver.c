/* Runs a job of tests/support/native.py on the core without Python: under sanitizers, under qemu-user,
 * and with its allocations counted (-DCOUNT_ALLOCATIONS and the linker's --wrap).
 *
 *     driver IMAGE JOB OUT LEVEL THREADS [overrun]
 *
 * `overrun` reads beyond an allocation, which a sanitizer must find. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tritstream.h"

#if defined(COUNT_ALLOCATIONS)
static long allocations;
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
int __real_posix_memalign(void **, size_t, size_t);
void *__wrap_malloc(size_t n) { return allocations++, __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t m) { return allocations++, __real_calloc(n, m); }
int __wrap_posix_memalign(void **p, size_t a, size_t n) {
    return allocations++, __real_posix_memalign(p, a, n);
}
#endif

static const void *map(const char *path, size_t *size) {
    int file = open(path, O_RDONLY);
    struct stat about;
    if (file < 0 || fstat(file, &about)) exit(3);
    *size = (size_t)about.st_size;
    const void *at = mmap(0, *size, PROT_READ, MAP_PRIVATE, file, 0);
    if (at == MAP_FAILED) exit(3);
    return at;
}

static const int64_t *numbers;
static int64_t next(void) { return *numbers++; }

static const uint8_t *image;
static const void *pointer(void) {
    int64_t offset = next();
    return offset < 0 ? 0 : image + offset;
}

static Scalar scalar(void) {
    int64_t mantissa = next();
    return (Scalar){mantissa, next()};
}

static const int32_t *table(int64_t words) {
    int32_t *values = malloc((size_t)words * sizeof *values);
    for (int64_t i = 0; i < words; i++) values[i] = (int32_t)next();
    return values;
}

int main(int count, char **arguments) {
    if (count < 6) return 2;
    size_t size;
    image = map(arguments[1], &size);
    numbers = map(arguments[2], &size);

    Model m = {0};
    m.hidden = next(), m.intermediate = next(), m.layers = next(), m.vocabulary = next();
    m.batch = next(), m.slots = 2;
    int32_t *profile = &m.profile.residual_frac;
    for (int i = 0; i < 12; i++) profile[i] = (int32_t)next();
    m.embedding.rows = pointer(), m.embedding.columns = pointer();
    m.embedding.row_bytes = next(), m.embedding.kind = (int32_t)next();
    int64_t matrix_count = m.layers * MATRICES + 1;
    Matrix *matrices = calloc((size_t)matrix_count, sizeof *matrices);
    for (Matrix *at = matrices; at < matrices + matrix_count; at++) {
        for (int port = 0; port < MAX_PORTS; port++) at->streams[port] = pointer();
        at->rows = next(), at->cols = next(), at->groups = next(), at->piece = next();
        at->ports = (int32_t)next(), at->port_bytes = (int32_t)next(), at->packing = (int32_t)next();
        at->norm.elements = pointer(), at->norm.scale = scalar();
        at->norm.eps_square = scalar(), at->norm.eps = scalar();
        at->norm.square_exponent = next(), at->room = pointer();
    }
    m.matrices = matrices;
    int64_t cells = 16ll << m.profile.sigmoid_cells_log2;
    m.profile.sigmoid = table(SIGMOID_WORDS * cells);
    int64_t tokens = next();
    const int64_t *ids = numbers;

    int level = 0;
    while (tritstream_level(level) && strcmp(tritstream_level(level), arguments[4])) level++;
    if (!tritstream_level(level) || !tritstream_level_runs_here(level)) return 4;
    int threads = atoi(arguments[5]);
    Weights *weights = tritstream_weights_create(&m, threads);
    Engine *e = weights ? tritstream_create(&m, weights, level, threads) : 0;
    if (!e) return 5;

    float *logits = calloc((size_t)(2 * tokens * m.vocabulary), sizeof *logits);
    int64_t *wanted = calloc((size_t)m.batch, sizeof *wanted);
    int32_t *from = calloc((size_t)m.batch, sizeof *from);
    int32_t *to = calloc((size_t)m.batch, sizeof *to);
    /* Every other token leaves its state in another slot, from which the next goes on. */
    for (int64_t t = 0; t < m.batch; t++) wanted[t] = t, to[t] = t & 1, from[t] = t ? 1 - to[t] : 0;
    int32_t slot = 0;
    if (count > 6) wanted = realloc(wanted, sizeof *wanted);
#if defined(COUNT_ALLOCATIONS)
    long before = allocations;
#endif
    float *at = logits;
    for (int64_t pass = 0; pass < 2; pass++) {
        int64_t most = pass ? 1 : m.batch;
        memset(tritstream_states(e), 0, (size_t)(2 * m.layers * m.hidden) * sizeof(int32_t));
        slot = 0;
        for (int64_t t = 0; t < tokens; t += most) {
            int64_t part = tokens - t < most ? tokens - t : most;
            from[0] = slot, slot = to[part - 1];
            tritstream_run(e, ids + t, from, to, part, wanted, part, at);
            at += part * m.vocabulary;
        }
    }
#if defined(COUNT_ALLOCATIONS)
    printf("allocations while running: %ld\n", allocations - before);
#endif
    FILE *out = fopen(arguments[3], "wb");
    if (!out) return 3;
    size_t all = (size_t)(2 * tokens * m.vocabulary);
    if (fwrite(logits, sizeof *logits, all, out) != all || fclose(out)) return 3;
    tritstream_destroy(e);
    tritstream_weights_destroy(weights);
    free((void *)m.profile.sigmoid);
    free(matrices), free(logits), free(wanted), free(from), free(to);
    return 0;
}
