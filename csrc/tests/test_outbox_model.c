/* The outbox against a slow and obvious model: arrays, one entry moved at a time. */
#include "alloc_help.h"
#include "outbox.h"

enum { QUEUE_MAX = 512, IDS_MAX = 512, MARK_LEN = 4 };

typedef struct {
    uint32_t id; /* the number it was pushed under */
    size_t bytes;
    uint64_t key;
    bool is_protected;
    size_t sent; /* bytes of the first entry that are written: it is not dropped any more */
} model_entry;

static struct {
    model_entry queue[QUEUE_MAX];
    size_t count;
    uint32_t inflight[QUEUE_MAX];
    size_t inflight_count, inflight_bytes;
    size_t max_packets, max_bytes;
    tsio_policy policy;
    bool closed;
    bool gone[IDS_MAX]; /* written or dropped, by id */
    uint32_t pushed;
    uint64_t dropped;
} model;

static bool model_may_drop(const model_entry *entry)
{
    return !entry->is_protected && entry->sent == 0;
}

static size_t model_bytes(void)
{
    size_t bytes = 0;
    for (size_t i = 0; i < model.count; i++)
        bytes += model.queue[i].bytes;
    return bytes;
}

static bool model_has_room(size_t bytes)
{
    const size_t packets = model.count + model.inflight_count;
    return packets == 0 ||
           (packets + 1 <= model.max_packets && model_bytes() + model.inflight_bytes + bytes <= model.max_bytes);
}

static void model_drop(size_t index)
{
    model.gone[model.queue[index].id] = true;
    model.dropped++;
    model.count--;
    memmove(&model.queue[index], &model.queue[index + 1], (model.count - index) * sizeof model.queue[0]);
}

static bool model_drop_oldest(void)
{
    for (size_t i = 0; i < model.count; i++) {
        if (model_may_drop(&model.queue[i])) {
            model_drop(i);
            return true;
        }
    }
    return false;
}

static tsio_status model_admit(model_entry entry)
{
    if (model.closed)
        return TSIO_E_DROPPED;
    if (model.policy == TSIO_POLICY_LATEST_PER_EVENT && entry.key != 0)
        for (size_t i = model.count; i-- > 0;)
            if (model.queue[i].key == entry.key && model_may_drop(&model.queue[i]))
                model_drop(i);
    if (model.policy == TSIO_POLICY_LATEST_PER_EVENT || model.policy == TSIO_POLICY_DROP_OLDEST)
        while (!model_has_room(entry.bytes) && model_drop_oldest())
            ;
    if (model_has_room(entry.bytes))
        return TSIO_OK;
    const bool full = model.policy == TSIO_POLICY_DISCONNECT || model.policy == TSIO_POLICY_BLOCK;
    return full ? TSIO_E_OUTBOX_FULL : TSIO_E_DROPPED;
}

static tsio_status model_push(model_entry entry)
{
    static unsigned char before[sizeof model];
    memcpy(before, &model, sizeof model);
    const tsio_status status = entry.is_protected ? TSIO_OK : model_admit(entry);
    if (status == TSIO_OK) {
        entry.id = ++model.pushed;
        model.queue[model.count++] = entry;
        return status;
    }
    memcpy(&model, before, sizeof model); /* nothing is dropped in vain */
    model.dropped += status == TSIO_E_DROPPED;
    return status;
}

static model_entry model_pop(void)
{
    const model_entry entry = model.queue[0];
    model.count--;
    memmove(&model.queue[0], &model.queue[1], model.count * sizeof model.queue[0]);
    return entry;
}

static model_entry model_take(void)
{
    const model_entry entry = model_pop();
    model.inflight[model.inflight_count++] = entry.id;
    model.inflight_bytes += entry.bytes;
    return entry;
}

/* One byte at a time. */
static void model_advance(size_t sent)
{
    for (; sent > 0; sent--)
        if (++model.queue[0].sent == model.queue[0].bytes)
            model.gone[model_pop().id] = true;
}

static void model_confirm(void)
{
    for (size_t i = 0; i < model.inflight_count; i++)
        model.gone[model.inflight[i]] = true;
    model.inflight_count = model.inflight_bytes = 0;
}

static uint32_t model_confirmed(void)
{
    uint32_t confirmed = 0;
    while (confirmed < model.pushed && model.gone[confirmed + 1])
        confirmed++;
    return confirmed;
}

/* --- both, side by side --------------------------------------------------- */

static check_rng rng = {7};
static tsio_outbox outbox;

/* Text with no type digit: the id the model will give it, then filling. The text
 * is the same in both encodings, but for the header. */
static void write_text(uint8_t *text, uint32_t id, size_t len)
{
    memset(text, 'x', len);
    for (unsigned i = 0; i < MARK_LEN; i++)
        text[i] = (uint8_t)('a' + (id >> (4 * i) & 15));
}

