/* files.h -- how many descriptors a process may hold. */
#ifndef BENCH_FILES_H
#define BENCH_FILES_H

#include <sys/resource.h>

/* Raises the limit as far as it may be raised; returns what it is then. */
rlim_t files_most(void);

#endif
