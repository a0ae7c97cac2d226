/* deflate.h -- permessage-deflate (RFC 7692) without context takeover: the messages
 * of all connections go through one deflater and one inflater, and none of them
 * knows what another one held.
 *
 *     81 len |hello hello hello|          a frame as it was built
 *     c1 len |deflate|        00 00 ff ff  RSV1 is set; the end, which is always the
 *                            `-----------'  same, is not sent (section 7.2.1)
 *
 * About 300 kB with the usual options, and room for the largest payload that was
 * deflated. Its memory, and zlib's, comes from the allocator hook. Not thread-safe.
 */
#ifndef TSIO_DEFLATE_H
#define TSIO_DEFLATE_H

#include "buf.h"

typedef struct tsio_deflate tsio_deflate;

/* `level` is 1 to 9, `mem_level` 1 to 9, `window_bits` 9 to 15; the last of them goes
 * for what is deflated, a client's messages may use a window of 15 bits. Payloads below
 * `threshold` bytes are not worth compressing, messages above `max_bytes` would take too
 * long. Owned by the caller. NULL: no memory, or an option is out of its range. */
tsio_deflate *tsio_deflate_new(int level, int window_bits, int mem_level, size_t threshold, size_t max_bytes);

/* NULL is ignored. */
void tsio_deflate_free(tsio_deflate *deflate);

/* Whether frames of so many bytes are worth a try. O(1). */
bool tsio_deflate_takes(const tsio_deflate *deflate, size_t frames_len);

/* Appends to `dst` the `parts` data frames that stand in `frames`, built by
 * tsio_ws_header_build(), each of them compressed if it is smaller so. If none of
 * them is, nothing is appended: `frames` are what is to be sent. TSIO_E_NO_MEMORY
 * leaves dst as it was. O(bytes). */
tsio_status tsio_deflate_frames(tsio_deflate *deflate, const tsio_buf *frames, uint32_t parts, tsio_buf *dst);

/* Appends to `dst` what the payload of a whole compressed message says: `len` bytes at
 * `in`, borrowed and not within dst; NULL is fine when len is 0. That a text is UTF-8
 * is not checked.
 *
 * TSIO_E_MESSAGE_TOO_BIG as soon as it is certain that this is more than `max_bytes`:
 * never more than one byte above it is inflated; or that there are more than 16384
 * blocks, each of which takes its time, whatever it says. TSIO_E_INFLATE if the payload is not
 * a whole deflate stream, or refers to what is not in this message. Those two and
 * TSIO_E_NO_MEMORY leave dst as it was, but perhaps with more room. */
tsio_status tsio_inflate_message(tsio_deflate *deflate, const uint8_t *in, size_t len, tsio_buf *dst,
                                 uint64_t max_bytes);

#endif
