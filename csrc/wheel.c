#include "wheel.h"

#include <math.h>

enum { DUE = TSIO_WHEEL_SLOTS, SLOT_MASK = TSIO_WHEEL_SLOTS - 1 };

/* Beyond this a double has no room for single ticks: there, all times are one. */
static const uint64_t LAST_TICK = UINT64_C(1) << 53;

/* Monotonic in `time`, which is what keeps deadlines exact whatever the rounding:
 * a node that is due never stands in a slot behind the one of `now`. */
static uint64_t tick_of(const tsio_wheel *wheel, double time)
{
    const double tick = time / wheel->tick;
    if (tick <= 0)
        return 0;
    return tick < (double)LAST_TICK ? (uint64_t)tick : LAST_TICK;
}

/* --- lists --------------------------------------------------------------- */

static void link_node(tsio_wheel *wheel, tsio_wheel_node *node, uint32_t slot)
{
    tsio_wheel_node *head = &wheel->slots[slot];
    node->slot = slot;
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
    if (slot != DUE)
        wheel->occupied[slot / 64] |= UINT64_C(1) << slot % 64;
}

static void unlink_node(tsio_wheel *wheel, tsio_wheel_node *node)
{
    const tsio_wheel_node *head = &wheel->slots[node->slot];
    node->prev->next = node->next;
    node->next->prev = node->prev;
    if (node->slot != DUE && head->next == head)
        wheel->occupied[node->slot / 64] &= ~(UINT64_C(1) << node->slot % 64);
}

/* Where a deadline belongs. One in the past goes where we look first. */
static uint64_t home_tick(const tsio_wheel *wheel, double deadline)
{
    const uint64_t tick = tick_of(wheel, deadline);
    return tick > wheel->now_tick ? tick : wheel->now_tick;
}

/* The tick at which the node's slot is looked at next. */
static uint64_t visit_tick(const tsio_wheel *wheel, const tsio_wheel_node *node)
{
    if (node->slot == DUE)
        return 0;
    return wheel->now_tick + ((node->slot - wheel->now_tick) & SLOT_MASK);
}

/* The next slot that is not empty, at or after tick `from`; `until` when there is
 * none before it. */
static uint64_t next_occupied(const tsio_wheel *wheel, uint64_t from, uint64_t until)
{
    while (from < until) {
        const uint64_t word = wheel->occupied[(from & SLOT_MASK) / 64] >> from % 64;
        if (word != 0) {
            from += (uint64_t)__builtin_ctzll(word);
            return from < until ? from : until;
        }
        from += 64 - from % 64;
    }
    return until;
}

/* --- schedule and cancel ------------------------------------------------- */

void tsio_wheel_init(tsio_wheel *wheel, double tick, double now)
{
    *wheel = (tsio_wheel){.tick = tick};
    wheel->now_tick = tick_of(wheel, now);
    for (uint32_t slot = 0; slot <= DUE; slot++)
        wheel->slots[slot].prev = wheel->slots[slot].next = &wheel->slots[slot];
}

void tsio_wheel_schedule(tsio_wheel *wheel, tsio_wheel_node *node, double deadline)
{
    if (isnan(deadline))
        deadline = INFINITY;
    const uint64_t home = home_tick(wheel, deadline);
    if (wheel->first == node && deadline > node->deadline)
        wheel->first = NULL;
    node->deadline = deadline;
    if (!node->linked) {
        wheel->count++;
        node->linked = true;
        link_node(wheel, node, (uint32_t)(home & SLOT_MASK));
        if (wheel->count == 1)
            wheel->first = node;
    } else if (visit_tick(wheel, node) > home) {
        unlink_node(wheel, node);
        link_node(wheel, node, (uint32_t)(home & SLOT_MASK));
    }
    if (wheel->first != NULL && deadline < wheel->first->deadline)
        wheel->first = node;
}

