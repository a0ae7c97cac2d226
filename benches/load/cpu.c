#include "load/cpu.h"

#include <string.h>

#include "load/clock.h"
#include "load/fail.h"

/* The CPU clock of another process counts what /proc/PID/stat does, ended threads
 * included, but in nanoseconds instead of in ticks of 10 ms. */
static uint64_t process_ns(pid_t pid)
{
    clockid_t clock;
    const int error = clock_getcpuclockid(pid, &clock);
    if (error != 0)
        fail("--server-pid %d: %s", (int)pid, strerror(error));
    return clock_ns(clock);
}

cpu_usage cpu_now(pid_t server)
{
    return (cpu_usage){
        .wall_ns = clock_now_ns(),
        .client_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
        .server_ns = server != 0 ? process_ns(server) : 0,
    };
}

cpu_usage cpu_between(const cpu_usage *begin, const cpu_usage *end)
{
    return (cpu_usage){
        .wall_ns = end->wall_ns - begin->wall_ns,
        .client_ns = end->client_ns - begin->client_ns,
        .server_ns = end->server_ns - begin->server_ns,
    };
}
