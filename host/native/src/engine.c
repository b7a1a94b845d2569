/* The decoder and the LM head over a batch of tokens, on all threads of a pool.
 *
 * Every thread runs `pass`. Matrices are split by blocks of rows: a thread owns the same rows of every
 * vector that a mat-vec makes, so that what follows element by element needs no barrier. A norm reads a
 * whole vector: with one token every thread makes the codes for itself, with several they are shared
 * out. The composition is that of tritstream/spec/model.py. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "levels.h"
#include "pace.h"
#include "pool.h"
#include "tritstream.h"
#include "weights.h"

/* What one thread has for itself. */
typedef struct {
    int32_t *scratch;     /* norms: widest */
    int32_t *activated;   /* silu(h) */
    int64_t *sum_squares; /* (batch) of its rows of g */
    int64_t saturated[SATURATED_KINDS];
    Codes codes[3]; /* of one token */
} Private;

struct Engine {
    Model model;
    Matrix *matrices;
    const Operations *ops;
    Pool *pool;
    int threads, active; /* of which the pass that runs uses so many */
    Pace pace;
    Private *threads_own;
    Codes codes[3];     /* of a batch */
    int64_t *x;         /* (batch, hidden) the residual */
    int64_t *product;   /* (batch, widest) what enters the norms of o and down */
    int32_t *sums[3];   /* (batch, hidden), the first (batch, 2 * intermediate) */
    int32_t *states;
    int64_t saturated[SATURATED_KINDS];
    void *memory;
    int64_t memory_bytes;
    /* The pass that runs. */
    const int64_t *tokens, *wanted;
    const int32_t *from, *to;
    int64_t count, wanted_count;
    float *logits;
    const uint64_t *read_words;
    int64_t read_count;
    uint64_t read_sum;
};

typedef struct {
    int64_t first, last;
} Range;

static Range share(int64_t count, int thread, int threads) {
    return (Range){count * thread / threads, count * (thread + 1) / threads};
}

/* The rows of some blocks; the last block may hold fewer. */
static Range rows_of(const Matrix *m, Range blocks) {
    Range rows = {blocks.first * BLOCK_ROWS, blocks.last * BLOCK_ROWS};
    if (rows.last > m->rows) rows.last = m->rows;
    if (rows.first > m->rows) rows.first = m->rows;
    return rows;
}

/* The codes of matrices in front of which stands the same vector; see the top of the file. */
typedef struct {
    Engine *e;
    Private *own;
    Codes *codes; /* own or shared */
    Range tokens; /* whose codes this thread makes */
} Norms;

static Norms norms(Engine *e, int thread) {
    Private *own = &e->threads_own[thread];
    if (e->count == 1) return (Norms){e, own, own->codes, {0, 1}};
    return (Norms){e, own, e->codes, share(e->count, thread, e->active)};
}

/* Buffers for codes, laid out for m: a copy, as several threads share the buffers. */
static Codes laid_out(const Codes *buffers, const Matrix *m) {
    Codes codes = *buffers;
    codes.stride = round_up(m->cols, CODE_ALIGN);
    return codes;
}

static void finish_norms(const Norms *n) {
    if (n->e->count > 1) pool_barrier(n->e->pool);
}

static int32_t *state_of(Engine *e, int64_t slot, int64_t layer) {
    return e->states + (slot * e->model.layers + layer) * e->model.hidden;
}

static void mixer(Engine *e, int thread, int64_t layer) {
    const Model *model = &e->model;
    const Operations *ops = e->ops;
    const Profile *profile = &model->profile;
    const Matrix *m = e->matrices + layer * MATRICES;
    Private *own = &e->threads_own[thread];
    int64_t hidden = model->hidden, count = e->count;

    Norms n = norms(e, thread);
    Codes codes[3];
    for (int k = 0; k < 3; k++) codes[k] = laid_out(&n.codes[k], &m[k]);
    for (int64_t t = n.tokens.first; t < n.tokens.last; t++) {
        const int64_t *x = e->x + t * hidden;
        Scalar plain = ops->sum_of_squares(x, hidden, profile);
        for (int k = 0; k < 3; k++) {
            ops->norm_codes(x, &m[k], plain, profile, own->scratch, &codes[k], t);
            own->saturated[SATURATED_SCALE + k] += codes[k].scales[t].exponent > 0;
        }
    }
    finish_norms(&n);

    Range blocks = share(block_count(&m[MATRIX_I]), thread, e->active);
    Range rows = rows_of(&m[MATRIX_I], blocks);
    int64_t size = rows.last - rows.first;
    for (int k = 0; k < 3; k++) {
        ops->ternary_matvec(&m[k], &codes[k], count, blocks.first, blocks.last, e->sums[k], hidden);
    }
    for (int64_t t = 0; t < count; t++) {
        int64_t at = t * hidden + rows.first;
        int32_t *candidate = e->sums[0] + at, *fresh = e->sums[1] + at, *g = e->sums[2] + at;
        int32_t *state = state_of(e, e->to[t], layer) + rows.first;
        int64_t *saturated = own->saturated;

        saturated[SATURATED_I] += ops->dequantise(candidate, codes[0].scales[t], candidate, size);
        ops->silu(candidate, candidate, size, profile);
        saturated[SATURATED_F] += ops->dequantise(fresh, codes[1].scales[t], fresh, size);
        ops->forget(fresh, m[MATRIX_F].room + rows.first, fresh, size, profile);
        if (e->from[t] != e->to[t]) {
            memcpy(state, state_of(e, e->from[t], layer) + rows.first, (size_t)size * sizeof *state);
        }
        ops->state_update(state, candidate, fresh, size, profile);

        own->sum_squares[t] = ops->sum_of_sum_squares(g, size);
        saturated[SATURATED_G] += ops->dequantise(g, codes[2].scales[t], g, size);
        ops->silu(state, own->activated, size, profile);
        ops->gated_product(g, own->activated, e->product + t * hidden + rows.first, size);
    }
    pool_barrier(e->pool);
}

