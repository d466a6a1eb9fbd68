/* SPDX-License-Identifier: Apache-2.0
 *
 * The contact sheet: operations by levels, or a policy's images by epochs, as one PNG with captions
 * or as one HTML page that needs no other file.
 */
#include "augment/font.h"
#include "augment/policy_int.h"
#include "augment/view.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"

#define CELL 64 /* smaller images are enlarged to about this, dot by dot */
#define GAP 6
#define POLICY_ROWS 8
#define NAME_CHARS 18
#define CAPTION_CHARS 24

typedef struct sheet {
    bti_augment_view view;
    const bt_augment_view *opt;
    bool of_policy;
    int rows, columns;
    int side; /* of the images */
    void *scratch;
    uint8_t *image; /* as stored, (side,side,c) */
} sheet;

static const uint8_t *stored(const sheet *s, int64_t id)
{
    const bti_dataset *set = &s->view.data->train;

    return set->pixels + (size_t)(id % set->n) * (size_t)set->h * (size_t)set->w * (size_t)set->c;
}

/* The image of a policy's row: of a small set, again from the first on. */
static int64_t image_of(const sheet *s, int row)
{
    return (s->opt->id + row) % s->view.data->train.n;
}

static void row_name(const sheet *s, int row, char text[CAPTION_CHARS])
{
    if (s->of_policy)
        snprintf(text, CAPTION_CHARS, "image %lld", (long long)image_of(s, row));
    else
        snprintf(text, CAPTION_CHARS, "%s", bti_op_name((bti_op)row));
}

static double op_value(const sheet *s, bti_op op, int column)
{
    return bti_op_level(op, column, s->columns, s->side, s->side, 1);
}

static void cell_name(const sheet *s, int row, int column, char text[CAPTION_CHARS])
{
    text[0] = 0;
    if (s->of_policy)
        snprintf(text, CAPTION_CHARS, "epoch %d", s->opt->epoch + column);
    else if (bti_op_get((bti_op)row)->unit)
        snprintf(text, CAPTION_CHARS, "%.3g", op_value(s, (bti_op)row, column));
}

/* Whether there is anything to see: an operation without a value and draws has one cell. */
static bool has_cell(const sheet *s, int row, int column)
{
    const bti_op_info *info = s->of_policy ? NULL : bti_op_get((bti_op)row);

    return !info || !column || info->unit || info->draws;
}

static void draw_cell(const sheet *s, int row, int column, uint8_t *out)
{
    const bti_dataset *set = &s->view.data->train;
    bti_rng rng =
        bti_rng_at(s->opt->seed, BTI_RNG_AUGMENT, (uint32_t)column, (uint32_t)row, BTI_SLOT_PIXELS);

    if (s->of_policy) {
        bti_pipeline_show(s->view.pipeline, (uint32_t)(s->opt->epoch + column),
                          (int32_t)image_of(s, row), 0, out);
        return;
    }
    bti_op_image im = {.src = stored(s, s->opt->id),
                       .dst = out,
                       .h = set->h,
                       .w = set->w,
                       .c = set->c,
                       .scratch = s->scratch,
                       .partner = stored(s, s->opt->id + 1)};
    for (int i = 0; i < bti_op_get((bti_op)row)->draws; i++)
        im.draw[i] = bti_rng_unit(&rng);
    bti_op_apply((bti_op)row, op_value(s, (bti_op)row, column), &im);
}

/* ---- PNG ---- */

/* An (side,side,c) image, each dot zoom x zoom, at (x, y) of a colour sheet. */
static void paste(bti_image *on, const uint8_t *px, int side, int c, int zoom, int x, int y)
{
    for (int i = 0; i < side * zoom; i++)
        for (int j = 0; j < side * zoom; j++) {
            const uint8_t *from =
                px + ((size_t)(i / zoom) * (size_t)side + (size_t)(j / zoom)) * (size_t)c;
            uint8_t *to = on->px + ((size_t)(y + i) * (size_t)on->w + (size_t)(x + j)) * 3;
            for (int k = 0; k < 3; k++)
                to[k] = from[c == 3 ? k : 0];
        }
}

static bt_status write_sheet(const sheet *s, const char *path, bt_error *err)
{
    int zoom = s->side >= CELL ? 1 : CELL / s->side, cell = s->side * zoom;
    int left = NAME_CHARS * BTI_FONT_W + GAP, pitch = cell + BTI_FONT_H_PX + 2 * GAP;
    char text[CAPTION_CHARS];
    bti_image im;
    bt_status rc =
        bti_image_new(&im, left + s->columns * (cell + GAP) + GAP, s->rows * pitch + GAP, 3, err);

    if (rc)
        return rc;
    memset(im.px, 255, bti_image_bytes(&im));
    for (int row = 0; row < s->rows; row++) {
        int y = GAP + row * pitch;
        row_name(s, row, text);
        bti_draw_text(&im, GAP, y + cell / 2, text, 0);
        for (int column = 0; column < s->columns; column++) {
            int x = left + column * (cell + GAP);
            if (!has_cell(s, row, column))
                continue;
            draw_cell(s, row, column, s->image);
            paste(&im, s->image, s->side, s->view.data->train.c, zoom, x, y);
            cell_name(s, row, column, text);
            bti_draw_text(&im, x, y + cell + 2, text, 96);
        }
    }
    rc = bti_image_write_png(&im, path, err);
    bti_image_release(&im);
    return rc;
}

