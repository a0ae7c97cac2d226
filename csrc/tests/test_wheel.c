#include "alloc_help.h"
#include "wheel.h"

#include <math.h>

static const double TICK = 1.0 / 16;
static const double TURN = TSIO_WHEEL_SLOTS / 16.0; /* seconds until a slot comes up again */

static tsio_wheel wheel; /* too large for some stacks */

static void start(double tick, double now)
{
    tsio_wheel_free(&wheel);
    CHECK_EQ(alloc_live, 0);
    tsio_wheel_init(&wheel, tick, now);
}

static void node_expires_at_its_deadline_exactly(void)
{
    tsio_wheel_node node = {0};
    start(TICK, 100);
    tsio_wheel_schedule(&wheel, &node, 101.03);
    CHECK(node.linked && wheel.count == 1);
    CHECK(tsio_wheel_next(&wheel) == 101.03);
    CHECK(tsio_wheel_expire(&wheel, nextafter(101.03, 0)) == NULL);
    CHECK(tsio_wheel_expire(&wheel, 101.03) == &node);
    CHECK(!node.linked && wheel.count == 0);
    CHECK(tsio_wheel_expire(&wheel, 101.03) == NULL);
    CHECK(isinf(tsio_wheel_next(&wheel)));
}

static void empty_wheel_has_nothing(void)
{
    start(TICK, 0);
    CHECK(isinf(tsio_wheel_next(&wheel)));
    CHECK(tsio_wheel_expire(&wheel, 1e9) == NULL);
}

static void cancelled_node_never_expires(void)
{
    tsio_wheel_node node = {0}, other = {0};
    start(TICK, 0);
    tsio_wheel_cancel(&wheel, &node); /* not linked: nothing */
    tsio_wheel_schedule(&wheel, &node, 1);
    tsio_wheel_schedule(&wheel, &other, 2);
    CHECK(tsio_wheel_next(&wheel) == 1);
    tsio_wheel_cancel(&wheel, &node);
    tsio_wheel_cancel(&wheel, &node);
    CHECK_EQ(wheel.count, 1);
    CHECK(tsio_wheel_next(&wheel) == 2);
    CHECK(tsio_wheel_expire(&wheel, 10) == &other);
    CHECK(tsio_wheel_expire(&wheel, 10) == NULL);
}

static void putting_off_does_not_relink(void)
{
    tsio_wheel_node node = {0};
    start(TICK, 0);
    tsio_wheel_schedule(&wheel, &node, 1);
    const uint32_t slot = node.slot;
    tsio_wheel_schedule(&wheel, &node, 5);
    CHECK_EQ(node.slot, slot);
    CHECK_EQ(wheel.count, 1);
    CHECK(tsio_wheel_next(&wheel) == 5); /* no wake-up for the old deadline */
    CHECK(tsio_wheel_expire(&wheel, 4.99) == NULL);
    CHECK(tsio_wheel_next(&wheel) == 5);
    CHECK(tsio_wheel_expire(&wheel, 5) == &node);
}

static void bringing_forward_relinks(void)
{
    tsio_wheel_node node = {0};
    start(TICK, 0);
    tsio_wheel_schedule(&wheel, &node, 20);
    tsio_wheel_schedule(&wheel, &node, 3);
    CHECK(tsio_wheel_next(&wheel) == 3);
    CHECK(tsio_wheel_expire(&wheel, 2.9) == NULL);
    CHECK(tsio_wheel_expire(&wheel, 3) == &node);
}

/* The one put off stands in an early slot, but it is not the earliest; nor is it
 * as late as the slot behind it. */
static void next_sees_past_a_node_that_was_put_off(void)
{
    tsio_wheel_node putoff = {0}, behind = {0};
    start(TICK, 0);
    tsio_wheel_schedule(&wheel, &putoff, 1);
    tsio_wheel_schedule(&wheel, &behind, 3);
    tsio_wheel_schedule(&wheel, &putoff, 2);
    CHECK(tsio_wheel_next(&wheel) == 2);
    tsio_wheel_schedule(&wheel, &putoff, 4);
    CHECK(tsio_wheel_next(&wheel) == 3);
    CHECK(tsio_wheel_expire(&wheel, 3.5) == &behind);
    CHECK(tsio_wheel_expire(&wheel, 3.5) == NULL);
    CHECK(tsio_wheel_next(&wheel) == 4);
}

