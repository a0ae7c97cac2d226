#include "check.h"
#include "eio_payload.h"

/* What came out of a payload: its packets one after the other, and how it ended. */
typedef struct {
    char packets[512]; /* "<packet>;" each, "#<base64>;" if binary */
    tsio_status status;
    uint32_t count;
} outcome;

static outcome split(const uint8_t *payload, size_t len)
{
    outcome out = {{0}, TSIO_OK, 0};
    size_t written = 0;
    uint8_t *block = check_block(payload, len);
    tsio_eio_splitter splitter;
    tsio_eio_packet packet = {0};
    bool more = true;
    tsio_eio_splitter_init(&splitter, block, len);
    while ((out.status = tsio_eio_splitter_next(&splitter, &packet, &more)) == TSIO_OK && more) {
        CHECK(packet.packet >= block && packet.packet + packet.len <= block + len);
        if (packet.binary)
            out.packets[written++] = '#';
        memcpy(out.packets + written, packet.packet, packet.len);
        written += packet.len;
        out.packets[written++] = ';';
        out.count++;
    }
    CHECK(!more);
    for (int again = 0; again < 3; again++) { /* the end and an error both stay */
        const tsio_eio_packet untouched = packet;
        more = true;
        CHECK_EQ(tsio_eio_splitter_next(&splitter, &packet, &more), out.status);
        CHECK(!more);
        CHECK(packet.packet == untouched.packet && packet.len == untouched.len && packet.binary == untouched.binary);
    }
    check_block_free(block, len);
    return out;
}

static void check_split(const char *payload, size_t len, tsio_status status, const char *packets)
{
    const outcome out = split((const uint8_t *)payload, len);
    CHECK_EQ(out.status, status);
    CHECK_BYTES(out.packets, strlen(out.packets), packets, strlen(packets));
}

#define SPLIT(payload, status, packets) \
    check_split(payload, sizeof(payload) - 1, status, packets)

static void test_packets(void)
{
    SPLIT("2", TSIO_OK, "2;");
    SPLIT("4hello\x1e" "2\x1e" "4world", TSIO_OK, "4hello;2;4world;");
    SPLIT("bAQID", TSIO_OK, "#AQID;");
    SPLIT("451-[\"bin\"]\x1e" "bAQID", TSIO_OK, "451-[\"bin\"];#AQID;");
    SPLIT("b", TSIO_OK, "#;");
    SPLIT("b\x1e" "bb\x1e" "4b", TSIO_OK, "#;#b;4b;");
    SPLIT("4\x1d\x1f\xff", TSIO_OK, "4\x1d\x1f\xff;");
}

static void test_empty_packets(void)
{
    SPLIT("", TSIO_E_EMPTY_PACKET, "");
    SPLIT("\x1e", TSIO_E_EMPTY_PACKET, "");
    SPLIT("\x1e" "2", TSIO_E_EMPTY_PACKET, "");
    SPLIT("2\x1e", TSIO_E_EMPTY_PACKET, "2;");
    SPLIT("2\x1e\x1e" "3", TSIO_E_EMPTY_PACKET, "2;");
    SPLIT("2\x1e" "b\x1e", TSIO_E_EMPTY_PACKET, "2;#;");

    tsio_eio_splitter splitter;
    tsio_eio_packet packet;
    bool more = true;
    tsio_eio_splitter_init(&splitter, NULL, 0);
    CHECK_EQ(tsio_eio_splitter_next(&splitter, &packet, &more), TSIO_E_EMPTY_PACKET);
    CHECK(!more);
}

/* The trailing bytes of a longer buffer are not looked at. */
static void test_bytes_behind(void)
{
    check_split("2\x1e" "3\x1e" "4a", 3, TSIO_OK, "2;3;");
    check_split("4a\x1e" "3", 2, TSIO_OK, "4a;");
    check_split("4a\x1e" "3", 3, TSIO_E_EMPTY_PACKET, "4a;");
}

/* Against a model that looks at one byte after the other. */
static void test_random(void)
{
    check_rng rng = {5};
    for (int round = 0; round < 100000; round++) {
        uint8_t payload[40];
        const size_t len = check_below(&rng, sizeof payload + 1);
        for (size_t i = 0; i < len; i++)
            payload[i] = (uint8_t)"4b\x1e" "a"[check_below(&rng, 4)];

        outcome model = {{0}, TSIO_OK, 0};
        size_t written = 0, start = 0;
        for (size_t i = 0; i <= len && model.status == TSIO_OK; i++) {
            if (i < len && payload[i] != 0x1e)
                continue;
            if (i == start) {
                model.status = TSIO_E_EMPTY_PACKET;
            } else {
                for (size_t j = start; j < i; j++)
                    model.packets[written++] = j == start && payload[j] == 'b' ? '#' : (char)payload[j];
                model.packets[written++] = ';';
                model.count++;
                start = i + 1;
            }
        }
        const outcome out = split(payload, len);
        CHECK_EQ(out.status, model.status);
        CHECK_EQ(out.count, model.count);
        CHECK_BYTES(out.packets, strlen(out.packets), model.packets, written);
    }
}

int main(void)
{
    test_packets();
    test_empty_packets();
    test_bytes_behind();
    test_random();
    return check_done("eio_payload");
}
