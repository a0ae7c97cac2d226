/* dialect.h -- the encoding of messages for one client: Engine.IO revision, base64, compression.
 *
 *     revision 4               "4..."   82 len <data>           payload: joined by 1e
 *     revision 3               "4..."   82 len 04 <data>        payload: lengths in front
 *     revision 3, base64       "4..."   81 len b4<base64>       the same, always text
 *     any of them, deflate     c1, c2 instead of 81, 82: if the frame becomes smaller
 *
 * There are few dialects, and all clients share them. NULL is revision 4, uncompressed.
 */
#ifndef TSIO_DIALECT_H
#define TSIO_DIALECT_H

#include "deflate.h"

typedef struct {
    uint8_t revision;      /* of Engine.IO: 3 or 4 */
    bool base64;           /* binary messages are sent as base64 text; ignored in revision 4 */
    tsio_deflate *deflate; /* compresses messages of the WebSocket; NULL: no compression. Not owned */
} tsio_dialect;

static inline bool tsio_dialect_is_revision3(const tsio_dialect *dialect)
{
    return dialect != NULL && dialect->revision == 3;
}

#endif
