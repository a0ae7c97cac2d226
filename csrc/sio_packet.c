#include "sio_packet.h"

enum { BINARY_EVENT = 5, BINARY_ACK = 6, LAST_TYPE = BINARY_ACK };
enum { COUNT_DIGITS_MAX = 10, ID_DIGITS_MAX = 16 }; /* of 2^32-1 and of 2^53-1 */

static const uint64_t id_max = ((uint64_t)1 << 53) - 1;

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Reads the digits at *pos, moves *pos behind them and returns how many there were.
 * Stops after max_digits + 1 digits, from which the caller sees that there are too many.
 * max_digits is at most 16, so that *value cannot overflow. */
static size_t read_number(const uint8_t *data, size_t len, size_t *pos, size_t max_digits, uint64_t *value)
{
    const size_t start = *pos;
    *value = 0;
    while (*pos < len && *pos - start <= max_digits && is_digit(data[*pos]))
        *value = *value * 10 + (uint64_t)(data[(*pos)++] - '0');
    return *pos - start;
}

static tsio_status read_attachments(const uint8_t *data, size_t len, size_t *pos, uint32_t max, tsio_sio_head *head)
{
    const size_t start = *pos;
    uint64_t count;
    const size_t digits = read_number(data, len, pos, COUNT_DIGITS_MAX, &count);
    if (digits == 0 || digits > COUNT_DIGITS_MAX || data[start] == '0')
        return TSIO_E_ATTACHMENT_COUNT;
    if (*pos == len || data[*pos] != '-')
        return TSIO_E_ATTACHMENT_COUNT;
    if (count > max)
        return TSIO_E_TOO_MANY_ATTACHMENTS;
    ++*pos;
    head->attachments = (uint32_t)count;
    return TSIO_OK;
}

static void read_namespace(const uint8_t *data, size_t len, size_t *pos, tsio_sio_head *head)
{
    if (*pos == len || data[*pos] != '/')
        return;
    const uint8_t *start = data + *pos;
    const uint8_t *comma = memchr(start, ',', len - *pos);
    head->nsp = start;
    head->nsp_len = comma != NULL ? (size_t)(comma - start) : len - *pos;
    *pos += head->nsp_len + (comma != NULL);
}

static tsio_status read_id(const uint8_t *data, size_t len, size_t *pos, tsio_sio_head *head)
{
    const size_t digits = read_number(data, len, pos, ID_DIGITS_MAX, &head->id);
    if (digits > ID_DIGITS_MAX || head->id > id_max)
        return TSIO_E_ACK_ID;
    head->has_id = digits > 0;
    return TSIO_OK;
}

tsio_status tsio_sio_head_parse(const uint8_t *data, size_t len, uint32_t max_attachments, tsio_sio_head *head)
{
    *head = (tsio_sio_head){0};
    if (len == 0 || data[0] < '0' || data[0] > '0' + LAST_TYPE)
        return TSIO_E_PACKET_TYPE;
    head->type = (uint8_t)(data[0] - '0');

    size_t pos = 1;
    if (head->type == BINARY_EVENT || head->type == BINARY_ACK) {
        const tsio_status status = read_attachments(data, len, &pos, max_attachments, head);
        if (status != TSIO_OK)
            return status;
    }
    read_namespace(data, len, &pos, head);
    const tsio_status status = read_id(data, len, &pos, head);
    if (status != TSIO_OK)
        return status;
    head->json_offset = pos;
    return TSIO_OK;
}