/* x += matrix(norm(vector)): the output projections. */
static void add_output(Engine *e, int thread, const Norms *n, const Codes *codes, const Matrix *m) {
    int64_t hidden = e->model.hidden;
    Range blocks = share(block_count(m), thread, e->active), rows = rows_of(m, blocks);
    finish_norms(n);
    e->ops->ternary_matvec(m, codes, e->count, blocks.first, blocks.last, e->sums[0], hidden);
    for (int64_t t = 0; t < e->count; t++) {
        int64_t at = t * hidden + rows.first;
        n->own->saturated[SATURATED_RESIDUAL] += e->ops->add_projected(
            e->x + at, e->sums[0] + at, codes->scales[t], rows.last - rows.first);
    }
    pool_barrier(e->pool);
}

static void mixer_output(Engine *e, int thread, int64_t layer) {
    const Matrix *m = e->matrices + layer * MATRICES + MATRIX_O;
    int64_t hidden = e->model.hidden;
    Norms n = norms(e, thread);
    Codes codes = laid_out(&n.codes[0], m);
    for (int64_t t = n.tokens.first; t < n.tokens.last; t++) {
        /* The scale of g is still in the buffers that made g; sum_of_gate_squares of the model. */
        Scalar scale = n.codes[MATRIX_G].scales[t], unit = normalise(scale.mantissa, scale.exponent);
        int64_t squares = 0;
        for (int other = 0; other < e->active; other++) {
            squares += e->threads_own[other].sum_squares[t];
        }
        Scalar plain = multiply(normalise(squares, 0), multiply(unit, unit));
        e->ops->norm_codes(e->product + t * hidden, m, plain, &e->model.profile, n.own->scratch, &codes,
                           t);
        n.own->saturated[SATURATED_SCALE + MATRIX_O] += codes.scales[t].exponent > 0;
    }
    add_output(e, thread, &n, &codes, m);
}

static void gated_unit(Engine *e, int thread, int64_t layer) {
    const Model *model = &e->model;
    const Operations *ops = e->ops;
    const Profile *profile = &model->profile;
    const Matrix *m = e->matrices + layer * MATRICES + MATRIX_GATE;
    int64_t hidden = model->hidden, inner = model->intermediate, stride = 2 * inner;

    Norms n = norms(e, thread);
    Codes codes = laid_out(&n.codes[0], m);
    for (int64_t t = n.tokens.first; t < n.tokens.last; t++) {
        const int64_t *x = e->x + t * hidden;
        Scalar plain = ops->sum_of_squares(x, hidden, profile);
        ops->norm_codes(x, m, plain, profile, n.own->scratch, &codes, t);
        n.own->saturated[SATURATED_SCALE + MATRIX_GATE] += codes.scales[t].exponent > 0;
    }
    finish_norms(&n);
    Range blocks = share(block_count(m), thread, e->active), rows = rows_of(m, blocks);
    ops->ternary_matvec(m, &codes, e->count, blocks.first, blocks.last, e->sums[0], stride);
    for (int64_t t = 0; t < e->count; t++) {
        int32_t *gate = e->sums[0] + t * stride + rows.first;
        n.own->saturated[SATURATED_GATE] +=
            ops->dequantise(gate, codes.scales[t], gate, rows.last - rows.first);
    }
    pool_barrier(e->pool);
    Range mine = share(inner, thread, e->active);
    for (int64_t t = 0; t < e->count; t++) {
        int32_t *a = e->sums[0] + t * stride + mine.first;
        int64_t size = mine.last - mine.first;
        ops->silu(a, a, size, profile);
        ops->gated_product(a, a + inner, e->product + t * inner + mine.first, size);
    }
    pool_barrier(e->pool);
}

