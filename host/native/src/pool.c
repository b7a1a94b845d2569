#define _GNU_SOURCE /* CPU_COUNT */
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
#define THREADS_SHIFT 24 /* in the number of a job */

struct Pool {
    int threads, spins;
    int active; /* threads of the job that runs or ran last */
    void (*work)(void *, int);
    void *argument;
    atomic_uint job;       /* number of the job that runs or ran last, and above it its threads */
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
    int active = pool->active; /* whoever comes last may begin another job with others */
    if (active == 1) return;
    unsigned round = atomic_load_explicit(&pool->round, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) + 1 == active) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->round, round + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&pool->round, memory_order_acquire) == round; spins++) {
        if (spins < pool->spins) {
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

/* Wait for a job other than `last`; it is not expected soon unless `soon`. */
static unsigned next_job(Pool *pool, unsigned last, int soon) {
    int64_t end = 0;
    for (int i = 0; soon; i++) {
        unsigned job = atomic_load_explicit(&pool->job, memory_order_acquire);
        if (job != last) return job;
        if (i < pool->spins) {
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
    int mine = 1;
    for (;;) {
        job = next_job(worker.pool, job, mine);
        if (atomic_load_explicit(&worker.pool->stop, memory_order_acquire)) return 0;
        mine = worker.index < (int)(job >> THREADS_SHIFT);
        if (!mine) continue;
        worker.pool->work(worker.pool->argument, worker.index);
        pool_barrier(worker.pool);
    }
}

static void announce(Pool *pool) {
    unsigned last = atomic_load_explicit(&pool->job, memory_order_relaxed);
    unsigned number = (last + 1) & ((1u << THREADS_SHIFT) - 1);
    pthread_mutex_lock(&pool->mutex);
    atomic_store_explicit(&pool->job, (unsigned)pool->active << THREADS_SHIFT | number, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_run(Pool *pool, int threads, void (*work)(void *, int), void *argument) {
    pool->active = threads;
    pool->work = work;
    pool->argument = argument;
    if (threads > 1) announce(pool);
    work(argument, 0);
    pool_barrier(pool);
}

/* Threads that are more than the processors at hand would spin in each other's time. */
static int spins_of(int threads) {
    int processors = 0;
#if defined(__linux__)
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set)) processors = CPU_COUNT(&set);
#endif
    return processors && threads > processors ? 0 : BARRIER_SPINS;
}

Pool *pool_create(int threads) {
    Pool *pool = 0;
    if (posix_memalign((void **)&pool, 64, sizeof *pool)) return 0;
    *pool = (Pool){.threads = threads, .active = 1, .spins = spins_of(threads)};
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
