/* scenario_idle.c -- clients that only answer pings, until stdin ends. */
#include "load/lines.h"
#include "load/report.h"
#include "load/scenarios.h"

void scenario_idle(bench_load *load)
{
    bench_lines lines;
    char line[LINE_LEN_MAX + 1];
    const uint64_t begin_ns = clock_now_ns();
    load_open_all(load);
    load->may_lose = true;
    report_begin();
    report_count("connected", load->ready);
    report_number("seconds", (double)(clock_now_ns() - begin_ns) / 1e9);
    report_end();

    const cpu_usage begin = cpu_now(load->options->server_pid);
    lines_init(&lines);
    while (lines_next(&lines, load, line))
        ; /* whatever is said, only the end counts */
    const cpu_usage end = cpu_now(load->options->server_pid);
    const cpu_usage usage = cpu_between(&begin, &end);

    report_begin();
    report_setting(load, load->client_count);
    report_faults(load);
    report_usage(load, &usage, 0);
    report_end();
}
