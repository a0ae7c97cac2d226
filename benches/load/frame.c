#include "load/frame.h"

size_t frame_build(uint8_t *dst, uint8_t opcode, size_t payload_len, const uint8_t *key)
{
    const uint8_t mask_bit = key != NULL ? 0x80 : 0;
    size_t header_len = 2;
    dst[0] = (uint8_t)(0x80 | opcode);
    if (payload_len < 126) {
        dst[1] = (uint8_t)(mask_bit | payload_len);
    } else if (payload_len <= UINT16_MAX) {
        dst[1] = mask_bit | 126;
        tsio_store_be16(dst + 2, (uint16_t)payload_len);
        header_len = 4;
    } else {
        dst[1] = mask_bit | 127;
        tsio_store_be64(dst + 2, payload_len);
        header_len = 10;
    }
    if (key == NULL)
        return header_len;
    memcpy(dst + header_len, key, 4);
    return header_len + 4;
}
