#include "alloc_help.h"
#include "base64.h"
#include "eio_payload.h"
#include "message.h"
#include "ws_frame.h"

static void check_polling(tsio_message *message, const void *expected, size_t expected_len)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    CHECK_EQ(tsio_message_polling(message, &data, &len), TSIO_OK);
    CHECK_BYTES(data, len, expected, expected_len);
}

static void is_stored_as_frames(void)
{
    tsio_message *message = tsio_message_new(0, 7);
    CHECK(message != NULL);
    CHECK_EQ(message->refs, 1);
    CHECK_EQ(message->key, 7);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES("51-[1]")), TSIO_OK);
    CHECK_EQ(tsio_message_add_binary(message, BYTES("\0\xff")), TSIO_OK);
    CHECK_EQ(message->parts, 2);
    CHECK_BYTES(message->ws.data, message->ws.len, "\x81\x07" "451-[1]" "\x82\x02\0\xff", 13);
    CHECK_EQ(tsio_message_bytes(message), 13);
    tsio_message_unref(message);
}

/* RFC 6455 section 5.2: the lengths at which the header changes its form. */
static void frames_have_the_shortest_header(void)
{
    static const size_t lengths[] = {0, 1, 124, 125, 126, 127, 65534, 65535, 65536, 70000};
    static uint8_t data[70000];
    check_rng rng = {2};
    check_random_bytes(&rng, data, sizeof data);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t len = lengths[i];
        for (unsigned text = 0; text < 2; text++) {
            uint8_t header[10];
            const size_t header_len =
                tsio_ws_header_build(header, text ? TSIO_WS_TEXT : TSIO_WS_BINARY, len + text);
            tsio_message *message = tsio_message_new(0, 0);
            CHECK_EQ(text ? tsio_message_add_text(message, '4', data, len)
                          : tsio_message_add_binary(message, data, len),
                     TSIO_OK);
            CHECK_EQ(tsio_message_bytes(message), header_len + text + len);
            CHECK(check_same(message->ws.data, header, header_len));
            CHECK(!text || message->ws.data[header_len] == '4');
            CHECK(check_same(message->ws.data + header_len + text, data, len));
            tsio_message_unref(message);
        }
    }
}

static void text_without_a_type_stands_alone(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, 0, BYTES("2probe")), TSIO_OK);
    CHECK_BYTES(message->ws.data, message->ws.len, "\x81\x06" "2probe", 8);
    check_polling(message, "2probe", 6);
    tsio_message_unref(message);
}

static void text_may_come_in_pieces(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    const tsio_piece pieces[] = {{BYTES("43/chat,")}, {NULL, 0}, {BYTES("17")}, {BYTES("[1]")}};
    CHECK_EQ(tsio_message_add_pieces(message, pieces, 4), TSIO_OK);
    CHECK_EQ(message->parts, 1);
    CHECK_BYTES(message->ws.data, message->ws.len, "\x81\x0d" "43/chat,17[1]", 15);
    check_polling(message, "43/chat,17[1]", 13);
    tsio_message_unref(message);
}

static void polling_joins_the_parts(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    tsio_message_add_text(message, '4', BYTES("52-[]"));
    tsio_message_add_binary(message, BYTES("\x01\x02\x03\x04"));
    tsio_message_add_binary(message, NULL, 0);
    check_polling(message, BYTES("452-[]\x1e" "bAQIDBA==\x1e" "b"));
    tsio_message_unref(message);
}

static void polling_of_one_part_has_no_separator(void)
{
    tsio_message *ping = tsio_message_new(0, 0), *blob = tsio_message_new(0, 0);
    tsio_message_add_text(ping, '2', NULL, 0);
    tsio_message_add_binary(blob, BYTES("\xfb\xff"));
    check_polling(ping, "2", 1);
    check_polling(blob, "b+/8=", 5);
    tsio_message_unref(ping);
    tsio_message_unref(blob);
}

static void polling_finds_parts_behind_any_length_form(void)
{
    static uint8_t data[66000], expected[100000];
    uint8_t *at = expected;
    tsio_message *message = tsio_message_new(0, 0);
    check_rng rng = {4};
    static const size_t lens[] = {66, 660, 66000}; /* one for each form */
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        const size_t len = lens[i];
        check_random_bytes(&rng, data, len);
        tsio_message_add_binary(message, data, len);
        if (at > expected)
            *at++ = 0x1e;
        *at++ = 'b';
        tsio_base64_encode(at, data, len);
        at += tsio_base64_encoded_len(len);
    }
    check_polling(message, expected, (size_t)(at - expected));
    tsio_message_unref(message);
}

static void polling_is_made_once(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    static const uint8_t data[300];
    const uint8_t *first, *second;
    size_t len;
    tsio_message_add_binary(message, data, sizeof data);
    CHECK_EQ(message->polling.cap, 0); /* not before it is asked for */
    CHECK_EQ(tsio_message_polling(message, &first, &len), TSIO_OK);
    const size_t calls = alloc_calls;
    CHECK_EQ(tsio_message_polling(message, &second, &len), TSIO_OK);
    CHECK(first == second && len == 401);
    CHECK_EQ(alloc_calls, calls);
    tsio_message_unref(message);
}

