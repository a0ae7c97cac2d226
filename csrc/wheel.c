#include "wheel.h"

#include <math.h>

#include "buf.h"

enum {
    DUE = TSIO_WHEEL_SLOTS,
    UNSLOTTED, /* in place of the index of a slot: the node is in the list `unslotted` */
    SLOT_MASK = TSIO_WHEEL_SLOTS - 1,
    FIRST_CAP = 8,
    AHEAD = 12 /* a node is prefetched this many entries before its turn */
};

/* A double cannot represent single ticks beyond this one, so all later times have this tick. */
static const uint64_t LAST_TICK = UINT64_C(1) << 53;

/* Returns the tick of a time. It is monotonic in `time`, whatever the rounding. So deadlines
 * are exact: a node that is due never stands in a slot behind the slot of `now`. */
static uint64_t tick_of(const tsio_wheel *wheel, double time)
{
    const double tick = time / wheel->tick;
    if (tick <= 0)
        return 0;
    return tick < (double)LAST_TICK ? (uint64_t)tick : LAST_TICK;
}

/* --- slots --------------------------------------------------------------- */

static bool reserve(tsio_wheel_slot *slot)
{
    if (slot->count < slot->cap)
        return true;
    if (slot->cap > UINT32_MAX / 2 / sizeof(tsio_wheel_entry))
        return false;
    const uint32_t cap = slot->cap > 0 ? 2 * slot->cap : FIRST_CAP;
    tsio_wheel_entry *entries = tsio_alloc.realloc(slot->entries, cap * sizeof *entries);
    if (entries == NULL)
        return false;
    slot->entries = entries;
    slot->cap = cap;
    return true;
}

static void put(tsio_wheel_slot *slot, uint32_t at, tsio_wheel_entry entry)
{
    slot->entries[at] = entry;
    entry.node->at = at;
}

static void link_node(tsio_wheel *wheel, tsio_wheel_node *node, uint32_t index)
{
    tsio_wheel_slot *slot = &wheel->slots[index];
    if (!reserve(slot)) {
        node->slot = UNSLOTTED;
        node->next_unslotted = wheel->unslotted;
        wheel->unslotted = node;
        return;
    }
    node->slot = (uint16_t)index;
    put(slot, slot->count++, (tsio_wheel_entry){.deadline = node->deadline, .node = node});
    if (index != DUE)
        wheel->occupied[index / 64] |= UINT64_C(1) << index % 64;
}

static void free_slot(tsio_wheel_slot *slot)
{
    tsio_alloc.free(slot->entries);
    *slot = (tsio_wheel_slot){0};
}

/* Removes all entries of a slot but the first `count`. */
static void truncate_slot(tsio_wheel *wheel, uint32_t index, uint32_t count)
{
    tsio_wheel_slot *slot = &wheel->slots[index];
    slot->count = count;
    if (count > 0 || index == DUE)
        return;
    free_slot(slot);
    wheel->occupied[index / 64] &= ~(UINT64_C(1) << index % 64);
}

static void unlink_unslotted(tsio_wheel *wheel, const tsio_wheel_node *node)
{
    tsio_wheel_node **link = &wheel->unslotted;
    while (*link != node)
        link = &(*link)->next_unslotted;
    *link = node->next_unslotted;
}

static void unlink_node(tsio_wheel *wheel, const tsio_wheel_node *node)
{
    if (node->slot == UNSLOTTED) {
        unlink_unslotted(wheel, node);
        return;
    }
    tsio_wheel_slot *slot = &wheel->slots[node->slot];
    const uint32_t last = slot->count - 1;
    if (node->at != last)
        put(slot, node->at, slot->entries[last]);
    truncate_slot(wheel, node->slot, last);
}

static void set_deadline(tsio_wheel *wheel, tsio_wheel_node *node, double deadline)
{
    node->deadline = deadline;
    if (node->linked && node->slot != UNSLOTTED)
        wheel->slots[node->slot].entries[node->at].deadline = deadline;
}

/* Returns the tick of the slot for a deadline. A past deadline goes to the slot that is checked first. */
static uint64_t home_tick(const tsio_wheel *wheel, double deadline)
{
    const uint64_t tick = tick_of(wheel, deadline);
    return tick > wheel->now_tick ? tick : wheel->now_tick;
}

/* Returns the tick at which the node's slot is checked next. */
static uint64_t visit_tick(const tsio_wheel *wheel, const tsio_wheel_node *node)
{
    if (node->slot >= DUE)
        return 0;
    return wheel->now_tick + ((node->slot - wheel->now_tick) & SLOT_MASK);
}

/* Returns the tick of the next slot that is not empty, at or after tick `from`; `until`
 * if there is none before `until`. */
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
}

void tsio_wheel_free(tsio_wheel *wheel)
{
    for (uint32_t index = 0; index <= DUE; index++)
        free_slot(&wheel->slots[index]);
}

