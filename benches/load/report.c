#include "load/report.h"

#include <inttypes.h>
#include <stdio.h>

static bool first = true;

static void name_member(const char *name)
{
    printf(first ? "\"%s\":" : ",\"%s\":", name);
    first = false;
}

void report_begin(void)
{
    putchar('{');
    first = true;
}

/* Whoever waits for the line sits behind a pipe. */
void report_end(void)
{
    puts("}");
    fflush(stdout);
}

void report_object(const char *name)
{
    name_member(name);
    putchar('{');
    first = true;
}

void report_object_end(void)
{
    putchar('}');
    first = false;
}

void report_count(const char *name, uint64_t value)
{
    name_member(name);
    printf("%" PRIu64, value);
}

void report_number(const char *name, double value)
{
    name_member(name);
    printf("%.4f", value);
}

void report_per_client(const char *name, uint64_t total, uint64_t clients)
{
    report_number(name, clients > 0 ? (double)total / (double)clients : 0);
}

/* The texts are words of ours: nothing in them needs an escape. */
void report_text(const char *name, const char *value)
{
    name_member(name);
    printf("\"%s\"", value);
}

void report_flag(const char *name, bool value)
{
    name_member(name);
    fputs(value ? "true" : "false", stdout);
}

static void report_null(const char *name)
{
    name_member(name);
    fputs("null", stdout);
}

/* --- what all scenarios tell --------------------------------------------------------- */

void report_setting(const bench_load *load, uint32_t clients)
{
    const bench_options *options = load->options;
    report_text("scenario", options->scenario);
    report_text("transport", OPTIONS_TRANSPORTS[options->transport]);
    report_count("clients", clients);
    report_count("payload", options->payload);
    report_flag("binary", options->binary);
}

static double us(uint64_t ns)
{
    return (double)ns / 1e3;
}

void report_tally(const bench_tally *tally, double seconds)
{
    report_count("deliveries", tally->deliveries);
    report_count("expected", tally->expected);
    report_count("measured", tally->measured);
    report_number("rate", seconds > 0 ? (double)tally->measured / seconds : 0);
    report_number("p50_us", us(histogram_at(&tally->latency, 0.50)));
    report_number("p99_us", us(histogram_at(&tally->latency, 0.99)));
    report_number("max_us", us(tally->latency.max));
}

void report_faults(const bench_load *load)
{
    report_count("errors", load->errors);
    report_count("lost", load->lost);
    report_count("pings", load->pings);
}

void report_usage(const bench_load *load, const cpu_usage *usage, uint64_t deliveries)
{
    const double wall = (double)usage->wall_ns;
    report_number("seconds", wall / 1e9);
    report_number("client_cpu", wall > 0 ? (double)usage->client_ns / wall : 0);
    if (load->options->server_pid == 0 || usage->wall_ns == 0) {
        report_null("server_cpu");
        report_null("server_cpu_us_per_delivery");
        return;
    }
    report_number("server_cpu", (double)usage->server_ns / wall);
    if (deliveries > 0)
        report_number("server_cpu_us_per_delivery", us(usage->server_ns) / (double)deliveries);
    else
        report_null("server_cpu_us_per_delivery");
}
