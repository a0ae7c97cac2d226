#include "check.h"
#include "sio_packet.h"

static tsio_status parse(const void *packet, size_t len, uint32_t max_attachments, tsio_sio_head *head)
{
    uint8_t *block = check_block(packet, len);
    const tsio_status status = tsio_sio_head_parse(block, len, max_attachments, head);
    if (status == TSIO_OK) {
        CHECK(head->json_offset <= len);
        if (head->nsp != NULL) { /* rebase it: the block does not outlive this call */
            CHECK(head->nsp > block && head->nsp + head->nsp_len <= block + len);
            head->nsp = (const uint8_t *)packet + (head->nsp - block);
        }
    }
    check_block_free(block, len);
    return status;
}

/* --- heads that are good ------------------------------------------------- */

typedef struct {
    const char *packet;
    uint8_t type;
    uint32_t attachments;
    const char *nsp; /* NULL: absent */
    int64_t id;      /* -1: none */
    const char *json;
} good_head;

static const good_head good_heads[] = {
    {"0", 0, 0, NULL, -1, ""},
    {"0{\"token\":1}", 0, 0, NULL, -1, "{\"token\":1}"},
    {"0/chat", 0, 0, "/chat", -1, ""},
    {"0/chat,", 0, 0, "/chat", -1, ""},
    {"0/chat,{}", 0, 0, "/chat", -1, "{}"},
    {"0/chat?a=1&b=/2,", 0, 0, "/chat?a=1&b=/2", -1, ""},
    {"1", 1, 0, NULL, -1, ""},
    {"1/admin,", 1, 0, "/admin", -1, ""},
    {"2[\"a\"]", 2, 0, NULL, -1, "[\"a\"]"},
    {"2/,[\"a\"]", 2, 0, "/", -1, "[\"a\"]"},
    {"2/n,[\"a,b\",1]", 2, 0, "/n", -1, "[\"a,b\",1]"},
    {"20[\"a\"]", 2, 0, NULL, 0, "[\"a\"]"},
    {"212[\"a\"]", 2, 0, NULL, 12, "[\"a\"]"},
    {"2007[]", 2, 0, NULL, 7, "[]"},
    {"2/n,17[\"a\"]", 2, 0, "/n", 17, "[\"a\"]"},
    {"2/17", 2, 0, "/17", -1, ""},
    {"29007199254740991[]", 2, 0, NULL, 9007199254740991, "[]"},
    {"20000000000000001[]", 2, 0, NULL, 1, "[]"}, /* 16 digits */
    {"25-[]", 2, 0, NULL, 5, "-[]"},              /* type 2 has no attachments */
    {"3/n,4[1]", 3, 0, "/n", 4, "[1]"},
    {"4{\"message\":\"no\"}", 4, 0, NULL, -1, "{\"message\":\"no\"}"},
    {"51-[{}]", 5, 1, NULL, -1, "[{}]"},
    {"510-/n,3[{}]", 5, 10, "/n", 3, "[{}]"},
    {"51-", 5, 1, NULL, -1, ""},
    {"51-2", 5, 1, NULL, 2, ""},
    {"62-/n,77[{}]", 6, 2, "/n", 77, "[{}]"},
    {"61-15[{}]", 6, 1, NULL, 15, "[{}]"},
};

static void check_good(const good_head *good)
{
    const size_t len = strlen(good->packet);
    tsio_sio_head head;
    CHECK_EQ(parse(good->packet, len, 10, &head), TSIO_OK);
    CHECK_EQ(head.type, good->type);
    CHECK_EQ(head.attachments, good->attachments);
    CHECK_EQ(head.nsp != NULL, good->nsp != NULL);
    if (good->nsp != NULL)
        CHECK_BYTES(head.nsp, head.nsp_len, good->nsp, strlen(good->nsp));
    else
        CHECK_EQ(head.nsp_len, 0);
    CHECK_EQ(head.has_id, good->id >= 0);
    CHECK_EQ(head.id, good->id >= 0 ? good->id : 0);
    CHECK_BYTES(good->packet + head.json_offset, len - head.json_offset, good->json, strlen(good->json));
}

