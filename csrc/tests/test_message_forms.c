/* What a message looks like to clients of revision 3. */
#include "alloc_help.h"
#include "base64.h"
#include "message_forms.h"

static const tsio_dialect revision4 = {.revision = 4, .base64 = true}, typed = {.revision = 3},
                          base64 = {.revision = 3, .base64 = true};

static tsio_message *bin_message(void)
{
    tsio_message *message = tsio_message_new(0, 7);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES("51-[1]")), TSIO_OK);
    CHECK_EQ(tsio_message_add_binary(message, BYTES("\x01\x02\x03")), TSIO_OK);
    return message;
}

static void check_payload(tsio_message *message, bool binary, const void *expected, size_t expected_len)
{
    const uint8_t *data = NULL, *again = NULL;
    size_t len = 0;
    CHECK_EQ(tsio_message_payload3(message, binary, &data, &len), TSIO_OK);
    CHECK_BYTES(data, len, expected, expected_len);
    const size_t calls = alloc_calls;
    CHECK_EQ(tsio_message_payload3(message, binary, &again, &len), TSIO_OK);
    CHECK(again == data);
    CHECK_EQ(alloc_calls, calls); /* made once */
}

static void text_is_the_same_message_to_all(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES("2[]")), TSIO_OK);
    CHECK(tsio_message_in(message, &typed) == message);
    CHECK(tsio_message_in(message, &base64) == message);
    CHECK(tsio_message_in(message, &revision4) == message);
    CHECK(tsio_message_in(message, NULL) == message);
    CHECK(message->forms == NULL);
    tsio_message_unref(message);
}

static void binary_is_the_same_message_to_revision4(void)
{
    tsio_message *message = bin_message();
    CHECK(tsio_message_in(message, &revision4) == message);
    CHECK(tsio_message_in(message, NULL) == message);
    CHECK(message->forms == NULL);
    tsio_message_unref(message);
}

static void binary_begins_with_its_type(void)
{
    tsio_message *message = bin_message(), *form = tsio_message_in(message, &typed);
    CHECK_BYTES(form->ws.data, form->ws.len, "\x81\x07" "451-[1]" "\x82\x04\x04\x01\x02\x03", 15);
    CHECK(form->key == 7 && form->parts == 2 && form->binary);
    CHECK_EQ(form->refs, 1);
    CHECK(tsio_message_in(message, &typed) == form);
    tsio_message_unref(message);
}

static void binary_is_text_in_base64(void)
{
    tsio_message *message = bin_message(), *form = tsio_message_in(message, &base64);
    CHECK_BYTES(form->ws.data, form->ws.len, "\x81\x07" "451-[1]" "\x81\x06" "b4AQID", 17);
    CHECK(form->key == 7 && form->parts == 2 && !form->binary);
    CHECK(tsio_message_in(message, &base64) == form);
    tsio_message_unref(message);
}

/* An outbox that holds one of its forms does not need the original any more. */
static void form_outlives_the_original(void)
{
    tsio_message *message = bin_message(), *form = tsio_message_in(message, &typed);
    tsio_message_ref(form);
    tsio_message_unref(message);
    check_payload(form, true, BYTES("\0\x07\xff" "451-[1]" "\x01\x04\xff\x04\x01\x02\x03"));
    tsio_message_unref(form);
    CHECK_EQ(alloc_live, 0);
}

static void empty_attachment(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_binary(message, NULL, 0), TSIO_OK);
    const tsio_message *form = tsio_message_in(message, &typed);
    CHECK_BYTES(form->ws.data, form->ws.len, "\x82\x01\x04", 3);
    form = tsio_message_in(message, &base64);
    CHECK_BYTES(form->ws.data, form->ws.len, "\x81\x02" "b4", 4);
    check_payload(tsio_message_in(message, &base64), false, BYTES("2:b4"));
    check_payload(tsio_message_in(message, &typed), true, BYTES("\x01\x01\xff\x04"));
    tsio_message_unref(message);
}

