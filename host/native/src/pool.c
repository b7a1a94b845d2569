#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__) || defined(__arm__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() ((void)0)
#endif

/* A phase takes some 10 to 100 us, so whoever waits for its end looks for that long before it offers
 * its processor to others. Between two tokens the next one is chosen, which takes as long: a thread goes
 * on offering its processor until then, because waking it up would take longer, and sleeps after it. */
#define BARRIER_SPINS 2000
#define IDLE_NS 500000

struct Pool {
    int threads;
    void (*work)(void *, int);
    void *argument;
    atomic_uint job;       /* number of the job that runs or ran last */
    atomic_int stop;
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint round; /* number of the barrier that was passed last */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    pthread_t *workers;
    int started;
};

typedef struct {
    Pool *pool;
    int index;
} Worker;

void pool_barrier(Pool *pool) {
    if (pool->threads == 1) return;
    unsigned round = atomic_load_explicit(&pool->round, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) + 1 == pool->threads) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->round, round + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&pool->round, memory_order_acquire) == round; spins++) {
        if (spins < BARRIER_SPINS) {
            RELAX();
        } else {
            sched_yield();
        }
    }
}

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Wait for a job other than `last`; its number, or `last` when the pool is to stop. */
static unsigned next_job(Pool *pool, unsigned last) {
    int64_t end = 0;
    for (int i = 0;; i++) {
        unsigned job = atomic_load_explicit(&pool->job, memory_order_acquire);
        if (job != last) return job;
        if (i < BARRIER_SPINS) {
            RELAX();
            continue;
        }
        int64_t now = nanoseconds();
        if (!end) end = now + IDLE_NS;
        if (now >= end) break;
        sched_yield();
    }
    pthread_mutex_lock(&pool->mutex);
    unsigned job;
    while ((job = atomic_load_explicit(&pool->job, memory_order_acquire)) == last) {
        pthread_cond_wait(&pool->wake, &pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return job;
}

static void *worker_main(void *argument) {
    Worker worker = *(Worker *)argument;
    free(argument);
    unsigned job = 0;
    for (;;) {
        job = next_job(worker.pool, job);
        if (atomic_load_explicit(&worker.pool->stop, memory_order_acquire)) return 0;
        worker.pool->work(worker.pool->argument, worker.index);
        pool_barrier(worker.pool);
    }
}

static void announce(Pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add_explicit(&pool->job, 1, memory_order_acq_rel);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_run(Pool *pool, void (*work)(void *, int), void *argument) {
    pool->work = work;
    pool->argument = argument;
    if (pool->threads > 1) announce(pool);
    work(argument, 0);
    pool_barrier(pool);
}

int pool_threads(const Pool *pool) { return pool->threads; }

Pool *pool_create(int threads) {
    Pool *pool = 0;
    if (posix_memalign((void **)&pool, 64, sizeof *pool)) return 0;
    *pool = (Pool){.threads = threads};
    pthread_mutex_init(&pool->mutex, 0);
    pthread_cond_init(&pool->wake, 0);
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    for (int i = 1; pool->workers && i < threads; i++) {
        Worker *worker = malloc(sizeof *worker);
        if (!worker) break;
        *worker = (Worker){pool, i};
        if (pthread_create(&pool->workers[pool->started], 0, worker_main, worker)) {
            free(worker);
            break;
        }
        pool->started++;
    }
    if (pool->started != threads - 1) {
        pool_destroy(pool);
        return 0;
    }
    return pool;
}

void pool_destroy(Pool *pool) {
    if (!pool) return;
    atomic_store_explicit(&pool->stop, 1, memory_order_release);
    announce(pool);
    for (int i = 0; i < pool->started; i++) pthread_join(pool->workers[i], 0);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}