static void gated_unit_output(Engine *e, int thread, int64_t layer) {
    const Matrix *m = e->matrices + layer * MATRICES + MATRIX_DOWN;
    Norms n = norms(e, thread);
    Codes codes = laid_out(&n.codes[0], m);
    for (int64_t t = n.tokens.first; t < n.tokens.last; t++) {
        e->ops->norm_codes(e->product + t * e->model.intermediate, m, (Scalar){0, 0},
                           &e->model.profile, n.own->scratch, &codes, t);
        n.own->saturated[SATURATED_SCALE + MATRIX_DOWN] += codes.scales[t].exponent > 0;
    }
    add_output(e, thread, &n, &codes, m);
}

/* The LM head of the wanted tokens. Sums become float logits where they lie: both are 32 bits. */
static void head(Engine *e, int thread) {
    const Matrix *m = e->matrices + e->model.layers * MATRICES;
    int64_t hidden = e->model.hidden, vocabulary = e->model.vocabulary, count = e->wanted_count;
    Private *own = &e->threads_own[thread];
    Codes codes = laid_out(count == 1 ? &own->codes[0] : &e->codes[0], m);
    Range tokens = count == 1 ? (Range){0, 1} : share(count, thread, e->active);
    for (int64_t t = tokens.first; t < tokens.last; t++) {
        const int64_t *x = e->x + e->wanted[t] * hidden;
        Scalar plain = e->ops->sum_of_squares(x, hidden, &e->model.profile);
        e->ops->norm_codes(x, m, plain, &e->model.profile, own->scratch, &codes, t);
    }
    if (count > 1) pool_barrier(e->pool);
    Range blocks = share(block_count(m), thread, e->active), rows = rows_of(m, blocks);
    int32_t *sums = (int32_t *)e->logits;
    e->ops->ternary_matvec(m, &codes, count, blocks.first, blocks.last, sums, vocabulary);
    for (int64_t t = 0; t < count; t++) {
        Scalar scale = codes.scales[t];
        double real = ldexp((double)scale.mantissa, (int)saturate(scale.exponent, 1 << 20));
        for (int64_t r = t * vocabulary + rows.first; r < t * vocabulary + rows.last; r++) {
            int32_t sum;
            memcpy(&sum, &sums[r], sizeof sum);
            float logit = (float)(sum * real);
            memcpy(&e->logits[r], &logit, sizeof logit);
        }
    }
}

static void pass(void *argument, int thread) {
    Engine *e = argument;
    const Model *model = &e->model;
    Range mine = share(e->count, thread, e->active);
    for (int64_t t = mine.first; t < mine.last; t++) {
        embed(&model->embedding, e->tokens[t], model->hidden, model->profile.residual_frac,
              e->x + t * model->hidden);
    }
    pool_barrier(e->pool);
    for (int64_t layer = 0; layer < model->layers; layer++) {
        mixer(e, thread, layer);
        mixer_output(e, thread, layer);
        gated_unit(e, thread, layer);
        gated_unit_output(e, thread, layer);
    }
    if (e->wanted_count) head(e, thread);
}

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void tritstream_run(Engine *e, const int64_t *tokens, const int32_t *from, const int32_t *to,
                    int64_t count, const int64_t *wanted, int64_t wanted_count, float *logits) {
    e->tokens = tokens;
    e->from = from;
    e->to = to;
    e->count = count;
    e->wanted = wanted;
    e->wanted_count = wanted_count;
    e->logits = logits;
    e->active = pace_threads(&e->pace);
    int64_t start = nanoseconds();
    pool_run(e->pool, e->active, pass, e);
    if (count == 1) pace_took(&e->pace, nanoseconds() - start);
}

static void read_share(void *argument, int thread) {
    Engine *e = argument;
    Range mine = share(e->read_count, thread, e->threads);
    uint64_t sum = e->ops->read_all(e->read_words + mine.first, mine.last - mine.first);
    __atomic_fetch_add(&e->read_sum, sum, __ATOMIC_RELAXED);
}

uint64_t tritstream_read(Engine *e, const uint64_t *words, int64_t count) {
    e->read_words = words;
    e->read_count = count;
    e->read_sum = 0;
    pool_run(e->pool, e->threads, read_share, e);
    return e->read_sum;
}

/* Parts of one block of memory: counted with a null base first, then handed out. */
typedef struct {
    char *base;
    int64_t used;
} Arena;

static void *take(Arena *arena, int64_t bytes) {
    void *part = arena->base ? arena->base + arena->used : 0;
    arena->used += round_up(bytes, CODE_ALIGN);
    return part;
}

