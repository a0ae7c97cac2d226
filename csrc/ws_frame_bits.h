/* ws_frame_bits.h -- fields of a frame's header (RFC 6455 section 5.2), private to the ws_frame*.c files. */
#ifndef TSIO_WS_FRAME_BITS_H
#define TSIO_WS_FRAME_BITS_H

#include "ws_frame.h"

enum {
    TSIO_WS_BIT_FIN = 0x80,
    TSIO_WS_BITS_OPCODE = 0x0f,
    TSIO_WS_LENGTH_16 = 126, /* the length follows in 2 bytes */
    TSIO_WS_LENGTH_64 = 127  /* the length follows in 8 bytes */
};

#endif
