/* A draw among the likeliest tokens: tritstream/sampling.py, the same tokens to the last bit. */
#include <stdlib.h>

#include "tritstream.h"

#define SPAN 64 /* logits with one maximum, and one word of the set of tokens seen */
#define LANES 16

/* 2**f for 0 <= f <= 1, interpolated at Chebyshev's nodes; within 1 unit of the last place. */
#define POWERS 13
static const double POWER[POWERS] = {
    0x1.0000000000000p+0,  0x1.62e42fefa39efp-1,  0x1.ebfbdff82c5b5p-3,  0x1.c6b08d704938dp-5,
    0x1.3b2ab6fbca877p-7,  0x1.5d87fe70ad8b4p-10, 0x1.4309140da067cp-13, 0x1.ffcbc9fa714f5p-17,
    0x1.62c342015a2dap-20, 0x1.b4e16146b51f7p-24, 0x1.e8ac49615a76bp-28, 0x1.c4e70feee0a77p-32,
    0x1.401d36903e2f6p-35,
};
#define LOG2_E 0x1.71547652b82fep+0
#define LEAST_EXPONENT -100.0 /* further down all weights are zero */

/* The largest of SPAN floats; NaN where one of them is. */
static float largest_of(const float *at) {
    float most[LANES];
    int odd[LANES];
    for (int j = 0; j < LANES; j++) most[j] = at[j], odd[j] = at[j] != at[j];
    for (int i = LANES; i < SPAN; i += LANES) {
        for (int j = 0; j < LANES; j++) {
            most[j] = at[i + j] > most[j] ? at[i + j] : most[j];
            odd[j] |= at[i + j] != at[i + j];
        }
    }
    int any = 0;
    for (int j = 0; j < LANES; j++) {
        any |= odd[j];
        most[0] = most[j] > most[0] ? most[j] : most[0];
    }
    return any ? NAN : most[0];
}

/* The same of up to SPAN whose bit in `without` is clear; NaN where any is. */
static float largest_without(const float *at, int64_t n, uint64_t without) {
    float most = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (at[i] != at[i]) return NAN;
        if (!(without >> i & 1) && at[i] > most) most = at[i];
    }
    return most;
}

/* The count-th largest of n values, which are brought into another order. */
static float select_largest(float *values, int64_t n, int64_t count) {
    int64_t first = 0, last = n - 1, place = count - 1;
    while (first < last) {
        float pivot = values[first + (last - first) / 2];
        int64_t i = first, j = last;
        while (i <= j) {
            while (values[i] > pivot) i++;
            while (values[j] < pivot) j--;
            if (i <= j) {
                float value = values[i];
                values[i++] = values[j], values[j--] = value;
            }
        }
        if (place <= j) {
            last = j;
        } else if (place >= i) {
            first = i;
        } else {
            break;
        }
    }
    return values[place];
}

static int64_t candidates(const float *logits, int64_t n, const Draw *d, int64_t count,
                          float *scratch, Candidate *found) {
    int64_t spans = (n + SPAN - 1) / SPAN, many = 0;
    float *maxima = scratch, *ordered = scratch + spans;
    for (int64_t s = 0; s < spans; s++) {
        const float *at = logits + s * SPAN;
        int64_t size = n - s * SPAN < SPAN ? n - s * SPAN : SPAN;
        uint64_t seen = d->seen[s];
        maxima[s] = size == SPAN && !seen ? largest_of(at) : largest_without(at, size, seen);
        if (maxima[s] != maxima[s]) return DRAW_NAN;
        ordered[s] = maxima[s];
    }
    /* So many tokens are no smaller than this that no smaller one is among the likeliest. */
    float least = count <= spans ? select_largest(ordered, spans, count) : -INFINITY;
    for (int64_t s = 0; s < spans; s++) {
        if (maxima[s] < least && !d->seen[s]) continue;
        for (int64_t i = s * SPAN; i < n && i < (s + 1) * SPAN; i++) {
            double score = logits[i];
            if (d->seen[s] >> i % SPAN & 1) score = score > 0 ? score / d->penalty : score * d->penalty;
            if (score >= least) found[many++] = (Candidate){score, i};
        }
    }
    return many;
}

static int likelier_first(const void *a, const void *b) {
    const Candidate *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* 2**40 * exp(x), rounded, by the same operations in the same order as `_weights` of sampling.py. */
static int64_t weight(double x) {
    double y = (x > LEAST_EXPONENT ? x : LEAST_EXPONENT) * LOG2_E, whole = floor(y), part = y - whole;
    double power = POWER[POWERS - 1];
    for (int i = POWERS - 2; i >= 0; i--) power = power * part + POWER[i];
    return (int64_t)rint(ldexp(power, (int)whole + 40));
}

int64_t tritstream_draw(const float *logits, int64_t n, const Draw *d, double uniform, float *scratch,
                        Candidate *found, int64_t *cumulative) {
    int64_t count = d->temperature == 0 ? 1 : d->top_k;
    int64_t many = candidates(logits, n, d, count, scratch, found);
    if (many < 0) return many;
    qsort(found, (size_t)many, sizeof *found, likelier_first);
    double best = found[0].score;
    if (!isfinite(best)) return DRAW_NOTHING;
    if (d->temperature == 0) return found[0].id;
    if (many > count) many = count;
    int64_t total = 0, keep = 0, place = 0;
    for (int64_t i = 0; i < many; i++) {
        total += weight((found[i].score - best) / d->temperature);
        cumulative[i] = total;
    }
    while ((double)cumulative[keep] < d->top_p * (double)total) keep++;
    int64_t drawn = (int64_t)(uniform * (double)cumulative[keep]);
    while (place < keep && cumulative[place] <= drawn) place++;
    return found[place].id;
}