void tsio_wheel_schedule(tsio_wheel *wheel, tsio_wheel_node *node, double deadline)
{
    if (isnan(deadline))
        deadline = INFINITY;
    const uint64_t home = home_tick(wheel, deadline);
    if (wheel->first == node && deadline > node->deadline)
        wheel->first = NULL;
    set_deadline(wheel, node, deadline);
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
    if (wheel->first == node)
        wheel->first = NULL;
    if (wheel->count == 0)
        free_slot(&wheel->slots[DUE]);
}

/* --- expire -------------------------------------------------------------- */

/* Moves every node of the slot to where it belongs now: to the due nodes, or to the slot of its
 * deadline. A node that is due later in this tick, or in another turn, stays in this slot. */
static void sort_slot(tsio_wheel *wheel, uint32_t index, double now)
{
    tsio_wheel_slot *slot = &wheel->slots[index];
    uint32_t kept = 0;
    for (uint32_t at = 0; at < slot->count; at++) {
        const tsio_wheel_entry entry = slot->entries[at];
        if (at + AHEAD < slot->count)
            __builtin_prefetch(slot->entries[at + AHEAD].node, 1);
        const uint32_t home =
            entry.deadline <= now ? (uint32_t)DUE : (uint32_t)(home_tick(wheel, entry.deadline) & SLOT_MASK);
        if (home == index)
            put(slot, kept++, entry);
        else
            link_node(wheel, entry.node, home);
    }
    truncate_slot(wheel, index, kept);
}

/* Sorts every slot whose tick has begun, each at most once. The last one stays current,
 * because its tick is not over. */
static void advance(tsio_wheel *wheel, double now)
{
    const uint64_t from = wheel->now_tick;
    wheel->now_tick = home_tick(wheel, now);
    const uint64_t last = wheel->now_tick - from < TSIO_WHEEL_SLOTS ? wheel->now_tick : from + SLOT_MASK;
    for (uint64_t tick = from; (tick = next_occupied(wheel, tick, last + 1)) <= last; tick++)
        sort_slot(wheel, (uint32_t)(tick & SLOT_MASK), now);
}

static tsio_wheel_node *pop(tsio_wheel *wheel, tsio_wheel_node *node)
{
    tsio_wheel_cancel(wheel, node);
    return node;
}

static tsio_wheel_node *pop_due(tsio_wheel *wheel, double now)
{
    const tsio_wheel_slot *due = &wheel->slots[DUE];
    while (due->count > 0) {
        const tsio_wheel_entry last = due->entries[due->count - 1];
        if (last.deadline <= now)
            return pop(wheel, last.node);
        /* Its deadline was put off after the node had been moved to the due ones. */
        unlink_node(wheel, last.node);
        link_node(wheel, last.node, (uint32_t)(home_tick(wheel, last.deadline) & SLOT_MASK));
    }
    for (tsio_wheel_node *node = wheel->unslotted; node != NULL; node = node->next_unslotted)
        if (node->deadline <= now)
            return pop(wheel, node);
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

/* Returns the earlier one of `first` (NULL: none yet) and the slot's earliest node. */
static const tsio_wheel_node *earlier_in_slot(const tsio_wheel_slot *slot, const tsio_wheel_node *first)
{
    const tsio_wheel_entry *best = slot->entries;
    for (uint32_t at = 1; at < slot->count; at++)
        if (slot->entries[at].deadline < best->deadline)
            best = &slot->entries[at];
    return slot->count > 0 && (first == NULL || best->deadline < first->deadline) ? best->node : first;
}

static const tsio_wheel_node *first_unslotted(const tsio_wheel *wheel)
{
    const tsio_wheel_node *first = wheel->unslotted;
    for (const tsio_wheel_node *node = first; node != NULL; node = node->next_unslotted)
        if (node->deadline < first->deadline)
            first = node;
    return first;
}

/* Finds the node with the earliest deadline. Searches the slots in the order of their ticks.
 * No node stands in a slot behind the one of its deadline, so the search ends behind the slot
 * of the earliest deadline found so far. */
static const tsio_wheel_node *find_first(const tsio_wheel *wheel)
{
    const tsio_wheel_node *first = earlier_in_slot(&wheel->slots[DUE], first_unslotted(wheel));
    const uint64_t until = wheel->now_tick + TSIO_WHEEL_SLOTS;
    for (uint64_t tick = wheel->now_tick; (tick = next_occupied(wheel, tick, until)) < until; tick++) {
        if (first != NULL && home_tick(wheel, first->deadline) < tick)
            break;
        first = earlier_in_slot(&wheel->slots[tick & SLOT_MASK], first);
    }
    return first;
}

double tsio_wheel_next(tsio_wheel *wheel)
{
    if (wheel->first == NULL)
        wheel->first = find_first(wheel);
    return wheel->first != NULL ? wheel->first->deadline : INFINITY;
}