void tsio_wheel_cancel(tsio_wheel *wheel, tsio_wheel_node *node)
{
    if (!node->linked)
        return;
    unlink_node(wheel, node);
    wheel->count--;
    node->linked = false;
    node->prev = node->next = NULL;
    if (wheel->first == node)
        wheel->first = NULL;
}

/* --- expire -------------------------------------------------------------- */

/* Puts every node of the slot where it belongs now: among the due ones, in the
 * slot of its deadline, or (due later in this tick, or in another turn) nowhere else. */
static void sort_slot(tsio_wheel *wheel, uint32_t slot, double now)
{
    const tsio_wheel_node *head = &wheel->slots[slot];
    for (tsio_wheel_node *node = head->next, *next; node != head; node = next) {
        next = node->next;
        const uint32_t home =
            node->deadline <= now ? (uint32_t)DUE : (uint32_t)(home_tick(wheel, node->deadline) & SLOT_MASK);
        if (home == slot)
            continue;
        unlink_node(wheel, node);
        link_node(wheel, node, home);
    }
}

/* Looks at every slot whose tick has begun, each at most once. The last one stays
 * current: its tick is not over. */
static void advance(tsio_wheel *wheel, double now)
{
    const uint64_t from = wheel->now_tick;
    wheel->now_tick = home_tick(wheel, now);
    const uint64_t last = wheel->now_tick - from < TSIO_WHEEL_SLOTS ? wheel->now_tick : from + SLOT_MASK;
    for (uint64_t tick = from; (tick = next_occupied(wheel, tick, last + 1)) <= last; tick++)
        sort_slot(wheel, (uint32_t)(tick & SLOT_MASK), now);
}

static tsio_wheel_node *pop_due(tsio_wheel *wheel, double now)
{
    const tsio_wheel_node *head = &wheel->slots[DUE];
    while (head->next != head) {
        tsio_wheel_node *node = head->next;
        if (node->deadline <= now) {
            tsio_wheel_cancel(wheel, node);
            return node;
        }
        /* It was put off after it had been found due. */
        unlink_node(wheel, node);
        link_node(wheel, node, (uint32_t)(home_tick(wheel, node->deadline) & SLOT_MASK));
    }
    return NULL;
}

tsio_wheel_node *tsio_wheel_expire(tsio_wheel *wheel, double now)
{
    if (wheel->count == 0 || (wheel->first != NULL && wheel->first->deadline > now))
        return NULL;
    tsio_wheel_node *node = pop_due(wheel, now);
    if (node != NULL)
        return node;
    advance(wheel, now);
    return pop_due(wheel, now);
}

/* --- next ---------------------------------------------------------------- */

static const tsio_wheel_node *earlier_in_slot(const tsio_wheel *wheel, uint32_t slot, const tsio_wheel_node *first)
{
    const tsio_wheel_node *head = &wheel->slots[slot];
    for (const tsio_wheel_node *node = head->next; node != head; node = node->next)
        if (first == NULL || node->deadline < first->deadline)
            first = node;
    return first;
}

/* Slots in the order in which they come up. No node stands in a slot behind the
 * one where it belongs, so the search ends where the earliest found so far does. */
static const tsio_wheel_node *find_first(const tsio_wheel *wheel)
{
    const tsio_wheel_node *first = earlier_in_slot(wheel, DUE, NULL);
    const uint64_t until = wheel->now_tick + TSIO_WHEEL_SLOTS;
    for (uint64_t tick = wheel->now_tick; (tick = next_occupied(wheel, tick, until)) < until; tick++) {
        if (first != NULL && home_tick(wheel, first->deadline) < tick)
            break;
        first = earlier_in_slot(wheel, (uint32_t)(tick & SLOT_MASK), first);
    }
    return first;
}

double tsio_wheel_next(tsio_wheel *wheel)
{
    if (wheel->first == NULL)
        wheel->first = find_first(wheel);
    return wheel->first != NULL ? wheel->first->deadline : INFINITY;
}
