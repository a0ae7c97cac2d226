#include "load/files.h"

#include <errno.h>
#include <string.h>

#include "load/fail.h"

rlim_t files_most(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail("getrlimit: %s", strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail("setrlimit: %s", strerror(errno));
    return limit.rlim_cur;
}
