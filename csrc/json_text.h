/* json_text.h -- lone surrogates in JSON text (RFC 8259 section 8.2).
 *
 * JavaScript writes half of a surrogate pair as an escape, which no UTF-8 can hold:
 *
 *     "\ud83d\ude00"    a pair: one character
 *     "\ud83d"          half of one: becomes "\ufffd", which is as long
 */
#ifndef TSIO_JSON_TEXT_H
#define TSIO_JSON_TEXT_H

#include "base.h"

/* Replaces each escape of a lone surrogate in `text` by that of U+FFFD, in place. Whether the
 * text is JSON is not looked at; JSON stays JSON, and other text does not become JSON.
 * `text` may be NULL when len is 0. Returns whether there was any. O(len). */
bool tsio_json_replace_lone_surrogates(uint8_t *text, size_t len);

#endif
