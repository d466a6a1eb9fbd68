/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers to questions about one image.
 */
#include "data/answer.h"

size_t bti_ask_bytes(const bti_ask *ask)
{
    return ask->kind == BTI_ASK_PIXELS ? (size_t)ask->side * (size_t)ask->side * ask->channels : 0;
}

static bt_status fit(const bti_ask *ask, const bti_image *im, uint8_t *px, bt_error *err)
{
    bti_image colour = {0}, square = {0};
    const bti_image *use = im;
    bt_status rc = BT_OK;
    if (im->c != ask->channels) {
        rc = bti_image_convert(&colour, im, ask->channels, err);
        use = &colour;
    }
    if (!rc)
        rc = bti_image_fit_square(&square, use, ask->side, err);
    if (!rc)
        memcpy(px, square.px, bti_image_bytes(&square));
    bti_image_release(&colour);
    bti_image_release(&square);
    return rc;
}

void bti_answer_image(bti_answer *out, const bti_ask *ask, const bti_image *im, uint8_t *px)
{
    *out = (bti_answer){.w = im->w, .h = im->h, .c = im->c};
    if (ask->kind == BTI_ASK_HASH)
        bti_hash_buffer(im->px, bti_image_bytes(im), out->hash);
    if (ask->kind == BTI_ASK_PIXELS)
        out->rc = fit(ask, im, px, &out->error);
}

void bti_answer_file(bti_answer *out, const bti_ask *ask, const char *path, uint8_t *px)
{
    bti_image im = {0};
    bt_error err;
    int w = 0, h = 0, c = 0;
    bt_status rc = ask->kind == BTI_ASK_SIZE ? bti_image_probe(path, &w, &h, &c, &err)
                                             : bti_image_read(&im, path, 0, &err);
    if (rc)
        *out = (bti_answer){.rc = rc, .error = err};
    else if (ask->kind == BTI_ASK_SIZE)
        *out = (bti_answer){.w = w, .h = h, .c = c};
    else
        bti_answer_image(out, ask, &im, px);
    bti_image_release(&im);
}
