/* What an outbox drops or refuses, by its policy. */
#include "outbox_help.h"

static void protected_is_always_accepted(void)
{
    tsio_outbox outbox;
    for (unsigned policy = 0; policy <= TSIO_POLICY_LATEST_PER_EVENT; policy++) {
        tsio_outbox_init(&outbox, 2, 20, (tsio_policy)policy);
        push_plain(&outbox, 'a');
        push_plain(&outbox, 'b');
        CHECK_EQ(push(&outbox, 'P', 100, 0, TSIO_SEND_PROTECTED), TSIO_OK);
        outbox.closed = true;
        CHECK_EQ(push(&outbox, 'Q', 100, 0, TSIO_SEND_PROTECTED), TSIO_OK);
        CHECK_EQ(outbox.dropped, 0);
        CHECK(!tsio_outbox_has_room(&outbox, 0));
        check_drains(&outbox, "abPQ");
    }
}

static void closed_refuses_the_rest(void)
{
    tsio_outbox outbox;
    for (unsigned policy = 0; policy <= TSIO_POLICY_LATEST_PER_EVENT; policy++) {
        tsio_outbox_init(&outbox, 100, BIG, (tsio_policy)policy);
        push(&outbox, 'a', 10, 7, 0);
        outbox.closed = true;
        CHECK_EQ(push(&outbox, 'b', 10, 7, 0), TSIO_E_DROPPED);
        CHECK_EQ(outbox.dropped, 1);
        CHECK_EQ(outbox.pushed, 1);
        check_drains(&outbox, "a");
    }
}

static void newest_is_dropped(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 2, BIG, TSIO_POLICY_DROP_NEWEST);
    push_plain(&outbox, 'a');
    push_plain(&outbox, 'b');
    CHECK_EQ(push_plain(&outbox, 'c'), TSIO_E_DROPPED);
    CHECK_EQ(outbox.dropped, 1);
    CHECK_EQ(outbox.pushed, 2);
    check_drains(&outbox, "ab");
}

static void oldest_are_dropped_around_the_protected(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 100, 50, TSIO_POLICY_DROP_OLDEST);
    push_plain(&outbox, 'a');
    push(&outbox, 'P', 10, 0, TSIO_SEND_PROTECTED);
    push_plain(&outbox, 'b');
    push_plain(&outbox, 'c');
    push_plain(&outbox, 'd');
    CHECK_EQ(push(&outbox, 'e', 20, 0, 0), TSIO_OK);
    CHECK_EQ(outbox.dropped, 2);
    CHECK_EQ(outbox.bytes, 50);
    check_drains(&outbox, "Pcde");
}

static void nothing_is_dropped_in_vain(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 100, 50, TSIO_POLICY_DROP_OLDEST);
    push(&outbox, 'a', 30, 0, 0);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, BIG), TSIO_OK);
    push_plain(&outbox, 'b');
    CHECK_EQ(push(&outbox, 'x', 21, 0, 0), TSIO_E_DROPPED); /* 30 are in flight */
    CHECK_EQ(outbox.dropped, 1);
    CHECK_EQ(outbox.count, 1);
    CHECK_EQ(push(&outbox, 'c', 20, 0, 0), TSIO_OK);
    CHECK_EQ(outbox.dropped, 2);
    check_drains(&outbox, "c");
    tsio_buf_free(&dst);
}

/* What is dropped may leave the outbox empty: then size does not matter. */
static void oversize_message_may_drop_all_others(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 100, 50, TSIO_POLICY_DROP_OLDEST);
    push_plain(&outbox, 'a');
    push_plain(&outbox, 'b');
    CHECK_EQ(push(&outbox, 'c', 100, 0, 0), TSIO_OK);
    CHECK_EQ(outbox.dropped, 2);
    check_drains(&outbox, "c");
}

static void latest_replaces_its_key(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 5, BIG, TSIO_POLICY_LATEST_PER_EVENT);
    push(&outbox, 'a', 10, 1, 0);
    push(&outbox, 'b', 10, 2, 0);
    push(&outbox, 'c', 10, 0, 0);
    CHECK_EQ(push(&outbox, 'A', 10, 1, 0), TSIO_OK); /* though there is room */
    CHECK_EQ(outbox.dropped, 1);
    push(&outbox, 'C', 10, 0, 0); /* key 0 replaces nothing */
    push(&outbox, 'P', 10, 2, TSIO_SEND_PROTECTED);
    CHECK_EQ(push(&outbox, 'B', 10, 2, 0), TSIO_OK); /* replaces 'b', which makes the room, not 'P' */
    CHECK_EQ(outbox.dropped, 2);
    CHECK_EQ(push(&outbox, 'd', 10, 3, 0), TSIO_OK); /* full: 'c' is the oldest */
    CHECK_EQ(outbox.dropped, 3);
    check_drains(&outbox, "ACPBd");
}

int main(void)
{
    alloc_install();
    protected_is_always_accepted();
    closed_refuses_the_rest();
    newest_is_dropped();
    oldest_are_dropped_around_the_protected();
    nothing_is_dropped_in_vain();
    oversize_message_may_drop_all_others();
    latest_replaces_its_key();
    CHECK_EQ(alloc_live, 0);
    return check_done("outbox_policy");
}
