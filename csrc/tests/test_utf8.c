#include "check.h"
#include "utf8.h"

/* --- the oracle: decode the number, then judge the number ---------------- */

typedef enum { INVALID, UNFINISHED, VALID } verdict;

static verdict judge_char(const uint8_t *data, size_t len, size_t *char_len)
{
    const uint8_t first = data[0];
    const size_t want = first < 0x80            ? 1
                        : (first & 0xe0) == 0xc0 ? 2
                        : (first & 0xf0) == 0xe0 ? 3
                        : (first & 0xf8) == 0xf0 ? 4
                                                 : 0;
    if (want == 0)
        return INVALID;
    uint32_t number = want == 1 ? first : first & (0x7fu >> want);
    for (size_t i = 1; i < want && i < len; i++) {
        if ((data[i] & 0xc0) != 0x80)
            return INVALID;
        number = number << 6 | (data[i] & 0x3fu);
    }
    *char_len = want;
    if (want > len) {
        /* Some completion must be acceptable: try both ends of the range. */
        const unsigned missing = (unsigned)(6 * (want - len));
        const uint32_t low = number << missing, high = low | ((1u << missing) - 1);
        const uint32_t minimum = want == 2 ? 0x80 : want == 3 ? 0x800 : 0x10000;
        const bool surrogates = low >= 0xd800 && high <= 0xdfff;
        return high < minimum || low > 0x10ffff || surrogates ? INVALID : UNFINISHED;
    }
    const uint32_t minimum = want == 1 ? 0 : want == 2 ? 0x80 : want == 3 ? 0x800 : 0x10000;
    return number < minimum || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff) ? INVALID : VALID;
}

static verdict judge(const uint8_t *data, size_t len)
{
    size_t i = 0, char_len = 0;
    while (i < len) {
        const verdict one = judge_char(data + i, len - i, &char_len);
        if (one != VALID)
            return one;
        i += char_len;
    }
    return VALID;
}

/* --- the text whole, byte by byte, and in every two pieces --------------- */

static void check_state(const tsio_utf8 *utf8, bool fed, verdict expected)
{
    CHECK_EQ(fed, expected != INVALID);
    CHECK_EQ(tsio_utf8_complete(utf8), expected == VALID);
}

static void check_text(const uint8_t *text, size_t len)
{
    const verdict expected = judge(text, len);
    uint8_t *block = check_block(text, len);
    CHECK_EQ(tsio_utf8_valid(block, len), expected == VALID);

    tsio_utf8 bytewise = {0};
    for (size_t i = 0; i < len; i++)
        check_state(&bytewise, tsio_utf8_feed(&bytewise, block + i, 1), judge(text, i + 1));

    for (size_t cut = 0; cut <= len; cut++) {
        tsio_utf8 utf8 = {0};
        uint8_t *head = check_block(text, cut);
        check_state(&utf8, tsio_utf8_feed(&utf8, head, cut), judge(text, cut));
        check_state(&utf8, tsio_utf8_feed(&utf8, block + cut, len - cut), expected);
        check_block_free(head, cut);
    }
    check_block_free(block, len);
}

static void test_empty(void)
{
    tsio_utf8 utf8 = {0};
    CHECK(tsio_utf8_feed(&utf8, NULL, 0));
    CHECK(tsio_utf8_complete(&utf8));
    CHECK(tsio_utf8_valid(NULL, 0));
}

static void test_ends_of_the_ranges(void)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"\x7f", true},              {"\x80", false},             {"\xbf", false},
        {"\xc0\x80", false},         {"\xc1\xbf", false},         {"\xc2\x80", true},
        {"\xc2\x7f", false},         {"\xc2\xc0", false},         {"\xdf\xbf", true},
        {"\xe0\x9f\xbf", false},     {"\xe0\xa0\x80", true},      {"\xec\xbf\xbf", true},
        {"\xed\x9f\xbf", true},      {"\xed\xa0\x80", false},     {"\xed\xbf\xbf", false},
        {"\xee\x80\x80", true},      {"\xef\xbf\xbf", true},      {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80\x80", true},  {"\xf3\xbf\xbf\xbf", true},  {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false}, {"\xf5\x80\x80\x80", false}, {"\xf8\x88\x80\x80\x80", false},
        {"\xff", false},             {"\xe2\x82", false},         {"\xe2\x82" "a", false},
        {"\xf0\x9f\x98\x80", true},  {"\xf0\x9f\x98", false},     {"\xe2\x82\xac\xf0\x9f\x98\x80", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t *text = (const uint8_t *)cases[i].text;
        const size_t len = strlen(cases[i].text);
        CHECK_EQ(tsio_utf8_valid(text, len), cases[i].valid);
        check_text(text, len);
    }
}

/* Every character there is, and every number that is none. */
static void test_every_number(void)
{
    for (uint32_t number = 0; number < 0x200000; number++) {
        uint8_t bytes[4];
        size_t len;
        if (number < 0x80) {
            bytes[0] = (uint8_t)number;
            len = 1;
        } else if (number < 0x800) {
            bytes[0] = (uint8_t)(0xc0 | number >> 6);
            len = 2;
        } else if (number < 0x10000) {
            bytes[0] = (uint8_t)(0xe0 | number >> 12);
            len = 3;
        } else {
            bytes[0] = (uint8_t)(0xf0 | number >> 18);
            len = 4;
        }
        for (size_t i = 1; i < len; i++)
            bytes[i] = (uint8_t)(0x80 | (number >> (6 * (len - 1 - i)) & 0x3f));
        const bool valid = number <= 0x10ffff && !(number >= 0xd800 && number <= 0xdfff);
        CHECK_EQ(tsio_utf8_valid(bytes, len), valid);
    }
}