/* ---- HTML ---- */

static void add_base64(bti_str *html, const uint8_t *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < n ? p[i + 2] : 0);
        const char four[4] = {digits[v >> 18], digits[v >> 12 & 63],
                              i + 1 < n ? digits[v >> 6 & 63] : '=',
                              i + 2 < n ? digits[v & 63] : '='};
        bti_str_addn(html, four, 4);
    }
}

static bt_status add_cell(bti_str *html, const sheet *s, int row, int column, bt_error *err)
{
    bti_image im = {s->side, s->side, s->view.data->train.c, s->image};
    char text[CAPTION_CHARS];
    uint8_t *png;
    size_t n;

    draw_cell(s, row, column, s->image);
    bt_status rc = bti_image_encode_png(&im, &png, &n, err);
    if (rc)
        return rc;
    cell_name(s, row, column, text);
    bti_str_addf(html, "<td><img alt=\"\" width=%d height=%d src=\"data:image/png;base64,",
                 s->side > 96 ? s->side : 96, s->side > 96 ? s->side : 96);
    add_base64(html, png, n);
    bti_str_addf(html, "\"><br>%s</td>", text);
    bti_free(png);
    return BT_OK;
}

/* Text from the user inside HTML. */
static void add_escaped(bti_str *html, const char *text)
{
    for (; *text; text++) {
        const char *as = *text == '<'   ? "&lt;"
                         : *text == '&' ? "&amp;"
                         : *text == '"' ? "&quot;"
                                        : NULL;
        if (as)
            bti_str_add(html, as);
        else
            bti_str_addn(html, text, 1);
    }
}

static bt_status write_page(const sheet *s, const char *path, bt_error *err)
{
    bti_str html = {0};
    char text[CAPTION_CHARS];
    bt_status rc = BT_OK;

    bti_str_add(&html,
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Augmentation"
                "</title><style>body{font:14px sans-serif;margin:1em}td,th{padding:4px;"
                "text-align:center}th{text-align:right}img{image-rendering:pixelated}"
                "</style><h1>Augmentation of ");
    add_escaped(&html, s->view.data->name);
    bti_str_add(&html, "</h1><p>");
    add_escaped(&html, s->of_policy ? s->opt->policy
                                    : "Operations, from their first level to their "
                                      "last");
    bti_str_add(&html, "</p><table>\n");
    for (int row = 0; row < s->rows && !rc; row++) {
        row_name(s, row, text);
        bti_str_addf(&html, "<tr><th>%s</th>", text);
        for (int column = 0; column < s->columns && !rc; column++)
            if (has_cell(s, row, column))
                rc = add_cell(&html, s, row, column, err);
        bti_str_add(&html, "</tr>\n");
    }
    bti_str_add(&html, "</table></html>\n");
    if (!rc)
        rc = html.failed ? bti_fail_nomem(err) : bti_file_write(path, html.s, html.len, err);
    bti_str_release(&html);
    return rc;
}

bt_status bt_augment_preview(const bt_augment_view *view, int columns, const char *out_path,
                             bt_error *err)
{
    sheet s = {.opt = view, .of_policy = view->policy != NULL, .columns = columns};
    bool html = bti_has_suffix_nocase(out_path, ".html");

    if (columns < 2 || columns > 64)
        return bti_fail(err, BT_INVAL, "augment preview", "columns: from 2 to 64, found %d",
                        columns);
    if (!html && !bti_has_suffix_nocase(out_path, ".png"))
        return bti_fail(err, BT_INVAL, out_path, "a preview is written as .png or .html");
    bt_status rc = bti_augment_view_open(&s.view, view, err);
    if (rc)
        return rc;
    const bti_dataset *set = &s.view.data->train;
    s.rows = s.of_policy ? POLICY_ROWS : BTI_OP_COUNT;
    s.side = set->h;
    s.image = bti_malloc((size_t)set->h * (size_t)set->w * (size_t)set->c);
    s.scratch = bti_malloc(bti_op_scratch(set->h, set->w, set->c));
    if (!s.image || !s.scratch)
        rc = bti_fail_nomem(err);
    else if (view->id < 0 || view->id >= set->n || view->epoch < 0)
        rc = bti_fail(err, BT_INVAL, "augment preview", "image %lld: the training split has %lld",
                      (long long)view->id, (long long)set->n);
    else
        rc = html ? write_page(&s, out_path, err) : write_sheet(&s, out_path, err);
    bti_free(s.image);
    bti_free(s.scratch);
    bti_augment_view_close(&s.view);
    return rc;
}