static void push_one(void)
{
    uint8_t text[200];
    const size_t len = MARK_LEN + check_below(&rng, check_below(&rng, 10) == 0 ? 190 : 40);
    write_text(text, model.pushed + 1, len);
    const uint64_t key = check_below(&rng, 5);
    const bool is_protected = check_below(&rng, 12) == 0;
    tsio_message *message = tsio_message_new(0, key);
    CHECK_EQ(tsio_message_add_text(message, 0, text, len), TSIO_OK);
    const size_t bytes = tsio_message_bytes(message);

    CHECK_EQ(tsio_outbox_has_room(&outbox, bytes), model_has_room(bytes));
    const tsio_status expected =
        model_push((model_entry){.bytes = bytes, .key = key, .is_protected = is_protected});
    CHECK_EQ(tsio_outbox_push(&outbox, message, is_protected ? TSIO_SEND_PROTECTED : 0), expected);
    tsio_message_unref(message);
}

static uint32_t id_of(const uint8_t *mark)
{
    uint32_t id = 0;
    for (unsigned i = 0; i < MARK_LEN; i++)
        id |= (uint32_t)(mark[i] - 'a') << (4 * i);
    return id;
}

static size_t header_len_of(const model_entry *entry)
{
    return entry->bytes - 2 < 126 ? 2 : 4;
}

static void take_some(bool polling)
{
    tsio_buf dst = {0};
    const size_t max_bytes = check_below(&rng, 600);
    CHECK_EQ((polling ? tsio_outbox_take_polling : tsio_outbox_take_ws)(&outbox, &dst, max_bytes), TSIO_OK);
    size_t at = 0;
    for (bool any = false; model.count > 0 && (!any || at < max_bytes); any = true) {
        const model_entry entry = model_take();
        const size_t header_len = header_len_of(&entry), len = entry.bytes - header_len;
        if (polling && any)
            CHECK_EQ(dst.data[at++], 0x1e);
        if (!polling)
            at += header_len;
        CHECK(at + len <= dst.len);
        CHECK_EQ(id_of(dst.data + at), entry.id & 0xffff);
        at += len;
    }
    CHECK_EQ(at, dst.len);
    tsio_buf_free(&dst);
}

/* All bytes that are queued and not written. */
static size_t model_stream(uint8_t *dst)
{
    size_t len = 0;
    for (size_t i = 0; i < model.count; i++) {
        uint8_t frame[256] = {0x81};
        const model_entry *entry = &model.queue[i];
        const size_t header_len = header_len_of(entry), text_len = entry->bytes - header_len;
        frame[1] = header_len == 2 ? (uint8_t)text_len : 126;
        frame[3] = (uint8_t)text_len;
        write_text(frame + header_len, entry->id, text_len);
        memcpy(dst + len, frame + entry->sent, entry->bytes - entry->sent);
        len += entry->bytes - entry->sent;
    }
    return len;
}

static void write_some(void)
{
    static uint8_t expected[QUEUE_MAX * 256];
    const size_t all = model_stream(expected), cap = check_below(&rng, 2 * all + 2);
    uint8_t *dst = check_block(NULL, cap);
    const size_t len = tsio_outbox_peek_ws(&outbox, dst, cap);
    CHECK_BYTES(dst, len, expected, cap < all ? cap : all);
    check_block_free(dst, cap);
    const size_t sent = check_below(&rng, check_below(&rng, 2) == 0 ? len + 1 : 3);
    tsio_outbox_advance(&outbox, sent < len ? sent : len);
    model_advance(sent < len ? sent : len);
}

static void check_equal(void)
{
    CHECK_EQ(outbox.head_sent, model.count > 0 ? model.queue[0].sent : 0);
    CHECK_EQ(outbox.count, model.count);
    CHECK_EQ(outbox.bytes, model_bytes());
    CHECK_EQ(outbox.inflight_packets, model.inflight_count);
    CHECK_EQ(outbox.inflight_bytes, model.inflight_bytes);
    CHECK_EQ(outbox.dropped, model.dropped);
    CHECK_EQ(outbox.pushed, model.pushed);
    CHECK_EQ(outbox.confirmed, model_confirmed());
    CHECK_EQ(outbox.cap == 0, outbox.entries == NULL);
    CHECK(outbox.count <= outbox.cap);
}

static void run(tsio_policy policy)
{
    memset(&model, 0, sizeof model);
    model.policy = policy;
    model.max_packets = 1 + check_below(&rng, 30);
    model.max_bytes = 20 + check_below(&rng, 600);
    tsio_outbox_init(&outbox, (uint32_t)model.max_packets, model.max_bytes, policy);
    const size_t eagerness = check_below(&rng, 8); /* of the peer to read */
    for (unsigned i = 0; i < 300; i++) {
        const size_t what = check_below(&rng, 20);
        if (what < 18 - eagerness) {
            push_one();
        } else if (what < 19 && (outbox.head_sent > 0 || check_below(&rng, 2) == 0)) {
            write_some();
        } else if (what < 19) {
            take_some(check_below(&rng, 2) == 0);
            check_equal();
            if (check_below(&rng, 2) == 0) {
                tsio_outbox_confirm(&outbox);
                model_confirm();
            }
        } else if (check_below(&rng, 10) == 0) {
            outbox.closed = model.closed = !model.closed;
        }
        check_equal();
    }
    tsio_outbox_free(&outbox);
    CHECK_EQ(outbox.confirmed, outbox.pushed);
    CHECK_EQ(alloc_live, 0);
}

int main(void)
{
    alloc_install();
    for (unsigned round = 0; round < 60; round++)
        for (unsigned policy = 0; policy <= TSIO_POLICY_LATEST_PER_EVENT; policy++)
            run((tsio_policy)policy);
    return check_done("outbox_model");
}
