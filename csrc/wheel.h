/* wheel.h -- the timers of all sessions in one hashed wheel.
 *
 *     tick   ...  n     n+1    n+2   ...  n+511      a tick is 1/16 s or the like,
 *     slot       [ ]----[ ]----[ ]--- ... ---[ ]     slot = tick mod 512
 *                 |             |
 *           [deadline, node]  [deadline, node]
 *           [deadline, node]                         (arrays, in no order)
 *
 * A node stands in the slot of its deadline's tick. When its deadline is put off, the
 * node stays in its slot, and moves on when the tick of that slot comes. So
 * a heartbeat that is answered costs one store. Deadlines are exact nevertheless:
 * the tick decides where a node stands, never when it expires.
 *
 * Entries of a slot are contiguous, so that expiry does not chase pointers. An empty slot
 * owns no memory, and so an empty wheel owns none. If there is no memory for an entry, its
 * node goes on the `unslotted` list, which every expiry checks.
 *
 * Times are seconds of one monotonic clock, not negative. The wheel does not own its
 * nodes, and must not be moved. Not thread-safe.
 */
#ifndef TSIO_WHEEL_H
#define TSIO_WHEEL_H

#include "base.h"

enum { TSIO_WHEEL_SLOTS = 512 };

/* Part of the caller's object. Zero-initialised: not linked. A linked node must
 * neither be moved nor freed. `deadline` and `linked` may be read. */
typedef struct tsio_wheel_node {
    double deadline;
    struct tsio_wheel_node *next_unslotted;
    uint32_t at;                   /* index in the slot's entries */
    uint16_t slot;
    bool linked;
} tsio_wheel_node;

typedef struct {
    double deadline; /* a copy of the node's */
    tsio_wheel_node *node;
} tsio_wheel_entry;

typedef struct {
    tsio_wheel_entry *entries; /* NULL while there is none */
    uint32_t count, cap;
} tsio_wheel_slot;

typedef struct {
    tsio_wheel_slot slots[TSIO_WHEEL_SLOTS + 1]; /* the last one holds the nodes that are due */
    uint64_t occupied[TSIO_WHEEL_SLOTS / 64];    /* a bit for each slot that is not empty */
    tsio_wheel_node *unslotted; /* linked nodes without a slot */
    double tick;
    uint64_t now_tick; /* the next tick to be checked; all ticks before it are over */
    size_t count;      /* linked nodes */
    const tsio_wheel_node *first; /* the node with the earliest deadline; NULL: not known, or no node */
} tsio_wheel;

/* Initialises a wheel. `tick` > 0, in seconds: the longer it is, the more nodes share a slot. */
void tsio_wheel_init(tsio_wheel *wheel, double tick, double now);

/* Frees the slots. Nodes that are still linked must not be used with the wheel again. */
void tsio_wheel_free(tsio_wheel *wheel);

/* Links the node, or moves it if it is linked, so that it expires at `deadline`.
 * A deadline in the past is due at once; INFINITY or NAN is never due.
 * O(1) amortised; cannot fail. */
void tsio_wheel_schedule(tsio_wheel *wheel, tsio_wheel_node *node, double deadline);

/* Returns the node that tsio_wheel_expire() will probably return after `others` other nodes, or NULL. Only for
 * prefetching. O(1). */
static inline tsio_wheel_node *tsio_wheel_ahead(const tsio_wheel *wheel, uint32_t others)
{
    const tsio_wheel_slot *due = &wheel->slots[TSIO_WHEEL_SLOTS];
    return others < due->count ? due->entries[due->count - 1 - others].node : NULL;
}

/* Unlinks the node; does nothing if it is not linked. O(1). */
void tsio_wheel_cancel(tsio_wheel *wheel, tsio_wheel_node *node);

/* Unlinks one node whose deadline is at or before `now` and returns it; NULL if there
 * is none. The order is unspecified. The caller may schedule and cancel any nodes
 * between two calls. `now` may jump: at most 512 slots are checked. All calls until
 * NULL together are O(slots passed + nodes in them). */
tsio_wheel_node *tsio_wheel_expire(tsio_wheel *wheel, double now);

/* Returns the earliest deadline, exactly; INFINITY if no node is linked. O(1), unless the
 * node that had the earliest deadline has expired or was cancelled or put off: then
 * O(slots up to the earliest deadline + nodes in them). */
double tsio_wheel_next(tsio_wheel *wheel);

#endif
