#include "outbox_ring.h"

void tsio_outbox_init(tsio_outbox *outbox, uint32_t max_packets, size_t max_bytes, tsio_policy policy)
{
    *outbox = (tsio_outbox){.max_packets = max_packets, .max_bytes = max_bytes, .policy = (uint8_t)policy};
}

void tsio_outbox_free(tsio_outbox *outbox)
{
    tsio_outbox_free_polled(outbox);
    for (uint32_t i = 0; i < outbox->count; i++)
        tsio_message_unref(tsio_outbox_at(outbox, i)->message);
    outbox->count = outbox->inflight_packets = 0;
    outbox->bytes = outbox->inflight_bytes = outbox->head_sent = 0;
    tsio_outbox_free_ring(outbox);
    tsio_outbox_update_confirmed(outbox);
}

/* --- making room --------------------------------------------------------- */

/* The same as tsio_outbox_has_room(), as if `queued` packets of `queued_bytes` bytes in all were queued. */
static bool fits(const tsio_outbox *outbox, uint32_t queued, size_t queued_bytes, size_t bytes)
{
    const uint64_t packets = (uint64_t)queued + outbox->inflight_packets;
    const size_t used = queued_bytes + outbox->inflight_bytes;
    if (packets == 0)
        return true;
    return packets < outbox->max_packets && used <= outbox->max_bytes && bytes <= outbox->max_bytes - used;
}

bool tsio_outbox_has_room(const tsio_outbox *outbox, size_t bytes)
{
    return fits(outbox, outbox->count, outbox->bytes, bytes);
}

/* The queued messages that a push removes: the unprotected ones among the first `oldest`
 * entries, and those with `key` (0: none). They are `removed` messages of `removed_bytes`
 * bytes, all among the first `span` entries. */
typedef struct {
    uint64_t key;
    uint32_t oldest, span, removed;
    size_t removed_bytes;
} removal_plan;

static bool is_protected(const tsio_outbox_entry *entry)
{
    return (entry->flags & (TSIO_SEND_PROTECTED | TSIO_SEND_STARTED)) != 0;
}

static bool has_key(const tsio_outbox_entry *entry, uint64_t key)
{
    return key != 0 && entry->message->key == key && !is_protected(entry);
}

static void plan_entry(removal_plan *plan, const tsio_outbox_entry *entry, uint32_t index)
{
    plan->removed++;
    plan->removed_bytes += tsio_message_bytes(entry->message);
    if (plan->span <= index)
        plan->span = index + 1;
}

static void plan_key(const tsio_outbox *outbox, removal_plan *plan, uint64_t key)
{
    plan->key = key;
    if (key == 0)
        return;
    for (uint32_t i = 0; i < outbox->count; i++)
        if (has_key(tsio_outbox_at(outbox, i), key))
            plan_entry(plan, tsio_outbox_at(outbox, i), i);
}

/* Plans to drop the oldest messages until there is room. Returns false if dropping all unprotected messages is not
 * enough. */
static bool plan_oldest(const tsio_outbox *outbox, removal_plan *plan, size_t bytes)
{
    for (;; plan->oldest++) {
        if (fits(outbox, outbox->count - plan->removed, outbox->bytes - plan->removed_bytes, bytes))
            return true;
        if (plan->oldest == outbox->count)
            return false;
        const tsio_outbox_entry *entry = tsio_outbox_at(outbox, plan->oldest);
        if (!is_protected(entry) && !has_key(entry, plan->key))
            plan_entry(plan, entry, plan->oldest);
    }
}

/* Removes the planned messages. Moves the entries that are kept towards the end of the
 * span, so that the entries behind it, usually nearly all, do not move. */
static void remove_planned(tsio_outbox *outbox, const removal_plan *plan)
{
    uint32_t kept_from = plan->span;
    for (uint32_t i = plan->span; i-- > 0;) {
        tsio_outbox_entry *entry = tsio_outbox_at(outbox, i);
        if ((i < plan->oldest && !is_protected(entry)) || has_key(entry, plan->key))
            tsio_message_unref(entry->message);
        else
            *tsio_outbox_at(outbox, --kept_from) = *entry;
    }
    outbox->head = (outbox->head + plan->removed) & (outbox->cap - 1);
    outbox->count -= plan->removed;
    outbox->bytes -= plan->removed_bytes;
    outbox->dropped += plan->removed;
}

/* --- push ---------------------------------------------------------------- */

static tsio_status dropped(tsio_outbox *outbox)
{
    outbox->dropped++;
    return TSIO_E_DROPPED;
}