static void past_deadline_is_due_at_once(void)
{
    tsio_wheel_node old = {0}, zero = {0};
    start(TICK, 1000);
    tsio_wheel_schedule(&wheel, &old, 3);
    tsio_wheel_schedule(&wheel, &zero, -1);
    CHECK(tsio_wheel_next(&wheel) == -1);
    CHECK(tsio_wheel_expire(&wheel, 1000) != NULL);
    CHECK(tsio_wheel_expire(&wheel, 1000) != NULL);
    CHECK_EQ(wheel.count, 0);
}

static void deadline_beyond_a_turn_waits_for_its_turn(void)
{
    tsio_wheel_node far = {0};
    start(TICK, 0);
    tsio_wheel_schedule(&wheel, &far, 3 * TURN + 1.01);
    for (double now = 0; now < 3 * TURN + 1; now += 0.25)
        CHECK(tsio_wheel_expire(&wheel, now) == NULL);
    CHECK(tsio_wheel_next(&wheel) == 3 * TURN + 1.01);
    CHECK(tsio_wheel_expire(&wheel, 3 * TURN + 1.01) == &far);
}

static void infinite_or_senseless_deadline_never_expires(void)
{
    tsio_wheel_node infinite = {0}, none = {0}, huge = {0};
    start(TICK, 0);
    tsio_wheel_schedule(&wheel, &none, NAN);
    CHECK(isinf(tsio_wheel_next(&wheel)));
    tsio_wheel_schedule(&wheel, &infinite, INFINITY);
    CHECK(isinf(tsio_wheel_next(&wheel)));
    tsio_wheel_schedule(&wheel, &huge, 1e300);
    CHECK(tsio_wheel_next(&wheel) == 1e300);
    CHECK(tsio_wheel_expire(&wheel, 1e12) == NULL);
    CHECK_EQ(wheel.count, 3);
    CHECK(tsio_wheel_expire(&wheel, 1e300) == &huge);
}

/* Hours pass at once: what is due comes out, the rest stays, and the number of
 * slots looked at is bounded (by the hour it would otherwise take to run). */
static void clock_may_jump(void)
{
    tsio_wheel_node due = {0}, later = {0};
    start(1e-9, 0);
    tsio_wheel_schedule(&wheel, &due, 3600);
    tsio_wheel_schedule(&wheel, &later, 360001);
    CHECK(tsio_wheel_expire(&wheel, 360000) == &due);
    CHECK(tsio_wheel_expire(&wheel, 360000) == NULL);
    CHECK(tsio_wheel_next(&wheel) == 360001);
    CHECK(tsio_wheel_expire(&wheel, 360001) == &later);
}

static void clock_that_stands_or_falls_back_is_harmless(void)
{
    tsio_wheel_node first = {0}, second = {0};
    start(TICK, 50);
    tsio_wheel_schedule(&wheel, &first, 60);
    CHECK(tsio_wheel_expire(&wheel, 60) == &first);
    tsio_wheel_schedule(&wheel, &first, 55); /* before what the wheel has seen */
    tsio_wheel_schedule(&wheel, &second, 58);
    CHECK(tsio_wheel_expire(&wheel, 40) == NULL);
    CHECK(tsio_wheel_next(&wheel) == 55);
    CHECK(tsio_wheel_expire(&wheel, 55) == &first);
    CHECK(tsio_wheel_expire(&wheel, 55) == NULL);
    CHECK(tsio_wheel_expire(&wheel, 58) == &second);
}

