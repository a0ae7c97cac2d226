#define _DEFAULT_SOURCE /* madvise() */

#include "front.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "buf.h"

/* The size of chunks doubles up to that of a huge page. Chunks of that size use huge pages:
 * when fronts are visited in no order, page table look-ups cost more than the fronts. */
enum { LINE = sizeof(tsio_front), FIRST_BYTES = 1 << 16, HUGE_BYTES = 1 << 21 };

/* The head of a chunk takes the place of its first front. */
typedef struct chunk {
    struct chunk *prev, *next; /* in `chunks_with_room` */
    void *block;               /* the unaligned allocation */
    tsio_front *freed;         /* freed fronts, linked by `ahead` */
    uint32_t used, fresh, end; /* fronts in use; first place that was never used; number of places */
} chunk;

_Static_assert(sizeof(chunk) <= LINE, "the head of a chunk has a front's place");
_Static_assert(HUGE_BYTES / LINE <= UINT16_MAX + 1, "a place fits into 16 bits");

static chunk *chunks_with_room; /* list of the chunks that are not full */
static size_t chunk_bytes;      /* size of all chunks together */

static void enlist(chunk *added)
{
    added->prev = NULL;
    added->next = chunks_with_room;
    if (chunks_with_room != NULL)
        chunks_with_room->prev = added;
    chunks_with_room = added;
}

static void delist(const chunk *removed)
{
    if (removed->next != NULL)
        removed->next->prev = removed->prev;
    if (removed->prev != NULL)
        removed->prev->next = removed->next;
    else
        chunks_with_room = removed->next;
}

/* Returns the size of the next chunk: as many bytes as all chunks have together, within limits. */
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
        madvise(made, size, MADV_HUGEPAGE); /* a failure changes nothing */
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
    chunk *from = chunks_with_room != NULL ? chunks_with_room : new_chunk();
    if (from == NULL)
        return NULL;
    tsio_front *front = from->freed;
    uint16_t place;
    if (front != NULL) {
        from->freed = (tsio_front *)(uintptr_t)front->ahead;
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
    front->ahead = to->freed;
    to->freed = front;
    if (--to->used > 0)
        return;
    delist(to);
    chunk_bytes -= (size_t)to->end * LINE;
    tsio_alloc.free(to->block);
}
