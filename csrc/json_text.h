/* json_text.h -- replaces lone surrogates in JSON text (RFC 8259 section 8.2).
 *
 * JavaScript writes half of a surrogate pair as an escape. UTF-8 cannot encode it:
 *
 *     "\ud83d\ude00"    a pair: one character
 *     "\ud83d"          half of a pair: becomes "\ufffd", which has the same length
 */
#ifndef TSIO_JSON_TEXT_H
#define TSIO_JSON_TEXT_H

#include "base.h"

/* Replaces each escape of a lone surrogate in `text` by that of U+FFFD, in place. Does not check
 * that the text is JSON; JSON stays JSON, and other text does not become JSON. `text` may be NULL
 * when len is 0. Returns whether there was such an escape. O(len). */
bool tsio_json_replace_lone_surrogates(uint8_t *text, size_t len);

#endif
