/* P13: lone surrogates in JSON are replaced in one pass. */
#include "check.h"
#include "json_text.h"

static void replaced(const char *text, const char *expected)
{
    const size_t len = strlen(text);
    uint8_t *block = check_block(text, len);
    CHECK_EQ(tsio_json_replace_lone_surrogates(block, len), strcmp(text, expected) != 0);
    CHECK_BYTES(block, len, expected, strlen(expected));
    check_block_free(block, len);
}

static void test_known(void)
{
    replaced("", "");
    replaced("[1,\"a\\n\\u00e9\"]", "[1,\"a\\n\\u00e9\"]");
    replaced("\\ud83d\\ude00", "\\ud83d\\ude00");
    replaced("\\uD83D\\uDE00x", "\\uD83D\\uDE00x");
    replaced("\\ud83d", "\\ufffd");
    replaced("\\uDFFFx", "\\ufffdx");
    replaced("\\ud83d\\ud83d\\ude00", "\\ufffd\\ud83d\\ude00");
    replaced("\\ude00\\ud83d", "\\ufffd\\ufffd");
    replaced("\\ud83d\\n\\ude00", "\\ufffd\\n\\ufffd");
    replaced("\\\\ud83d", "\\\\ud83d");
    replaced("\\\\\\ud83d", "\\\\\\ufffd");
    replaced("\\ud83d\\\\ude00", "\\ufffd\\\\ude00");
    replaced("\\ud7ff\\ue000", "\\ud7ff\\ue000");
    replaced("\\ud83", "\\ud83");
    replaced("\\ud83d\\ude0", "\\ufffd\\ude0");
    replaced("\\ud8zz", "\\ud8zz");
    replaced("\\", "\\");
    replaced("\\u", "\\u");
    CHECK(!tsio_json_replace_lone_surrogates(NULL, 0));
}

/* Escapes and what looks like some, in a row: against a model that keeps the code units in a list. */
static void test_random(void)
{
    static const char *const pieces[] = {"\\ud83d", "\\ude00", "\\u0041", "\\\\", "x", "\\n"};
    check_rng rng = {3};
    for (int round = 0; round < 100000; round++) {
        char text[80] = "", expected[80] = "";
        size_t picks[12];
        const size_t count = check_below(&rng, 13);
        for (size_t i = 0; i < count; i++)
            picks[i] = check_below(&rng, 6);
        for (size_t i = 0; i < count; i++) {
            const bool pair = picks[i] == 0 && i + 1 < count && picks[i + 1] == 1;
            strcat(text, pieces[picks[i]]);
            strcat(expected, !pair && picks[i] < 2 ? "\\ufffd" : pieces[picks[i]]);
            if (pair) {
                strcat(text, pieces[1]);
                strcat(expected, pieces[1]);
                i++;
            }
        }
        replaced(text, expected);
    }
}

int main(void)
{
    test_known();
    test_random();
    return check_done("json_text");
}