/* --- heads that are bad -------------------------------------------------- */

static const struct {
    const char *packet;
    tsio_status status;
} bad_heads[] = {
    {"", TSIO_E_PACKET_TYPE},
    {"7", TSIO_E_PACKET_TYPE},
    {"9[]", TSIO_E_PACKET_TYPE},
    {"/", TSIO_E_PACKET_TYPE},
    {"a", TSIO_E_PACKET_TYPE},
    {"\xff", TSIO_E_PACKET_TYPE},
    {"-1", TSIO_E_PACKET_TYPE},
    {"5", TSIO_E_ATTACHMENT_COUNT},
    {"6", TSIO_E_ATTACHMENT_COUNT},
    {"5[]", TSIO_E_ATTACHMENT_COUNT},
    {"5-[]", TSIO_E_ATTACHMENT_COUNT},
    {"51", TSIO_E_ATTACHMENT_COUNT},
    {"51[]", TSIO_E_ATTACHMENT_COUNT},
    {"51/n,[]", TSIO_E_ATTACHMENT_COUNT},
    {"5/n,1-[]", TSIO_E_ATTACHMENT_COUNT},
    {"50-[]", TSIO_E_ATTACHMENT_COUNT},
    {"600-[]", TSIO_E_ATTACHMENT_COUNT},
    {"501-[]", TSIO_E_ATTACHMENT_COUNT},
    {"5+1-[]", TSIO_E_ATTACHMENT_COUNT},
    {"5 1-[]", TSIO_E_ATTACHMENT_COUNT},
    {"51.5-[]", TSIO_E_ATTACHMENT_COUNT},
    {"5--1-[]", TSIO_E_ATTACHMENT_COUNT},
    {"512345678901-[]", TSIO_E_ATTACHMENT_COUNT}, /* 11 digits */
    {"599999999999999999999999-[]", TSIO_E_ATTACHMENT_COUNT},
    {"511-[]", TSIO_E_TOO_MANY_ATTACHMENTS},
    {"59999999999-[]", TSIO_E_TOO_MANY_ATTACHMENTS}, /* 10 digits, above 2^32 */
    {"54294967297-[]", TSIO_E_TOO_MANY_ATTACHMENTS}, /* 1, were it cut to 32 bits */
    {"29007199254740992[]", TSIO_E_ACK_ID},
    {"29999999999999999[]", TSIO_E_ACK_ID},
    {"210000000000000000[]", TSIO_E_ACK_ID}, /* 17 digits */
    {"200000000000000001[]", TSIO_E_ACK_ID}, /* 17 digits, though small */
    {"2/n,18446744073709551617[]", TSIO_E_ACK_ID},
    {"51-99999999999999999999", TSIO_E_ACK_ID},
};

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof bad_heads / sizeof bad_heads[0]; i++) {
        tsio_sio_head head;
        CHECK_EQ(parse(bad_heads[i].packet, strlen(bad_heads[i].packet), 10, &head), bad_heads[i].status);
    }
    tsio_sio_head head;
    CHECK_EQ(tsio_sio_head_parse(NULL, 0, 10, &head), TSIO_E_PACKET_TYPE);
}

static void test_every_type(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        const uint8_t packet[4] = {(uint8_t)byte, '1', '-', '['};
        tsio_sio_head head;
        CHECK_EQ(parse(packet, 4, 1, &head), byte >= '0' && byte <= '6' ? TSIO_OK : TSIO_E_PACKET_TYPE);
    }
}

static void test_attachment_limit(void)
{
    tsio_sio_head head;
    CHECK_EQ(parse(BYTES("51-"), 1, &head), TSIO_OK);
    CHECK_EQ(parse(BYTES("51-"), 0, &head), TSIO_E_TOO_MANY_ATTACHMENTS);
    CHECK_EQ(parse(BYTES("5100-"), 100, &head), TSIO_OK);
    CHECK_EQ(parse(BYTES("5101-"), 100, &head), TSIO_E_TOO_MANY_ATTACHMENTS);
    CHECK_EQ(parse(BYTES("54294967295-"), UINT32_MAX, &head), TSIO_OK);
    CHECK_EQ(head.attachments, UINT32_MAX);
    CHECK_EQ(parse(BYTES("54294967296-"), UINT32_MAX, &head), TSIO_E_TOO_MANY_ATTACHMENTS);
}