static void take_codes(Arena *arena, Codes *codes, const Model *model, int64_t tokens) {
    int64_t longest = 0;
    for (int64_t i = 0; i < model->layers * MATRICES + 1; i++) {
        int64_t bytes = round_up(model->matrices[i].cols, CODE_ALIGN);
        longest = bytes > longest ? bytes : longest;
    }
    codes->codes = take(arena, tokens * longest);
    codes->code_sums = take(arena, tokens * (int64_t)sizeof *codes->code_sums);
    codes->scales = take(arena, tokens * (int64_t)sizeof *codes->scales);
}

static void take_everything(Arena *arena, Engine *e) {
    const Model *model = &e->model;
    int64_t hidden = model->hidden, batch = model->batch;
    int64_t widest = hidden > model->intermediate ? hidden : model->intermediate;
    int64_t outputs = hidden > 2 * model->intermediate ? hidden : 2 * model->intermediate;
    e->threads_own = take(arena, e->threads * (int64_t)sizeof *e->threads_own);
    for (int thread = 0; thread < e->threads; thread++) {
        Private local, *own = arena->base ? &e->threads_own[thread] : &local;
        own->scratch = take(arena, widest * (int64_t)sizeof *own->scratch);
        own->activated = take(arena, hidden * (int64_t)sizeof *own->activated);
        own->sum_squares = take(arena, batch * (int64_t)sizeof *own->sum_squares);
        for (int k = 0; k < 3; k++) take_codes(arena, &own->codes[k], model, 1);
    }
    for (int k = 0; k < 3; k++) take_codes(arena, &e->codes[k], model, batch);
    e->matrices = take(arena, (model->layers * MATRICES + 1) * (int64_t)sizeof *e->matrices);
    e->x = take(arena, batch * hidden * (int64_t)sizeof *e->x);
    e->product = take(arena, batch * widest * (int64_t)sizeof *e->product);
    e->sums[0] = take(arena, batch * outputs * (int64_t)sizeof *e->sums[0]);
    e->sums[1] = take(arena, batch * hidden * (int64_t)sizeof *e->sums[1]);
    e->sums[2] = take(arena, batch * hidden * (int64_t)sizeof *e->sums[2]);
    e->states = take(arena, model->slots * model->layers * hidden * (int64_t)sizeof *e->states);
}

Engine *tritstream_create(const Model *model, const Weights *weights, int level, int threads) {
    const Operations *operations = level_here(level);
    Engine *e = operations ? calloc(1, sizeof *e) : 0;
    if (!e) return 0;
    e->model = *model;
    e->ops = operations;
    e->threads = threads;
    e->pace = pace_of(threads);
    Arena arena = {0, 0};
    take_everything(&arena, e);
    e->memory_bytes = arena.used;
    if (posix_memalign(&e->memory, CODE_ALIGN, (size_t)arena.used)) {
        free(e);
        return 0;
    }
    memset(e->memory, 0, (size_t)arena.used);
    arena = (Arena){e->memory, 0};
    take_everything(&arena, e);
    memcpy(e->matrices, model->matrices,
           (size_t)(model->layers * MATRICES + 1) * sizeof *e->matrices);
    for (int64_t i = 0; i < model->layers * MATRICES + 1; i++) {
        e->matrices[i].blocks = weights_blocks(weights, i);
    }
    e->pool = pool_create(threads);
    if (!e->pool) {
        tritstream_destroy(e);
        return 0;
    }
    return e;
}

void tritstream_destroy(Engine *e) {
    if (!e) return;
    pool_destroy(e->pool);
    free(e->memory);
    free(e);
}

Weights *tritstream_weights_create(const Model *model, int threads) {
    return weights_create(model->matrices, model->layers * MATRICES + 1, threads);
}

void tritstream_weights_destroy(Weights *weights) { weights_destroy(weights); }

int64_t tritstream_weights_bytes(const Weights *weights) { return weights_bytes(weights); }

const void *tritstream_weights_memory(const Weights *weights) { return weights_memory(weights); }

int64_t tritstream_working_set(const Engine *e) { return e->memory_bytes; }

const int64_t *tritstream_residual(const Engine *e, int64_t token) {
    return e->x + token * e->model.hidden;
}

int32_t *tritstream_states(Engine *e) { return e->states; }

const int64_t *tritstream_saturations(Engine *e) {
    for (int kind = 0; kind < SATURATED_KINDS; kind++) {
        e->saturated[kind] = 0;
        for (int thread = 0; thread < e->threads; thread++) {
            e->saturated[kind] += e->threads_own[thread].saturated[kind];
        }
    }
    return e->saturated;
}

int tritstream_interface(void) { return TRITSTREAM_INTERFACE; }

const char *tritstream_level(int index) { return level_name(index); }

int tritstream_level_runs_here(int index) { return level_here(index) != 0; }

const Operations *tritstream_operations(int level) { return level_here(level); }