/* Decides whether an unprotected message is accepted, and sets *plan to the messages to be removed for it. */
static tsio_status admit(tsio_outbox *outbox, const tsio_message *message, removal_plan *plan)
{
    const size_t bytes = tsio_message_bytes(message);
    if (outbox->closed)
        return dropped(outbox);
    switch ((tsio_policy)outbox->policy) {
    case TSIO_POLICY_LATEST_PER_EVENT:
        plan_key(outbox, plan, message->key);
        return plan_oldest(outbox, plan, bytes) ? TSIO_OK : dropped(outbox);
    case TSIO_POLICY_DROP_OLDEST:
        return plan_oldest(outbox, plan, bytes) ? TSIO_OK : dropped(outbox);
    case TSIO_POLICY_DROP_NEWEST:
        return tsio_outbox_has_room(outbox, bytes) ? TSIO_OK : dropped(outbox);
    case TSIO_POLICY_DISCONNECT:
    case TSIO_POLICY_BLOCK:
        break;
    }
    return tsio_outbox_has_room(outbox, bytes) ? TSIO_OK : TSIO_E_OUTBOX_FULL;
}

/* Makes room for at least one more entry. The copied ring starts at index 0. */
static tsio_status grow(tsio_outbox *outbox)
{
    if (outbox->cap == 0) {
        outbox->entries = &outbox->first;
        outbox->cap = 1;
        return TSIO_OK;
    }
    if (outbox->cap > UINT32_MAX / 2 / sizeof(tsio_outbox_entry))
        return TSIO_E_NO_MEMORY;
    const uint32_t cap = outbox->cap > 1 ? 2 * outbox->cap : TSIO_OUTBOX_FIRST_CAP;
    tsio_outbox_entry *entries = tsio_alloc.realloc(NULL, cap * sizeof *entries);
    if (entries == NULL)
        return TSIO_E_NO_MEMORY;
    for (uint32_t i = 0; i < outbox->count; i++)
        entries[i] = *tsio_outbox_at(outbox, i);
    tsio_outbox_free_ring(outbox);
    outbox->entries = entries;
    outbox->cap = cap;
    return TSIO_OK;
}

/* Adds an entry, and takes over the caller's reference. Precondition: the ring has room. */
static void add(tsio_outbox *outbox, tsio_message *message, uint32_t flags)
{
    *tsio_outbox_at(outbox, outbox->count++) =
        (tsio_outbox_entry){.message = message, .flags = flags, .number = (uint32_t)++outbox->pushed};
    outbox->bytes += tsio_message_bytes(message);
    tsio_outbox_update_confirmed(outbox);
}

tsio_status tsio_outbox_push(tsio_outbox *outbox, tsio_message *message, uint32_t flags)
{
    removal_plan plan = {0};
    if ((flags & TSIO_SEND_PROTECTED) == 0) {
        const tsio_status status = admit(outbox, message, &plan);
        if (status != TSIO_OK)
            return status;
    }
    if (outbox->count == outbox->cap && plan.removed == 0 && grow(outbox) != TSIO_OK)
        return TSIO_E_NO_MEMORY;
    if (plan.removed > 0)
        remove_planned(outbox, &plan);
    tsio_message_ref(message);
    add(outbox, message, flags);
    return TSIO_OK;
}

void tsio_outbox_catch_up(tsio_outbox *outbox, uint32_t sent, tsio_message *next, uint32_t flags)
{
    outbox->confirmed = outbox->pushed += sent;
    if (next == NULL)
        return;
    grow(outbox); /* to `first`, which needs no allocation */
    add(outbox, next, flags);
}

/* --- peek and advance ---------------------------------------------------- */

size_t tsio_outbox_peek_ws(const tsio_outbox *outbox, uint8_t *dst, size_t cap)
{
    size_t copied = 0, skip = outbox->head_sent;
    for (uint32_t i = 0; i < outbox->count && copied < cap; i++, skip = 0) {
        const tsio_buf *frames = &tsio_outbox_at(outbox, i)->message->ws;
        const size_t rest = frames->len - skip;
        const size_t len = rest < cap - copied ? rest : cap - copied;
        memcpy(dst + copied, frames->data + skip, len);
        copied += len;
    }
    return copied;
}

size_t tsio_outbox_head_rest(const tsio_outbox *outbox)
{
    return tsio_message_bytes(tsio_outbox_at(outbox, 0)->message) - outbox->head_sent;
}

void tsio_outbox_advance(tsio_outbox *outbox, size_t sent)
{
    while (outbox->count > 0) {
        tsio_outbox_entry *entry = tsio_outbox_at(outbox, 0);
        const size_t bytes = tsio_message_bytes(entry->message);
        const size_t rest = bytes - outbox->head_sent;
        if (sent < rest) {
            outbox->head_sent += sent;
            if (outbox->head_sent > 0)
                entry->flags |= TSIO_SEND_STARTED;
            break;
        }
        sent -= rest;
        outbox->head_sent = 0;
        outbox->head = (outbox->head + 1) & (outbox->cap - 1);
        outbox->count--;
        outbox->bytes -= bytes;
        tsio_message_unref(entry->message);
    }
    if (outbox->count == 0)
        tsio_outbox_free_ring(outbox);
    tsio_outbox_update_confirmed(outbox);
}