/* Each form of a frame's header, and every remainder by three. */
static void attachments_of_any_length(void)
{
    static const size_t lengths[] = {1, 2, 3, 91, 92, 93, 94, 123, 124, 125, 126, 65533, 65534, 65535, 65536, 70000};
    static uint8_t data[70000], expected[100000];
    check_rng rng = {9};
    check_random_bytes(&rng, data, sizeof data);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t len = lengths[i];
        tsio_message *message = tsio_message_new(0, 0);
        CHECK_EQ(tsio_message_add_binary(message, data, len), TSIO_OK);
        const uint8_t *at = tsio_message_in(message, &typed)->ws.data;
        tsio_message_part part = tsio_message_next_part(&at);
        CHECK(part.binary && part.len == 1 + len && part.data[0] == 4);
        CHECK(check_same(part.data + 1, data, len));
        CHECK(at == message->forms->typed->ws.data + message->forms->typed->ws.len);

        at = tsio_message_in(message, &base64)->ws.data;
        part = tsio_message_next_part(&at);
        memcpy(expected, "b4", 2);
        tsio_base64_encode(expected + 2, data, len);
        CHECK(!part.binary);
        CHECK_BYTES(part.data, part.len, expected, 2 + tsio_base64_encoded_len(len));
        CHECK(at == message->forms->base64->ws.data + message->forms->base64->ws.len);
        tsio_message_unref(message);
    }
}

static void text_payload_counts_in_utf16(void)
{
    static const char euro[] = "€", face[] = "😀";
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES("2[\"")), TSIO_OK);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES(euro)), TSIO_OK);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES(face)), TSIO_OK);
    CHECK_EQ(tsio_message_add_text(message, '2', NULL, 0), TSIO_OK);
    check_payload(message, false, BYTES("4:42[\"" "2:4€" "3:4😀" "1:2"));
    check_payload(message, true, BYTES("\0\x04\xff" "42[\"" "\0\x04\xff" "4€" "\0\x05\xff" "4😀" "\0\x01\xff" "2"));
    tsio_message_unref(message);
}

static void lengths_have_as_many_digits_as_it_takes(void)
{
    static const size_t lengths[] = {8, 9, 98, 99, 998, 999, 1048575};
    static uint8_t data[1 << 20], expected[(1 << 20) + 20];
    memset(data, 'x', sizeof data);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        tsio_message *message = tsio_message_new(0, 0);
        CHECK_EQ(tsio_message_add_text(message, '4', data, lengths[i]), TSIO_OK);
        const size_t head_len = (size_t)sprintf((char *)expected, "%zu:4", 1 + lengths[i]);
        memcpy(expected + head_len, data, lengths[i]);
        check_payload(message, false, expected, head_len + lengths[i]);
        tsio_message_unref(message);
    }
}

static void message_without_parts_is_empty(void)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK(tsio_message_in(message, &base64) == message);
    check_payload(message, false, NULL, 0);
    check_payload(message, true, NULL, 0);
    tsio_message_unref(message);
}

/* With the n-th allocation failing, a form is not there, and all is as it was. */
static void nothing_is_half_made(void)
{
    for (size_t n = 1, hit = 1; hit > 0; n++) {
        const uint8_t *data = NULL;
        size_t len = 0;
        tsio_message *message = bin_message();
        alloc_fail(n, true);
        const tsio_message *first = tsio_message_in(message, &typed), *second = tsio_message_in(message, &base64);
        tsio_status status = TSIO_E_NO_MEMORY;
        if (first != NULL && second != NULL) {
            status = tsio_message_payload3(message->forms->typed, true, &data, &len);
            if (status == TSIO_OK)
                status = tsio_message_payload3(message->forms->base64, false, &data, &len);
        }
        hit = alloc_heal();
        CHECK_EQ(status, hit ? TSIO_E_NO_MEMORY : TSIO_OK);
        CHECK(first == NULL || tsio_message_in(message, &typed) == first);
        check_payload(tsio_message_in(message, &typed), true, BYTES("\0\x07\xff" "451-[1]" "\x01\x04\xff\x04\x01\x02\x03"));
        check_payload(tsio_message_in(message, &base64), false, BYTES("7:451-[1]6:b4AQID"));
        tsio_message_unref(message);
        CHECK_EQ(alloc_live, 0);
        CHECK(hit || n > 8);
    }
}

int main(void)
{
    alloc_install();
    text_is_the_same_message_to_all();
    binary_is_the_same_message_to_revision4();
    binary_begins_with_its_type();
    binary_is_text_in_base64();
    form_outlives_the_original();
    empty_attachment();
    attachments_of_any_length();
    text_payload_counts_in_utf16();
    lengths_have_as_many_digits_as_it_takes();
    message_without_parts_is_empty();
    nothing_is_half_made();
    CHECK_EQ(alloc_live, 0);
    return check_done("message_forms");
}