static void message_without_parts_is_empty(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_bytes(message), 0);
    check_polling(message, NULL, 0);
    tsio_message_unref(message);
}

/* Not to be sent, but neither to be crashed by. */
static void empty_text_without_a_type_is_harmless(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, 0, NULL, 0), TSIO_OK);
    check_polling(message, NULL, 0);
    tsio_message_unref(message);
}

static void reservation_spares_growing(void)
{
    uint8_t data[1000] = {0};
    tsio_message *message = tsio_message_new(4 + sizeof data, 0);
    const size_t calls = alloc_calls;
    CHECK_EQ(tsio_message_add_binary(message, data, sizeof data), TSIO_OK);
    CHECK_EQ(alloc_calls, calls);
    tsio_message_unref(message);
}

static void impossible_length_is_refused(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_binary(message, (const uint8_t *)"", SIZE_MAX), TSIO_E_NO_MEMORY);
    CHECK_EQ(tsio_message_add_text(message, '4', (const uint8_t *)"", SIZE_MAX / 2), TSIO_E_NO_MEMORY);
    const tsio_piece pieces[] = {{(const uint8_t *)"", SIZE_MAX / 2}, {(const uint8_t *)"", SIZE_MAX / 2}};
    CHECK_EQ(tsio_message_add_pieces(message, pieces, 2), TSIO_E_NO_MEMORY);
    CHECK_EQ(message->parts, 0);
    CHECK_EQ(tsio_message_bytes(message), 0);
    tsio_message_unref(message);
}

static void lives_as_long_as_a_reference(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    tsio_message_add_text(message, '4', BYTES("x"));
    tsio_message_ref(message);
    CHECK_EQ(message->refs, 2);
    tsio_message_unref(message);
    check_polling(message, "4x", 2);
    tsio_message_unref(message);
    tsio_message_unref(NULL);
    CHECK_EQ(alloc_live, 0);
}

/* Splitting and decoding the polling encoding gives the parts back, and so does
 * reading the frames. */
static void both_encodings_carry_the_same_parts(void)
{
    enum { PARTS_MAX = 6, PART_MAX = 400 };
    static uint8_t parts[PARTS_MAX][PART_MAX];
    size_t lens[PARTS_MAX];
    check_rng rng = {3};
    for (unsigned round = 0; round < 3000; round++) {
        const size_t count = 1 + check_below(&rng, PARTS_MAX);
        tsio_message *message = tsio_message_new(check_below(&rng, 2000), 0);
        for (size_t i = 0; i < count; i++) {
            lens[i] = check_below(&rng, PART_MAX);
            check_random_bytes(&rng, parts[i], lens[i]);
            for (size_t j = 0; i == 0 && j < lens[0]; j++)
                parts[0][j] = (uint8_t)(' ' + parts[0][j] % 90);
            CHECK_EQ(i == 0 ? tsio_message_add_text(message, '4', parts[i], lens[i])
                            : tsio_message_add_binary(message, parts[i], lens[i]),
                     TSIO_OK);
        }
        const uint8_t *data;
        size_t len;
        CHECK_EQ(tsio_message_polling(message, &data, &len), TSIO_OK);
        tsio_eio_splitter splitter;
        tsio_eio_packet packet;
        bool more;
        tsio_eio_splitter_init(&splitter, data, len);
        const uint8_t *frame = message->ws.data;
        for (size_t i = 0; i < count; i++) {
            uint8_t header[10], decoded[PART_MAX + 4];
            size_t decoded_len = 0;
            const size_t digit = i == 0 ? 1 : 0;
            const size_t header_len =
                tsio_ws_header_build(header, i == 0 ? TSIO_WS_TEXT : TSIO_WS_BINARY, digit + lens[i]);
            CHECK(check_same(frame, header, header_len));
            CHECK(check_same(frame + header_len + digit, parts[i], lens[i]));
            frame += header_len + digit + lens[i];

            CHECK_EQ(tsio_eio_splitter_next(&splitter, &packet, &more), TSIO_OK);
            CHECK(more);
            CHECK_EQ(packet.binary, i > 0);
            if (packet.binary) {
                CHECK(tsio_base64_decode(decoded, &decoded_len, packet.packet, packet.len));
                CHECK_BYTES(decoded, decoded_len, parts[i], lens[i]);
            } else {
                CHECK_EQ(packet.packet[0], '4');
                CHECK_BYTES(packet.packet + 1, packet.len - 1, parts[i], lens[i]);
            }
        }
        CHECK(frame == message->ws.data + message->ws.len);
        CHECK_EQ(tsio_eio_splitter_next(&splitter, &packet, &more), TSIO_OK);
        CHECK(!more);
        tsio_message_unref(message);
    }
}

int main(void)
{
    alloc_install();
    is_stored_as_frames();
    frames_have_the_shortest_header();
    text_without_a_type_stands_alone();
    text_may_come_in_pieces();
    polling_joins_the_parts();
    polling_of_one_part_has_no_separator();
    polling_finds_parts_behind_any_length_form();
    polling_is_made_once();
    message_without_parts_is_empty();
    empty_text_without_a_type_is_harmless();
    reservation_spares_growing();
    impossible_length_is_refused();
    lives_as_long_as_a_reference();
    both_encodings_carry_the_same_parts();
    CHECK_EQ(alloc_live, 0);
    return check_done("message");
}
