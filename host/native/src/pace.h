/* How many of an engine's threads are worth using, from how long passes of one token take.
 *
 * A thread that has to share its processor with another program holds up all the others at every barrier.
 * Nothing tells that but time: where passes take much longer than they did at their best, one thread less
 * is tried for a few of them and kept if that is faster, and now and then one more. */
#ifndef TRITSTREAM_PACE_H
#define TRITSTREAM_PACE_H

#include <stdint.h>

#define MOST_THREADS 64

typedef struct {
    int threads, now;
    int trial, before;  /* passes that are left of a trial, and how many threads there were before it */
    int since;          /* passes since the last trial */
    double trial_ns, mean_ns;
    double quickest_ns[MOST_THREADS + 1]; /* by the number of threads; 0 where there was no pass */
} Pace;

Pace pace_of(int threads);
/* The threads to use next. */
static inline int pace_threads(const Pace *p) { return p->now; }
/* A pass of one token with so many took so long. */
void pace_took(Pace *, int64_t ns);

#endif
