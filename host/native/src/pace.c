#include "pace.h"

#if defined(RESTLESS) /* for tests: another number of threads at almost every pass */
#define TRIAL 1
#define CALM 1
#define LATER 1
#define DISTURBED 0
#else
#define TRIAL 4       /* passes */
#define CALM 16       /* passes between trials of fewer threads */
#define LATER 128     /* passes until one more thread is tried again */
#define DISTURBED 1.4 /* times the quickest pass, on average */
#endif
#define WORTH 0.9        /* times the mean, for a trial to be kept */
#define OUTLIER 4        /* times the mean, beyond which a pass counts no more */
#define FORGETTING 1.001 /* of the quickest pass, in which luck may have had a part */

Pace pace_of(int threads) { return (Pace){.threads = threads, .now = threads}; }

static void try(Pace *p, int threads) {
    p->before = p->now;
    p->now = threads;
    p->trial = TRIAL;
    p->trial_ns = 0;
}

void pace_took(Pace *p, int64_t ns) {
    double took = (double)ns, *quickest = &p->quickest_ns[p->now];
    if (p->threads == 1) return;
    *quickest = *quickest == 0 || took < *quickest ? took : *quickest * FORGETTING;
    if (p->trial) {
        p->trial_ns += took;
        if (--p->trial) return;
        double mean = p->trial_ns / TRIAL;
        if (mean < WORTH * p->mean_ns) {
            p->mean_ns = mean;
        } else {
            p->now = p->before;
        }
        p->since = 0;
        return;
    }
    if (p->mean_ns == 0) p->mean_ns = took;
    double most = OUTLIER * p->mean_ns;
    p->mean_ns += ((took < most ? took : most) - p->mean_ns) / 8;
    p->since++;
    if (p->now > 1 && p->since >= CALM && p->mean_ns > DISTURBED * p->quickest_ns[p->now]) {
        try(p, p->now - 1);
    } else if (p->now < p->threads && p->since >= LATER) {
        try(p, p->now + 1);
    }
}
