/* Fronts lie side by side, a cache line each, and an empty chunk is freed. */
#include "alloc_help.h"
#include "conn.h"

enum { MANY = 200000, LINE = 64 };

static tsio_front *fronts[MANY];
static tsio_conn conns[2]; /* their owners; not used */

static tsio_front *take(unsigned i)
{
    tsio_front *front = tsio_front_new(&conns[i % 2]);
    CHECK(front != NULL && (uintptr_t)front % LINE == 0);
    CHECK(front->conn == &conns[i % 2] && front->fd == -1 && front->waiting == NULL && !front->on_fast_path);
    CHECK(front->stamp == 0 && front->uncounted == 0 && front->lists == NULL && front->dirty.next == NULL);
    front->stamp = i + 1; /* so that the next one to have the place would see it */
    return front;
}

static void stand_side_by_side(void)
{
    unsigned apart = 0;
    for (unsigned i = 0; i < MANY; i++) {
        fronts[i] = take(i);
        apart += i > 0 && fronts[i] != fronts[i - 1] + 1;
    }
    CHECK(apart < 12);      /* chunks grow, */
    CHECK(alloc_live < 13); /* and are few */
    for (unsigned i = 0; i < MANY; i++) {
        CHECK_EQ(fronts[i]->stamp, i + 1); /* no other front has it */
        tsio_front_free(fronts[i]);
    }
    CHECK_EQ(alloc_live, 0);
}

static void what_is_given_back_is_taken_again(void)
{
    check_rng rng = {3};
    size_t live;
    for (unsigned i = 0; i < MANY / 10; i++)
        fronts[i] = take(i);
    live = alloc_live;
    for (unsigned round = 0; round < 20; round++) {
        const unsigned step = 1 + (unsigned)check_below(&rng, 5);
        for (unsigned i = 0; i < MANY / 10; i += step)
            tsio_front_free(fronts[i]);
        for (unsigned i = 0; i < MANY / 10; i += step)
            fronts[i] = take(i);
        CHECK(alloc_live <= live + 1);
    }
    for (unsigned i = 0; i < MANY / 10; i++)
        CHECK_EQ(fronts[i]->stamp, i + 1);
    for (unsigned i = MANY / 10; i-- > 0;)
        tsio_front_free(fronts[i]);
    CHECK_EQ(alloc_live, 0);
    tsio_front_free(NULL);
}

static void without_memory_there_is_none(void)
{
    tsio_conn conn;
    alloc_fail(1, true);
    CHECK(tsio_front_new(&conns[0]) == NULL);
    CHECK_EQ(tsio_conn_init(&conn, 1, 1, 1, 1, TSIO_POLICY_BLOCK), TSIO_E_NO_MEMORY);
    tsio_conn_free(&conn); /* does no harm */
    CHECK(alloc_heal());
    CHECK_EQ(tsio_conn_init(&conn, 1, 1, 1, 1, TSIO_POLICY_BLOCK), TSIO_OK);
    tsio_conn_free(&conn);
    tsio_conn_free(&conn); /* twice is once */
    CHECK_EQ(alloc_live, 0);
}

int main(void)
{
    alloc_install();
    stand_side_by_side();
    what_is_given_back_is_taken_again();
    without_memory_there_is_none();
    return check_done("front");
}
