/* How fast ggml, or a fork of it, does all mat-vecs of a token of a MatMul-free model, and nothing else.
 *
 * README.md beside this file tells how to build it against ggml or ik_llama.cpp.
 *
 *     ./ggml_matvecs TYPE THREADS BATCH PASSES [HIDDEN INTERMEDIATE LAYERS VOCABULARY]
 *
 * TYPE is one of ggml's own names, such as tq2_0, iq2_bn or iq2_bn_r4; sizes are those of 370M unless
 * given. Prints tokens/s of every pass and, last, `median N tokens/s`. Weights are random trits. */
#include <ggml.h>
#if !defined(IK_LLAMA)
#include <ggml-cpu.h>
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(IK_LLAMA)
#define MORE_QUANTISING , 0
#else
#define MORE_QUANTISING
#endif

static uint32_t state = 2463534242u;
static uint32_t next(void) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A matrix of random trits, quantised in pieces of a few rows. */
static struct ggml_tensor *matrix(struct ggml_context *context, enum ggml_type type, int64_t cols,
                                  int64_t rows) {
    struct ggml_tensor *t = ggml_new_tensor_2d(context, type, cols, rows);
    const int64_t piece = 8;
    float *trits = malloc((size_t)(piece * cols) * sizeof *trits);
    for (int64_t row = 0; row < rows; row += piece) {
        for (int64_t i = 0; i < piece * cols; i++) trits[i] = (float)(next() % 3) - 1.0f;
        char *to = (char *)t->data + (size_t)row * ggml_row_size(type, cols);
        ggml_quantize_chunk(type, trits, to, 0, piece, cols, 0 MORE_QUANTISING);
    }
    free(trits);
    return t;
}

int main(int count, char **arguments) {
    if (count != 5 && count != 9) {
        fprintf(stderr, "usage: %s TYPE THREADS BATCH PASSES [HIDDEN INTERMEDIATE LAYERS VOCABULARY]\n",
                arguments[0]);
        return 2;
    }
    int threads = atoi(arguments[2]), batch = atoi(arguments[3]), passes = atoi(arguments[4]);
    int64_t hidden = 1024, inner = 2816, layers = 24, vocabulary = 32000;
    if (count == 9) {
        hidden = atoll(arguments[5]), inner = atoll(arguments[6]);
        layers = atoll(arguments[7]), vocabulary = atoll(arguments[8]);
    }
    if (threads < 1 || batch < 1 || passes < 1 || hidden < 1 || inner < 1 || layers < 1 || vocabulary < 8) {
        fprintf(stderr, "every number must be at least 1, the vocabulary 8\n");
        return 2;
    }
    int type = 0;
    while (type < GGML_TYPE_COUNT &&
           (!ggml_type_name(type) || strcmp(ggml_type_name(type), arguments[1])))
        type++;
    if (type == GGML_TYPE_COUNT) {
        fprintf(stderr, "this ggml has no type %s\n", arguments[1]);
        return 2;
    }
    size_t weights = (size_t)(layers * (4 * hidden + 2 * inner + hidden) + vocabulary) *
                     ggml_row_size(type, hidden > inner ? hidden : inner);
    struct ggml_init_params room = {.mem_size = 2 * weights + ((size_t)1 << 28), .mem_buffer = 0};
    struct ggml_context *context = ggml_init(room);
    struct ggml_tensor *x = ggml_new_tensor_2d(context, GGML_TYPE_F32, hidden, batch);
    struct ggml_tensor *y = ggml_new_tensor_2d(context, GGML_TYPE_F32, inner, batch);
    for (int64_t i = 0; i < hidden * batch; i++) ((float *)x->data)[i] = (float)(next() % 255) - 127.0f;
    for (int64_t i = 0; i < inner * batch; i++) ((float *)y->data)[i] = (float)(next() % 255) - 127.0f;

    struct ggml_cgraph *graph = ggml_new_graph(context);
    for (int64_t layer = 0; layer < layers; layer++) {
        for (int k = 0; k < 4; k++) {
            ggml_build_forward_expand(graph,
                                      ggml_mul_mat(context, matrix(context, type, hidden, hidden), x));
        }
        ggml_build_forward_expand(graph,
                                  ggml_mul_mat(context, matrix(context, type, hidden, 2 * inner), x));
        ggml_build_forward_expand(graph, ggml_mul_mat(context, matrix(context, type, inner, hidden), y));
    }
    ggml_build_forward_expand(graph,
                              ggml_mul_mat(context, matrix(context, type, hidden, vocabulary), x));

    struct ggml_cplan plan = ggml_graph_plan(graph, threads
#if !defined(IK_LLAMA)
                                             , 0
#endif
    );
    plan.work_data = malloc(plan.work_size + 1);
    double *rates = malloc((size_t)passes * sizeof *rates);
    ggml_graph_compute(graph, &plan); /* not counted: pages are touched */
    for (int pass = 0; pass < passes; pass++) {
        double start = now();
        ggml_graph_compute(graph, &plan);
        rates[pass] = batch / (now() - start);
        printf("%.1f tokens/s\n", rates[pass]);
    }
    qsort(rates, (size_t)passes, sizeof *rates, rising);
    printf("median %.1f tokens/s\n", rates[passes / 2]);
    return 0;
}
