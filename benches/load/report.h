/* report.h -- results as lines of JSON on stdout. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "load/load.h"

/* One line: begin, any members, end. Members are written as they are told. */
void report_begin(void);
void report_end(void);
void report_object(const char *name);
void report_object_end(void);
void report_count(const char *name, uint64_t value);
void report_number(const char *name, double value);
/* A mean; 0 if there are no clients. */
void report_per_client(const char *name, uint64_t total, uint64_t clients);
void report_text(const char *name, const char *value);
void report_flag(const char *name, bool value);

/* What the run was: scenario, transport, clients, payload and so on. */
void report_setting(const bench_load *load, uint32_t clients);

/* deliveries, expected, measured, rate, p50_us, p99_us, max_us. */
void report_tally(const bench_tally *tally, double seconds);

/* errors, lost, pings. */
void report_faults(const bench_load *load);

/* seconds, client_cpu, server_cpu, server_cpu_us_per_delivery for so many deliveries. */
void report_usage(const bench_load *load, const cpu_usage *usage, uint64_t deliveries);

#endif
