#include "ws_frame_bits.h"

enum { CLOSE_REASON_MAX = TSIO_WS_CONTROL_MAX - 2 };

size_t tsio_ws_header_len(uint64_t payload_len)
{
    return payload_len < TSIO_WS_LENGTH_16 ? 2 : payload_len <= UINT16_MAX ? 4 : 10;
}

size_t tsio_ws_header_build(uint8_t dst[10], uint8_t opcode, uint64_t payload_len)
{
    const size_t header_len = tsio_ws_header_len(payload_len);
    dst[0] = (uint8_t)(TSIO_WS_BIT_FIN | opcode);
    if (header_len == 2) {
        dst[1] = (uint8_t)payload_len;
    } else if (header_len == 4) {
        dst[1] = TSIO_WS_LENGTH_16;
        tsio_store_be16(dst + 2, (uint16_t)payload_len);
    } else {
        dst[1] = TSIO_WS_LENGTH_64;
        tsio_store_be64(dst + 2, payload_len);
    }
    return header_len;
}

tsio_ws_payload tsio_ws_payload_at(const uint8_t *frame)
{
    const uint8_t short_len = frame[1];
    const uint64_t len = short_len == TSIO_WS_LENGTH_64   ? tsio_load_be64(frame + 2)
                         : short_len == TSIO_WS_LENGTH_16 ? tsio_load_be16(frame + 2)
                                                          : short_len;
    return (tsio_ws_payload){frame + tsio_ws_header_len(len), (size_t)len, frame[0] & TSIO_WS_BITS_OPCODE};
}

size_t tsio_ws_close_build(uint8_t dst[127], uint16_t code, const uint8_t *reason, size_t reason_len)
{
    if (code == 0 || code == TSIO_WS_CLOSE_NO_STATUS)
        return tsio_ws_header_build(dst, TSIO_WS_CLOSE, 0);
    if (reason_len > CLOSE_REASON_MAX) {
        reason_len = CLOSE_REASON_MAX;
        while (reason_len > 0 && (reason[reason_len] & 0xc0) == 0x80)
            reason_len--;
    }
    const size_t header_len = tsio_ws_header_build(dst, TSIO_WS_CLOSE, 2 + reason_len);
    tsio_store_be16(dst + header_len, code);
    if (reason_len > 0)
        memcpy(dst + header_len + 2, reason, reason_len);
    return header_len + 2 + reason_len;
}
