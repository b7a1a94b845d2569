/* The interface of the native core, as tritstream/native/library.py declares it for ctypes.
 *
 * Structures are passed by pointer and copied; what their pointers point to must outlive the engine.
 * Sizes are checked by the caller, which has the image's reader to check them with. */
#ifndef TRITSTREAM_H
#define TRITSTREAM_H

#include "embedding.h"
#include "model.h"
#include "weights.h"

#if defined(_WIN32)
#define TRITSTREAM_API __declspec(dllexport)
#else
#define TRITSTREAM_API __attribute__((visibility("default")))
#endif

/* Raised whenever a structure or function below changes. */
#define TRITSTREAM_INTERFACE 7

enum { MATRIX_I, MATRIX_F, MATRIX_G, MATRIX_O, MATRIX_GATE, MATRIX_DOWN, MATRICES };

/* Saturations are counted under these, in this order; from SATURATED_SCALE on by matrix, scales. */
enum {
    SATURATED_I, SATURATED_F, SATURATED_G, SATURATED_GATE, SATURATED_RESIDUAL,
    SATURATED_SCALE,
    SATURATED_KINDS = SATURATED_SCALE + MATRICES
};

typedef struct {
    int64_t hidden, intermediate, layers, vocabulary;
    int64_t batch;     /* most tokens in one pass over the weights */
    int64_t slots;     /* recurrent states held side by side */
    Profile profile;
    Embedding embedding;
    const Matrix *matrices; /* layers * MATRICES, then the LM head */
} Model;

typedef struct Engine Engine;

TRITSTREAM_API int tritstream_interface(void);
/* Names of the levels of this library, fastest first; null behind the last. */
TRITSTREAM_API const char *tritstream_level(int index);
/* Whether this processor has what a level needs (and TRITSTREAM_WITHOUT_LEVELS does not name it). */
TRITSTREAM_API int tritstream_level_runs_here(int index);

/* The weights of a model as every level reads them, made by so many threads; null where memory or threads
 * are lacking. Any number of engines may share them, and they must outlive these. */
TRITSTREAM_API Weights *tritstream_weights_create(const Model *, int threads);
TRITSTREAM_API void tritstream_weights_destroy(Weights *);
/* Their bytes, all of which a pass reads, and where they lie. */
TRITSTREAM_API int64_t tritstream_weights_bytes(const Weights *);
TRITSTREAM_API const void *tritstream_weights_memory(const Weights *);

/* An engine with its whole working set and its threads; null where memory or threads are lacking, or
 * where the level does not run here. */
TRITSTREAM_API Engine *tritstream_create(const Model *, const Weights *, int level, int threads);
TRITSTREAM_API void tritstream_destroy(Engine *);
/* Bytes that the engine has allocated. */
TRITSTREAM_API int64_t tritstream_working_set(const Engine *);

/* One pass over the weights: `count` (at most batch) tokens. Token t goes on from the state in slot
 * from[t], as the tokens before it left that, and leaves its own in slot to[t], which may be the same.
 * Logits of the tokens in `wanted` (increasing, `wanted_count` of them) go to logits (wanted_count,
 * vocabulary). Nothing is allocated. */
TRITSTREAM_API void tritstream_run(Engine *, const int64_t *tokens, const int32_t *from,
                                   const int32_t *to, int64_t count, const int64_t *wanted,
                                   int64_t wanted_count, float *logits);

/* The residual behind the last layer of the last pass's token, (hidden). */
TRITSTREAM_API const int64_t *tritstream_residual(const Engine *, int64_t token);
/* The states, (slots, layers, hidden): the caller may read and write them between passes. */
TRITSTREAM_API int32_t *tritstream_states(Engine *);
TRITSTREAM_API const int64_t *tritstream_saturations(Engine *);

/* A plain read loop over `words` on all threads of the engine; returns their sum. */
TRITSTREAM_API uint64_t tritstream_read(Engine *, const uint64_t *words, int64_t count);

/* How a token is drawn: tritstream/sampling.py. `seen` has a bit for each token, in whole words. */
typedef struct {
    const uint64_t *seen;
    double penalty, temperature, top_p;
    int64_t top_k;
} Draw;

typedef struct {
    double score;
    int64_t id;
} Candidate;

enum { DRAW_NAN = -1, DRAW_NOTHING = -2 };

/* The token that a number from [0, 1) draws among the top_k (at least 1) likeliest of n; the likeliest at
 * temperature 0. DRAW_NAN where a logit is NaN, DRAW_NOTHING where the best one is infinite. Room: 2 floats
 * for every 64 logits, n candidates, and n numbers. */
TRITSTREAM_API int64_t tritstream_draw(const float *logits, int64_t n, const Draw *, double uniform,
                                       float *scratch, Candidate *found, int64_t *cumulative);

/* The operations of a level, for tests; null where it does not run here. */
TRITSTREAM_API const Operations *tritstream_operations(int level);

#endif
