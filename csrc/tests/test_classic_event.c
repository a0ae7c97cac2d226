/* The parts of an event of the classic Redis adapter are found, and all else is left to the general decoder. */
#include "check.h"
#include "classic_event.h"

#define UID "\xa3uid"
#define PACKET "\x83\xa4type\x02\xa4" "data\x92\xa2" "ev\x07\xa3nsp\xa1/"
#define OPTIONS "\x81\xa5" "flags\x80"

static bool is_read(const char *message, size_t len, tsio_classic_event *event)
{
    uint8_t *block = check_block(message, len);
    const bool read = tsio_classic_event_read(block, len, event);
    if (read) {
        CHECK_BYTES(event->uid.data, event->uid.len, "uid", 3);
        CHECK_BYTES(event->nsp.data, event->nsp.len, "/", 1);
        CHECK_BYTES(event->name.data, event->name.len, "ev", 2);
        CHECK_BYTES(event->data.data, event->data.len, "\x92\xa2" "ev\x07", 5);
        CHECK_BYTES(event->options.data, event->options.len, OPTIONS, 8);
    }
    check_block_free(block, len);
    return read;
}

#define READ(literal) is_read(literal, sizeof(literal) - 1, &event)

static void test_usual(void)
{
    tsio_classic_event event;
    CHECK(READ("\x93" UID PACKET OPTIONS));
    CHECK(!event.has_seq);
    CHECK(READ("\x94" UID PACKET OPTIONS "\xcf\x00\x1f\xff\xff\xff\xff\xff\xff"));
    CHECK(event.has_seq && event.seq == ((uint64_t)1 << 53) - 1);
    CHECK(READ("\x93" UID "\x83\xa3nsp\xa1/\xa4" "data\x92\xa2" "ev\x07\xa4type\x02" OPTIONS));
}

static void test_others(void)
{
    tsio_classic_event event;
    CHECK(!READ("\x94" UID PACKET OPTIONS "\xcf\x00\x20\x00\x00\x00\x00\x00\x00"));
    CHECK(!READ("\x94" UID PACKET OPTIONS "\xff"));
    CHECK(!READ("\x94" UID PACKET OPTIONS));
    CHECK(!READ("\x93" UID PACKET OPTIONS "\x01"));
    CHECK(!READ("\x95" UID PACKET OPTIONS "\x01\x01"));
    CHECK(!READ("\x92" UID PACKET));
    CHECK(!READ("\x93\x01" PACKET OPTIONS));
    CHECK(!READ("\x93" UID PACKET "\x90"));
    CHECK(!READ("\x93" UID "\x83\xa4type\x03\xa4" "data\x91\xa2" "ev\xa3nsp\xa1/" OPTIONS));
    CHECK(!READ("\x93" UID "\x83\xa4type\x02\xa4" "data\x90\xa3nsp\xa1/" OPTIONS));
    CHECK(!READ("\x93" UID "\x83\xa4type\x02\xa4" "data\x91\x01\xa3nsp\xa1/" OPTIONS));
    CHECK(!READ("\x93" UID "\x83\xa4type\x02\xa4type\x02\xa4" "data\x91\xa2" "ev" OPTIONS));
    CHECK(!READ("\x93" UID "\x82\xa4type\x02\xa4" "data\x91\xa2" "ev" OPTIONS));
    CHECK(!READ("\x93" UID "\x83\xa4type\x02\xa4" "data\x91\xa2" "ev\xa2id\x01" OPTIONS));
    CHECK(!READ(""));
}

static void test_each_shorter_message_is_incomplete(void)
{
    static const char message[] = "\x94" UID PACKET OPTIONS "\x01";
    tsio_classic_event event;
    for (size_t len = 0; len < sizeof message - 1; len++)
        CHECK(!is_read(message, len, &event));
}

int main(void)
{
    test_usual();
    test_others();
    test_each_shorter_message_is_incomplete();
    return check_done("classic_event");
}
