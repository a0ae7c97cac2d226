#include "load/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *grow(void *block, size_t size)
{
    void *grown = realloc(block, size);
    if (grown == NULL)
        fail("out of memory: %zu bytes", size);
    return grown;
}
