/* SPDX-License-Identifier: Apache-2.0
 *
 * The letters, five octal digits each: a digit is a row of three dots.
 */
#include "augment/font.h"

#include <ctype.h>
#include <stddef.h>

static const struct {
    char letter;
    char rows[6];
} font[] = {
    {'A', "25755"}, {'B', "65656"}, {'C', "34443"}, {'D', "65556"}, {'E', "74647"}, {'F', "74644"},
    {'G', "34553"}, {'H', "55755"}, {'I', "72227"}, {'J', "11152"}, {'K', "55655"}, {'L', "44447"},
    {'M', "57755"}, {'N', "65555"}, {'O', "25552"}, {'P', "65644"}, {'Q', "25563"}, {'R', "65655"},
    {'S', "34216"}, {'T', "72222"}, {'U', "55557"}, {'V', "55552"}, {'W', "55775"}, {'X', "55255"},
    {'Y', "55222"}, {'Z', "71247"}, {'0', "75557"}, {'1', "26227"}, {'2', "61247"}, {'3', "61216"},
    {'4', "55711"}, {'5', "74616"}, {'6', "34757"}, {'7', "71122"}, {'8', "75757"}, {'9', "75716"},
    {'.', "00002"}, {'-', "00700"}, {'+', "02720"}, {':', "02020"}, {'=', "07070"}, {'/', "11244"},
    {'%', "51245"}, {'(', "24442"}, {')', "21112"}, {',', "00024"}, {'_', "00007"},
};

static const char *rows_of(char c)
{
    for (size_t i = 0; i < sizeof(font) / sizeof(font[0]); i++)
        if (font[i].letter == toupper((unsigned char)c))
            return font[i].rows;
    return "00000";
}

static void dot(bti_image *im, int x, int y, uint8_t grey)
{
    if (x < 0 || y < 0 || x >= im->w || y >= im->h)
        return;
    for (int k = 0; k < im->c; k++)
        im->px[((size_t)y * (size_t)im->w + (size_t)x) * (size_t)im->c + (size_t)k] = grey;
}

void bti_draw_text(bti_image *im, int x, int y, const char *text, uint8_t grey)
{
    for (; *text; text++, x += BTI_FONT_W) {
        const char *rows = rows_of(*text);
        for (int i = 0; i < 5 * 3; i++) {
            int dx = x + i % 3 * 2, dy = y + i / 3 * 2;
            if (!((rows[i / 3] - '0') >> (2 - i % 3) & 1))
                continue;
            dot(im, dx, dy, grey);
            dot(im, dx + 1, dy, grey);
            dot(im, dx, dy + 1, grey);
            dot(im, dx + 1, dy + 1, grey);
        }
    }
}