static void nodes_may_change_between_two_that_expire(void)
{
    tsio_wheel_node nodes[4] = {{0}};
    start(TICK, 0);
    for (unsigned i = 0; i < 4; i++)
        tsio_wheel_schedule(&wheel, &nodes[i], 1);
    tsio_wheel_node *first = tsio_wheel_expire(&wheel, 1);
    CHECK(first == &nodes[3]);
    tsio_wheel_schedule(&wheel, first, 2);       /* again, later */
    tsio_wheel_cancel(&wheel, &nodes[1]);        /* one that was due */
    tsio_wheel_schedule(&wheel, &nodes[2], 1.5); /* one that was due, put off */
    CHECK(tsio_wheel_next(&wheel) == 1);
    CHECK(tsio_wheel_expire(&wheel, 1) == &nodes[0]);
    CHECK(tsio_wheel_expire(&wheel, 1) == NULL);
    CHECK(tsio_wheel_next(&wheel) == 1.5);
    CHECK(tsio_wheel_expire(&wheel, 1.5) == &nodes[2]);
    CHECK(tsio_wheel_next(&wheel) == 2);
    CHECK(tsio_wheel_expire(&wheel, 2) == first);
    tsio_wheel_schedule(&wheel, first, 2); /* due as soon as it is scheduled */
    CHECK(tsio_wheel_expire(&wheel, 2) == first);
    CHECK_EQ(wheel.count, 0);
}

/* --- against a plain list ------------------------------------------------- */

enum { NODES = 60 };

static tsio_wheel_node nodes[NODES];
static double deadlines[NODES]; /* the model: NAN when not linked */
static check_rng rng = {5};

static double random_time(double upto)
{
    return (double)check_below(&rng, 1000000) / 1e6 * upto;
}

static double model_next(void)
{
    double least = INFINITY;
    for (unsigned i = 0; i < NODES; i++)
        if (deadlines[i] < least)
            least = deadlines[i];
    return least;
}

static size_t model_count(void)
{
    size_t count = 0;
    for (unsigned i = 0; i < NODES; i++)
        count += isnan(deadlines[i]) ? 0 : 1;
    return count;
}

static void schedule_random(double now)
{
    static const double reaches[] = {0.01, 0.1, 1, 25, 3 * TSIO_WHEEL_SLOTS / 16.0};
    const size_t i = check_below(&rng, NODES);
    deadlines[i] = now + random_time(reaches[check_below(&rng, 5)]);
    if (check_below(&rng, 10) == 0)
        deadlines[i] = now - random_time(now < 5 ? now : 5); /* in the past */
    tsio_wheel_schedule(&wheel, &nodes[i], deadlines[i]);
}

static void cancel_random(void)
{
    const size_t i = check_below(&rng, NODES);
    deadlines[i] = (double)NAN;
    tsio_wheel_cancel(&wheel, &nodes[i]);
}

/* Everything that is due comes out, nothing else, whatever is done in between. */
static void expire_all(double now)
{
    for (unsigned changes = 0;;) {
        tsio_wheel_node *node = tsio_wheel_expire(&wheel, now);
        if (node == NULL)
            break;
        const ptrdiff_t i = node - nodes;
        CHECK(i >= 0 && i < NODES && deadlines[i] <= now && !node->linked);
        deadlines[i] = (double)NAN;
        if (changes < 5 && check_below(&rng, 3) == 0) {
            changes++;
            check_below(&rng, 2) == 0 ? schedule_random(now) : cancel_random();
        }
        if (check_below(&rng, 4) == 0)
            CHECK(tsio_wheel_next(&wheel) == model_next());
    }
    CHECK(model_next() > now);
}

/* `poor`: there is often no memory for slots, and it is right all the same. */
static void does_what_a_list_does(bool poor)
{
    static const double steps[] = {0, 0.001, 0.05, 0.5, 20, 1000};
    for (unsigned repeat = 0; repeat < 30; repeat++) {
        double now = random_time(100);
        start(TICK, now);
        memset(nodes, 0, sizeof nodes);
        for (unsigned i = 0; i < NODES; i++)
            deadlines[i] = (double)NAN;
        for (unsigned i = 0; i < 3000; i++) {
            const size_t what = check_below(&rng, 10);
            if (poor && check_below(&rng, 3) == 0)
                alloc_fail(1, true);
            if (what < 6)
                schedule_random(now);
            else if (what < 8)
                cancel_random();
            else if (what == 8)
                expire_all(now += random_time(steps[check_below(&rng, 6)]));
            else if (!isinf(tsio_wheel_next(&wheel)))
                expire_all(now = fmax(now, tsio_wheel_next(&wheel)));
            alloc_heal();
            CHECK_EQ(wheel.count, model_count());
            if (check_below(&rng, 2) == 0) /* else what is cached may be found stale later */
                CHECK(tsio_wheel_next(&wheel) == model_next());
        }
    }
}

