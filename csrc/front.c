#define _DEFAULT_SOURCE /* madvise() */

#include "front.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "buf.h"

/* Chunks double until they have the size of a huge page, which they then try to be:
 * in a crowd that comes in no order, looking up pages costs more than the fronts. */
enum { LINE = sizeof(tsio_front), FIRST_BYTES = 1 << 16, HUGE_BYTES = 1 << 21 };

/* In the place of a chunk's first front. */
typedef struct chunk {
    struct chunk *prev, *next; /* of those that have room */
    void *block;               /* as it was allocated */
    tsio_front *given_back;    /* linked by `ahead` */
    uint32_t used, fresh, end; /* how many are taken; the first place that never was; behind the last one */
} chunk;

_Static_assert(sizeof(chunk) <= LINE, "the head of a chunk has a front's place");
_Static_assert(HUGE_BYTES / LINE <= UINT16_MAX + 1, "a place is told by 16 bits");

static chunk *roomy;       /* the chunks that have room */
static size_t chunk_bytes; /* of all of them, with room or without */

static void enlist(chunk *added)
{
    added->prev = NULL;
    added->next = roomy;
    if (roomy != NULL)
        roomy->prev = added;
    roomy = added;
}

static void delist(const chunk *removed)
{
    if (removed->next != NULL)
        removed->next->prev = removed->prev;
    if (removed->prev != NULL)
        removed->prev->next = removed->next;
    else
        roomy = removed->next;
}

/* As many bytes as there are in all chunks, within limits. */
static size_t next_size(void)
{
    size_t size = FIRST_BYTES;
    while (size < chunk_bytes && size < HUGE_BYTES)
        size *= 2;
    return size;
}

static chunk *new_chunk(void)
{
    const size_t size = next_size(), alignment = size == HUGE_BYTES ? HUGE_BYTES : LINE;
    char *block = tsio_alloc.realloc(NULL, size + alignment - 1);
    if (block == NULL)
        return NULL;
    chunk *made = (chunk *)(void *)(block + (alignment - (uintptr_t)block % alignment) % alignment);
#ifdef MADV_HUGEPAGE
    if (size == HUGE_BYTES)
        madvise(made, size, MADV_HUGEPAGE); /* or it stays as it is */
#endif
    *made = (chunk){.block = block, .fresh = 1, .end = (uint32_t)(size / LINE)};
    chunk_bytes += size;
    enlist(made);
    return made;
}

static bool is_full(const chunk *tested)
{
    return tested->used + 1 == tested->end;
}

tsio_front *tsio_front_new(struct tsio_conn *conn)
{
    chunk *from = roomy != NULL ? roomy : new_chunk();
    if (from == NULL)
        return NULL;
    tsio_front *front = from->given_back;
    uint16_t place;
    if (front != NULL) {
        from->given_back = (tsio_front *)(uintptr_t)front->ahead;
        place = front->place;
    } else {
        place = (uint16_t)from->fresh++;
        front = (tsio_front *)(void *)from + place;
    }
    from->used++;
    if (is_full(from))
        delist(from);
    *front = (tsio_front){.conn = conn, .fd = -1, .place = place};
    return front;
}

void tsio_front_free(tsio_front *front)
{
    if (front == NULL)
        return;
    chunk *to = (chunk *)(void *)(front - front->place);
    if (is_full(to))
        enlist(to);
    front->ahead = to->given_back;
    to->given_back = front;
    if (--to->used > 0)
        return;
    delist(to);
    chunk_bytes -= (size_t)to->end * LINE;
    tsio_alloc.free(to->block);
}
