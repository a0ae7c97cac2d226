/* wheel.h -- the timers of all sessions in one hashed wheel.
 *
 *     tick   ...  n     n+1    n+2   ...  n+511      a tick is 1/16 s or the like,
 *     slot       [ ]----[ ]----[ ]--- ... ---[ ]     slot = tick mod 512
 *                 |             |
 *           [deadline, node]  [deadline, node]
 *           [deadline, node]                         (arrays, in no order)
 *
 * A node stands in the slot of its deadline's tick or, when its deadline was put
 * off meanwhile, in an earlier one, from which it moves on when that comes up.
 * So a heartbeat that is answered costs one store. Deadlines are exact all the
 * same: the tick decides where a node stands, never when it expires.
 *
 * Entries of a slot are contiguous, so that expiry does not chase pointers. An empty slot
 * owns no memory, so an empty wheel does not. If there is no memory for an entry, its
 * node goes on the `unslotted` list, which every expiry checks.
 *
 * Times are seconds of one monotonic clock, not negative. The wheel owns no node,
 * and must not be moved. Not thread-safe.
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
    uint32_t at;                   /* of the slot's entries */
    uint16_t slot;
    bool linked;
} tsio_wheel_node;

typedef struct {
    double deadline; /* the node's */
    tsio_wheel_node *node;
} tsio_wheel_entry;

typedef struct {
    tsio_wheel_entry *entries; /* NULL while there is none */
    uint32_t count, cap;
} tsio_wheel_slot;

typedef struct {
    tsio_wheel_slot slots[TSIO_WHEEL_SLOTS + 1]; /* the last one holds what was found due */
    uint64_t occupied[TSIO_WHEEL_SLOTS / 64];    /* a bit for each slot that is not empty */
    tsio_wheel_node *unslotted; /* linked nodes without a slot */
    double tick;
    uint64_t now_tick; /* the next tick to be looked at: all before it are over */
    size_t count;      /* linked nodes */
    const tsio_wheel_node *first; /* the earliest deadline; NULL: to be looked for */
} tsio_wheel;

/* `tick` > 0, in seconds: the longer, the more nodes share a slot. */
void tsio_wheel_init(tsio_wheel *wheel, double tick, double now);

/* Gives back what slots with nodes in them own; those are not to be used with the wheel again. */
void tsio_wheel_free(tsio_wheel *wheel);

/* Links the node, or moves it if it is linked, so that it expires at `deadline`.
 * A deadline in the past is due at once; one that is infinite (or no number) never.
 * O(1) amortised; cannot fail. */
void tsio_wheel_schedule(tsio_wheel *wheel, tsio_wheel_node *node, double deadline);

/* The node that expire is about to return after so many others, or NULL: a guess, for prefetching. O(1). */
static inline tsio_wheel_node *tsio_wheel_ahead(const tsio_wheel *wheel, uint32_t others)
{
    const tsio_wheel_slot *due = &wheel->slots[TSIO_WHEEL_SLOTS];
    return others < due->count ? due->entries[due->count - 1 - others].node : NULL;
}

/* Unlinks the node; nothing happens when it is not linked. O(1). */
void tsio_wheel_cancel(tsio_wheel *wheel, tsio_wheel_node *node);

/* Unlinks one node whose deadline is at or before `now` and returns it; NULL when
 * there is none. In no particular order. The caller may schedule and cancel any
 * nodes between two calls. `now` may jump: at most 512 slots are looked at. All
 * calls until NULL together are O(slots passed + nodes in them). */
tsio_wheel_node *tsio_wheel_expire(tsio_wheel *wheel, double now);

/* The earliest deadline, exactly; INFINITY when nothing is linked. O(1) unless the
 * node that had it has expired or was cancelled or put off, then O(slots up to the
 * earliest deadline + nodes in them). */
double tsio_wheel_next(tsio_wheel *wheel);

#endif