/* Heartbeats under a virtual clock that jumps to the next deadline: every wake-up
 * finds something to do, and time never stands still. */
static void every_wake_up_is_meaningful(void)
{
    double now = 0;
    unsigned woken = 0, expired = 0;
    start(TICK, now);
    memset(nodes, 0, sizeof nodes);
    for (unsigned i = 0; i < NODES; i++)
        tsio_wheel_schedule(&wheel, &nodes[i], 25 + 0.37 * i);
    for (; now < 3600; woken++) {
        const double next = tsio_wheel_next(&wheel);
        CHECK(next > now);
        now = next;
        unsigned found = 0;
        for (tsio_wheel_node *node; (node = tsio_wheel_expire(&wheel, now)) != NULL; found++) {
            tsio_wheel_schedule(&wheel, node, now + 20); /* the pong's */
            tsio_wheel_schedule(&wheel, node, now + 25); /* it came: the next ping's */
        }
        CHECK(found > 0);
        expired += found;
    }
    CHECK(woken <= expired);
    CHECK_EQ(expired / NODES, (unsigned)(3600 / 25) - 1);
}

/* While there is no memory, and when there is again. */
static void node_without_a_slot_expires(void)
{
    tsio_wheel_node three[3] = {{0}};
    start(TICK, 0);
    alloc_fail(1, true);
    for (unsigned i = 0; i < 3; i++)
        tsio_wheel_schedule(&wheel, &three[i], 3 - i);
    CHECK(alloc_heal());
    CHECK(wheel.count == 3 && alloc_live == 0);
    CHECK(tsio_wheel_next(&wheel) == 1);
    tsio_wheel_schedule(&wheel, &three[2], 5);
    tsio_wheel_cancel(&wheel, &three[1]);
    CHECK(tsio_wheel_next(&wheel) == 3);
    CHECK(tsio_wheel_expire(&wheel, 2.9) == NULL);
    CHECK(tsio_wheel_expire(&wheel, 3) == &three[0]);
    tsio_wheel_schedule(&wheel, &three[0], 4);
    CHECK_EQ(alloc_live, 1);
    CHECK(tsio_wheel_expire(&wheel, 4) == &three[0]);
    CHECK(tsio_wheel_expire(&wheel, 5) == &three[2]);
    CHECK(wheel.count == 0 && alloc_live == 0);
}

/* An empty wheel owns nothing, nor does an empty slot. */
static void memory_goes_with_the_nodes(void)
{
    tsio_wheel_node many[200] = {{0}};
    start(TICK, 0);
    for (unsigned i = 0; i < 200; i++)
        tsio_wheel_schedule(&wheel, &many[i], i < 100 ? 1 : 2);
    CHECK_EQ(alloc_live, 2);
    CHECK(tsio_wheel_ahead(&wheel, 0) == NULL);
    CHECK(tsio_wheel_expire(&wheel, 1) != NULL);
    for (unsigned i = 1; i < 100; i++) {
        const tsio_wheel_node *ahead = tsio_wheel_ahead(&wheel, 0);
        CHECK(tsio_wheel_expire(&wheel, 1) == ahead && ahead != NULL);
    }
    CHECK_EQ(alloc_live, 2); /* what is due has a slot as well */
    for (unsigned i = 100; i < 200; i++)
        tsio_wheel_cancel(&wheel, &many[i]);
    CHECK_EQ(alloc_live, 0);
}

int main(void)
{
    alloc_install();
    node_expires_at_its_deadline_exactly();
    empty_wheel_has_nothing();
    cancelled_node_never_expires();
    putting_off_does_not_relink();
    bringing_forward_relinks();
    next_sees_past_a_node_that_was_put_off();
    past_deadline_is_due_at_once();
    deadline_beyond_a_turn_waits_for_its_turn();
    infinite_or_senseless_deadline_never_expires();
    clock_may_jump();
    clock_that_stands_or_falls_back_is_harmless();
    nodes_may_change_between_two_that_expire();
    does_what_a_list_does(false);
    does_what_a_list_does(true);
    every_wake_up_is_meaningful();
    node_without_a_slot_expires();
    memory_goes_with_the_nodes();
    tsio_wheel_free(&wheel);
    CHECK_EQ(alloc_live, 0);
    return check_done("wheel");
}
