/* A persistent pool of threads that all run one function, with barriers between its phases. */
#ifndef TRITSTREAM_POOL_H
#define TRITSTREAM_POOL_H

typedef struct Pool Pool;

/* `threads` in all, the caller's among them. Null where no memory or no thread could be had. */
Pool *pool_create(int threads);
void pool_destroy(Pool *);

/* Run work(argument, thread) on so many of the threads, 0 being the caller's, and wait for all. */
void pool_run(Pool *, int threads, void (*work)(void *argument, int thread), void *argument);

/* Wait, within a running work, until every thread has come here. */
void pool_barrier(Pool *);

#endif
