/* SPDX-License-Identifier: Apache-2.0
 *
 * The public face of the operations: one applied to an image file, and the list of all.
 * What a value may be is checked here, once; bti_op_apply trusts its callers.
 */
#include "bantam/augment.h"

#include "augment/policy_int.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/json.h"
#include <math.h>

static bt_status check_value(const bti_op_info *op, double value, bt_error *err)
{
    if (!op->unit)
        return BT_OK;
    if (isnan(value))
        return bti_fail(err, BT_INVAL, "augment", "%s needs a value from %g to %g (%s)", op->name,
                        op->lo, op->hi, op->unit);
    if (value < op->lo || value > op->hi)
        return bti_fail(err, BT_INVAL, "augment", "%s takes a value from %g to %g (%s), found %g",
                        op->name, op->lo, op->hi, op->unit, value);
    return BT_OK;
}

/* The other image of operations that need one: read, and of the same shape. */
static bt_status read_partner(const bt_augment_op *op, const bti_image *in, bti_image *partner,
                              bt_error *err)
{
    if (!op->with)
        return bti_fail(err, BT_INVAL, "augment", "%s needs another image (--with FILE)", op->name);
    bt_status rc = bti_image_read(partner, op->with, in->c, err);
    if (rc)
        return rc;
    if (partner->w != in->w || partner->h != in->h)
        return bti_fail(err, BT_INVAL, op->with, "the other image is %dx%d, expected %dx%d",
                        partner->w, partner->h, in->w, in->h);
    return BT_OK;
}

bt_status bt_augment_apply(const bt_augment_op *op, const char *in_path, const char *out_png,
                           bt_error *err)
{
    bt_status rc;
    bti_image in = {0}, out = {0}, partner = {0};
    bti_rng rng = bti_rng_at(op->seed, BTI_RNG_AUGMENT, 0, 0, BTI_SLOT_PIXELS);
    void *scratch = NULL;
    bti_op id;

    rc = bti_op_parse(op->name, &id, err);
    if (!rc)
        rc = check_value(bti_op_get(id), op->value, err);
    if (!rc)
        rc = bti_image_read(&in, in_path, 0, err);
    if (!rc && bti_op_get(id)->needs_partner)
        rc = read_partner(op, &in, &partner, err);
    if (!rc)
        rc = bti_image_new(&out, in.w, in.h, in.c, err);
    if (rc)
        goto done;
    scratch = bti_malloc(bti_op_scratch(in.h, in.w, in.c));
    if (!scratch) {
        rc = bti_fail_nomem(err);
        goto done;
    }
    bti_op_image im = {.src = in.px,
                       .dst = out.px,
                       .h = in.h,
                       .w = in.w,
                       .c = in.c,
                       .scratch = scratch,
                       .partner = partner.px};
    for (int i = 0; i < bti_op_get(id)->draws; i++)
        im.draw[i] = bti_rng_unit(&rng);
    bti_op_apply(id, op->value, &im);
    rc = bti_image_write_png(&out, out_png, err);
done:
    bti_free(scratch);
    bti_image_release(&out);
    bti_image_release(&partner);
    bti_image_release(&in);
    return rc;
}

static bti_json *op_row(const bti_op_info *op)
{
    bti_json *row = bti_json_object();
    double nan = (double)NAN; /* null in JSON */
    static const char *const boxes[] = {"stay", "move", "hide"};
    static const char *const scales[] = {"value", "width", "height"};

    bti_json_set_str(row, "name", op->name);
    bti_json_set(row, "unit", op->unit ? bti_json_str(op->unit) : bti_json_null());
    bti_json_set_num(row, "min", op->unit ? op->lo : nan);
    bti_json_set_num(row, "max", op->unit ? op->hi : nan);
    bti_json_set_num(row, "identity", op->identity);
    if (op->unit) {
        bti_json *levels = bti_json_array();
        bti_json_append(levels, bti_json_num(op->levels.from));
        bti_json_append(levels, bti_json_num(op->levels.to));
        bti_json_set(row, "levels", levels);
    } else {
        bti_json_set(row, "levels", bti_json_null());
    }
    bti_json_set_str(row, "levels_of", scales[op->levels.scale]);
    bti_json_set_bool(row, "signed", op->is_signed);
    bti_json_set_str(row, "boxes", boxes[op->boxes.effect]);
    bti_json_set_str(row, "labels",
                     op->needs_partner ? "keep; the other image's is dropped" : "keep");
    bti_json_set_str(row, "source", op->source);
    return row;
}

bt_status bt_augment_list(char **json, bt_error *err)
{
    bti_json *rows = bti_json_array();

    for (int op = 0; op < BTI_OP_COUNT; op++)
        bti_json_append(rows, op_row(bti_op_get((bti_op)op)));
    *json = bti_json_text(rows, 2);
    bti_json_free(rows);
    return *json ? BT_OK : bti_fail_nomem(err);
}
