#include "base.h"

const char *tsio_status_text(tsio_status status)
{
    switch (status) {
#define TSIO_X(name, value, close_code, text) \
    case TSIO_##name:                         \
        return text;
        TSIO_STATUS_MAP(TSIO_X)
#undef TSIO_X
    }
    return "unknown status";
}

uint16_t tsio_status_close_code(tsio_status status)
{
    switch (status) {
#define TSIO_X(name, value, close_code, text) \
    case TSIO_##name:                         \
        return close_code;
        TSIO_STATUS_MAP(TSIO_X)
#undef TSIO_X
    }
    return 0;
}