/* Every two bytes, and every three that begin with a longer character's first. */
static void test_every_beginning(void)
{
    for (uint32_t pair = 0; pair < 0x10000; pair++) {
        const uint8_t bytes[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
        check_text(bytes, 2);
    }
    for (uint32_t rest = 0; rest < 0x300000; rest++) {
        const uint8_t bytes[3] = {(uint8_t)(0xd0 | rest >> 16), (uint8_t)(rest >> 8), (uint8_t)rest};
        tsio_utf8 utf8 = {0};
        check_state(&utf8, tsio_utf8_feed(&utf8, bytes, 3), judge(bytes, 3));
    }
}

/* A bad or a good character at every place of a text longer than a few words:
 * the fast way through ASCII may neither skip nor overlook it. */
static void test_places(void)
{
    static const char *const inserts[] = {"\x80", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xff"};
    for (size_t len = 0; len < 40; len++)
        for (size_t place = 0; place <= len; place++)
            for (size_t k = 0; k < sizeof inserts / sizeof inserts[0]; k++) {
                uint8_t text[48];
                const size_t insert_len = strlen(inserts[k]);
                memset(text, 'a', sizeof text);
                memcpy(text + place, inserts[k], insert_len);
                check_text(text, len + insert_len);
            }
}

static void test_refusal_is_sticky(void)
{
    tsio_utf8 utf8 = {0};
    CHECK(!tsio_utf8_feed(&utf8, BYTES("abc\xff")));
    CHECK(!tsio_utf8_feed(&utf8, BYTES("abc")));
    CHECK(!tsio_utf8_feed(&utf8, NULL, 0));
    CHECK(!tsio_utf8_complete(&utf8));
}

static void test_random(void)
{
    static const uint8_t telling[] = {'a',  0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2,
                                      0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf3, 0xf4, 0xf5, 0xff};
    check_rng rng = {1};
    for (int round = 0; round < 100000; round++) {
        uint8_t text[24];
        const size_t len = check_below(&rng, sizeof text + 1);
        for (size_t i = 0; i < len; i++)
            text[i] = telling[check_below(&rng, sizeof telling)];
        check_text(text, len);
    }
}

/* Good texts, then the same with one byte changed: errors deep inside. */
static void test_random_characters(void)
{
    static const char *const chars[] = {"a", "bcdefghi", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                        "\xe2\x82\xac", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    check_rng rng = {6};
    for (int round = 0; round < 10000; round++) {
        uint8_t text[60];
        size_t len = 0;
        for (;;) {
            const char *next = chars[check_below(&rng, sizeof chars / sizeof chars[0])];
            if (len + strlen(next) > sizeof text)
                break;
            memcpy(text + len, next, strlen(next));
            len += strlen(next);
        }
        CHECK_EQ(judge(text, len), VALID);
        check_text(text, len);
        text[check_below(&rng, len)] ^= (uint8_t)(1u << check_below(&rng, 8));
        check_text(text, len);
    }
}

/* --- UTF-16 code units ---------------------------------------------------- */

static void test_units(void)
{
    static const struct {
        const char *text;
        size_t units;
    } rows[] = {{"", 0}, {"a", 1}, {"\xc3\xa9", 1}, {"€", 1}, {"😀", 2}, {"a😀€b", 5}, {"\xef\xbf\xbf", 1},
                {"\xf0\x90\x80\x80", 2}, {"\xf4\x8f\xbf\xbf", 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint8_t *text = (const uint8_t *)rows[i].text;
        const size_t len = strlen(rows[i].text);
        CHECK_EQ(tsio_utf8_utf16_units(text, len), rows[i].units);
        CHECK_EQ(tsio_utf8_find_utf16(text, len, rows[i].units), len);
        CHECK(tsio_utf8_find_utf16(text, len, rows[i].units + 1) == SIZE_MAX);
    }
    CHECK_EQ(tsio_utf8_utf16_units(NULL, 0), 0);
    CHECK_EQ(tsio_utf8_find_utf16(NULL, 0, 0), 0);
    CHECK(tsio_utf8_find_utf16(NULL, 0, 1) == SIZE_MAX);
    CHECK(tsio_utf8_find_utf16(BYTES("a😀"), 2) == SIZE_MAX); /* half a pair */
}

/* Finding what was counted, from every character on, across the words that are skipped. */
static void test_units_of_random_text(void)
{
    static const char *const characters[] = {"a", "bcdefghij", "\xc3\xa9", "€", "😀"};
    static const size_t units[] = {1, 9, 1, 1, 2};
    check_rng rng = {8};
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t text[200];
        size_t len = 0, counted = 0, ends[20], sums[20];
        const size_t count = check_below(&rng, 20);
        for (size_t i = 0; i < count; i++) {
            const size_t kind = check_below(&rng, 5), size = strlen(characters[kind]);
            memcpy(text + len, characters[kind], size);
            ends[i] = len += size;
            sums[i] = counted += units[kind];
        }
        uint8_t *block = check_block(text, len);
        CHECK_EQ(tsio_utf8_utf16_units(block, len), counted);
        CHECK_EQ(tsio_utf8_find_utf16(block, len, 0), 0);
        for (size_t i = 0; i < count; i++)
            CHECK_EQ(tsio_utf8_find_utf16(block, len, sums[i]), ends[i]);
        CHECK(tsio_utf8_find_utf16(block, len, counted + 1) == SIZE_MAX);
        check_block_free(block, len);
    }
}

int main(void)
{
    test_empty();
    test_ends_of_the_ranges();
    test_every_number();
    test_every_beginning();
    test_places();
    test_refusal_is_sticky();
    test_random();
    test_random_characters();
    test_units();
    test_units_of_random_text();
    return check_done("utf8");
}
