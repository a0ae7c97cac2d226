/* deflate.h -- permessage-deflate (RFC 7692) without context takeover. All connections
 * share one deflater and one inflater, which are reset for each message, so that no
 * message refers to another one.
 *
 *     81 len |hello hello hello|          a frame as it was built
 *     c1 len |deflate|        00 00 ff ff  RSV1 is set; the last four bytes are always
 *                            `-----------'  the same and not sent (section 7.2.1)
 *
 * A tsio_deflate takes about 300 kB with the usual options, plus room for the largest
 * payload that was deflated. Its memory, and zlib's, comes from the allocator hook.
 * Not thread-safe.
 */
#ifndef TSIO_DEFLATE_H
#define TSIO_DEFLATE_H

#include "buf.h"

typedef struct tsio_deflate tsio_deflate;

/* Makes a deflater and an inflater, owned by the caller. `level` is 1 to 9, `mem_level`
 * 1 to 9, `window_bits` 9 to 15. `window_bits` limits only what we deflate; a client may
 * use a window of 15 bits. Payloads below `threshold` bytes are not compressed, because
 * it is not worth it; messages above `max_bytes` are not, because it takes too long.
 * Returns NULL when there is no memory, or when an option is out of its range. */
tsio_deflate *tsio_deflate_new(int level, int window_bits, int mem_level, size_t threshold, size_t max_bytes);

/* Frees both; NULL is ignored. */
void tsio_deflate_free(tsio_deflate *deflate);

/* Returns whether frames of this length may be compressed. O(1). */
bool tsio_deflate_takes(const tsio_deflate *deflate, size_t frames_len);

/* Appends to `dst` the `parts` data frames of `frames`, which tsio_ws_header_build()
 * built, and compresses each frame that becomes smaller. If none does, appends
 * nothing: the caller then sends `frames` itself. TSIO_E_NO_MEMORY leaves dst as it
 * was. O(bytes). */
tsio_status tsio_deflate_frames(tsio_deflate *deflate, const tsio_buf *frames, uint32_t parts, tsio_buf *dst);

/* Inflates the payload of a whole compressed message, and appends it to `dst`. The payload
 * is `len` bytes at `in`, borrowed and not within dst; NULL is fine when len is 0. Does not
 * check that a text is UTF-8.
 *
 * Returns TSIO_E_MESSAGE_TOO_BIG as soon as the message exceeds `max_bytes`, of which at
 * most one byte more is inflated, or has more than 16384 blocks, because even an empty
 * block takes time. Returns TSIO_E_INFLATE if the payload is not a whole deflate stream, or
 * refers to data outside this message. These two and TSIO_E_NO_MEMORY leave the bytes
 * of dst as they were; its capacity may have grown. */
tsio_status tsio_inflate_message(tsio_deflate *deflate, const uint8_t *in, size_t len, tsio_buf *dst,
                                 uint64_t max_bytes);

#endif