/* --- any bytes, against a model that works on strings -------------------- */

static tsio_status model(const char *packet, uint32_t max_attachments, tsio_sio_head *head)
{
    const char *at = packet;
    memset(head, 0, sizeof *head);
    if (*at == '\0' || strchr("0123456", *at) == NULL)
        return TSIO_E_PACKET_TYPE;
    head->type = (uint8_t)(*at++ - '0');
    if (head->type >= 5) {
        const size_t digits = strspn(at, "0123456789");
        if (digits == 0 || digits > 10 || *at == '0' || at[digits] != '-')
            return TSIO_E_ATTACHMENT_COUNT;
        const unsigned long long count = strtoull(at, NULL, 10);
        if (count > max_attachments)
            return TSIO_E_TOO_MANY_ATTACHMENTS;
        head->attachments = (uint32_t)count;
        at += digits + 1;
    }
    if (*at == '/') {
        head->nsp = (const uint8_t *)at;
        head->nsp_len = strcspn(at, ",");
        at += head->nsp_len;
        at += *at == ',';
    }
    const size_t digits = strspn(at, "0123456789");
    head->has_id = digits > 0;
    head->id = digits > 0 ? strtoull(at, NULL, 10) : 0; /* which would take a sign, too */
    if (digits > 16 || head->id > 9007199254740991u)
        return TSIO_E_ACK_ID;
    head->json_offset = (size_t)(at + digits - packet);
    return TSIO_OK;
}

static bool seen[32];

static void check_against_model(const char *packet, size_t len, uint32_t max_attachments)
{
    tsio_sio_head head, expected;
    const tsio_status status = model(packet, max_attachments, &expected);
    CHECK_EQ(parse(packet, len, max_attachments, &head), status);
    seen[-(int)status] = true;
    if (status != TSIO_OK)
        return;
    CHECK_EQ(head.type, expected.type);
    CHECK_EQ(head.attachments, expected.attachments);
    CHECK(head.nsp == expected.nsp && head.nsp_len == expected.nsp_len);
    CHECK(head.has_id == expected.has_id && head.id == expected.id);
    CHECK_EQ(head.json_offset, expected.json_offset);
}

static void test_random(void)
{
    check_rng rng = {7};
    for (int round = 0; round < 300000; round++) {
        char packet[40] = {0};
        const size_t len = check_below(&rng, sizeof packet);
        /* A few letters only, more or fewer digits among them, so that all parts occur. */
        const size_t digits = check_below(&rng, 12);
        for (size_t i = 0; i < len; i++)
            packet[i] = check_below(&rng, 12) < digits ? (char)('0' + check_below(&rng, 10)) : "/,-[a"[check_below(&rng, 5)];
        if (len > 0 && check_below(&rng, 8) > 0)
            packet[0] = (char)('0' + check_below(&rng, 7));
        check_against_model(packet, len, (uint32_t)check_below(&rng, 30));
    }
    CHECK(seen[0] && seen[-TSIO_E_PACKET_TYPE] && seen[-TSIO_E_ATTACHMENT_COUNT]);
    CHECK(seen[-TSIO_E_TOO_MANY_ATTACHMENTS] && seen[-TSIO_E_ACK_ID]);
}

/* Every beginning of every known packet. */
static void test_cut_short(void)
{
    for (size_t i = 0; i < sizeof good_heads / sizeof good_heads[0]; i++)
        for (size_t len = 0; len <= strlen(good_heads[i].packet); len++) {
            char packet[40] = {0};
            memcpy(packet, good_heads[i].packet, len);
            check_against_model(packet, len, 10);
        }
}

int main(void)
{
    for (size_t i = 0; i < sizeof good_heads / sizeof good_heads[0]; i++)
        check_good(&good_heads[i]);
    test_bad();
    test_every_type();
    test_attachment_limit();
    test_random();
    test_cut_short();
    return check_done("sio_packet");
}
