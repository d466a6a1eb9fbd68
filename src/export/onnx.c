/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_export_onnx(): a model directory as one ONNX file.
 */
#include "bantam/export.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/str.h"
#include "export/load.h"
#include "export/onnx_net.h"

bt_onnx_options bt_onnx_defaults(void)
{
    return (bt_onnx_options){.dtype = "f32", .quant = {.calibration = "auto"}};
}

/* Of the test split, or, as `bantam train` leaves that alone, of the validation split. */
static void add_accuracy(bti_onnx *o, const bti_json *result)
{
    static const struct {
        const char *key, *split;
    } known[] = {{"float_test_accuracy", "test"}, /* of a search for int8 */
                 {"test_accuracy", "test"},
                 {"float_val_accuracy", "val"},
                 {"val_accuracy", "val"}};
    char number[32];
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const double accuracy = bti_json_as_num(bti_json_get(result, known[i].key), -1);
        if (accuracy < 0)
            continue;
        bti_onnx_meta(o, "accuracy", bti_format_double(number, accuracy));
        bti_onnx_meta(o, "accuracy_split", known[i].split);
        return;
    }
}

static void add_meta(bti_onnx *o, const bti_deployable *d, const char *names, const char *dtype)
{
    bti_onnx_meta(o, "class_names", names);
    add_accuracy(o, d->result);
    bti_onnx_meta(o, "resize_rule", d->meta.resize_rule);
    bti_onnx_meta(o, "input_range", "0..255");
    bti_onnx_meta(o, "model_hash", d->graph->hash);
    bti_onnx_meta(o, "dtype", dtype);
}

/* A JSON list; yours, NULL on no memory. */
static char *class_names(const bti_model_meta *m)
{
    bti_json *list = bti_json_array();
    for (int i = 0; i < m->classes; i++)
        bti_json_append(list, bti_json_str(m->class_names[i]));
    char *text = bti_json_text(list, 0);
    bti_json_free(list);
    return text;
}

static bt_status write_file(const bti_deployable *d, const bt_onnx_options *opt, bt_error *err)
{
    char *names = class_names(&d->meta);
    bti_onnx *o = bti_onnx_new("bantam", "Image classifier. input: pixels 0..255 (N,C,H,W), RGB; "
                                         "normalisation is inside. logits: (N,classes).");
    bt_status rc = names && o ? BT_OK : bti_fail_nomem(err);

    if (!rc) {
        add_meta(o, d, names, opt->dtype);
        rc = bti_onnx_add_net(o, d->net, d->int8.quant, err);
    }
    if (!rc)
        rc = bti_onnx_write(o, opt->out, err);
    bti_onnx_free(o);
    bti_free(names);
    return rc;
}

static char *result_text(const bti_deployable *d, const bt_onnx_options *opt)
{
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "file", opt->out);
    bti_json_set_str(o, "dtype", opt->dtype);
    bti_json_set_int(o, "bytes", bti_file_size(opt->out));
    bti_deployable_report(o, d);
    char *text = bti_json_text(o, 0);
    bti_json_free(o);
    return text;
}

bt_status bt_export_onnx(char **json, const bt_onnx_options *opt, bt_error *err)
{
    bti_deployable d;

    *json = NULL;
    bt_status rc = bti_deployable_check(opt->dtype, err);
    if (!rc && bti_is_dir(opt->out))
        rc = bti_fail(err, BT_INVAL, opt->out, "is a folder; expected the name of a file");
    if (!rc)
        rc = bti_deployable_open(&d, opt->model_dir, bti_streq(opt->dtype, "int8"), &opt->quant,
                                 err);
    if (rc)
        return rc;
    rc = write_file(&d, opt, err);
    if (!rc) {
        *json = result_text(&d, opt);
        rc = *json ? BT_OK : bti_fail_nomem(err);
    }
    bti_deployable_close(&d);
    return rc;
}
