/* SPDX-License-Identifier: Apache-2.0
 *
 * A trained model for the device that runs it: C sources, or an ONNX file.
 *
 * int8: weights symmetric with a scale an output channel, maps with one scale and zero, integer
 * arithmetic only. Ranges of maps come from calibration images of the training split.
 */
#ifndef BANTAM_EXPORT_H
#define BANTAM_EXPORT_H

#include "bantam/train.h"

typedef struct bt_quant_options {
    const char *calibrate;   /* "DATA" or "DATA:500": images of its training split; classes must be
                                the model's. Without a number 500. NULL: the data that the model's
                                result.json names */
    const char *calibration; /* "minmax", "percentile" (99.99 % of the values), "mse" (least squared
                                error), or "auto": the one whose logits on the calibration images
                                are nearest to f32, with and without equalised channels */
    bt_data_options data_opt;
    int threads; /* 0: all cores */
    bt_progress progress;
} bt_quant_options;

typedef struct bt_export_options {
    const char *model_dir; /* model.yaml + weights.safetensors */
    const char *out_dir;   /* new or empty; appears whole */
    const char *name;      /* of the files and everything global in them: a C identifier, "model" */
    const char *dtype;     /* "f32" or "int8" */
    bt_quant_options quant; /* int8; f32 takes its test images from `calibrate` if it is given */
} bt_export_options;

BT_API bt_export_options bt_export_defaults(void);

/* Writes out_dir/NAME.c and NAME.h: C99 without allocation, one static arena, uint8 images in,
 * logits out; with -DNAME_SELFTEST (upper case) a program that checks itself. Before anything is
 * written the kernels run here: f32 must give the training engine's logits within 1e-4 of the
 * largest. *json (yours, bt_free):
 * {"files":[...], "dtype", "constants_bytes", "code_bytes", "flash_bytes", "arena_bytes",
 *  "stack_bytes", "images", "difference"; int8 also "calibration", "equalised", "agreement"}.
 * "difference": of logits from f32's, relative to the largest; "agreement": share of calibration
 * images with f32's class. BT_INVAL: out_dir is not empty, wrong classes; BT_NOSUPP: the row that
 * cannot be exported. */
BT_API BT_MUST_USE bt_status bt_export_c(char **json, const bt_export_options *opt, bt_error *err);

typedef struct bt_onnx_options {
    const char *model_dir;  /* model.yaml + weights.safetensors */
    const char *out;        /* the file; replaced whole */
    const char *dtype;      /* "f32" or "int8" */
    bt_quant_options quant; /* int8; f32 is compared on `calibrate` if it is given */
} bt_onnx_options;

BT_API bt_onnx_options bt_onnx_defaults(void);

/* Writes the network as ONNX (opset 17, IR 8): "input" float (N,C,H,W), pixels 0..255 in RGB order,
 * any N; "logits" float (N,classes). Normalisation is inside, batch normalisation folded.
 * metadata_props: "class_names" (a JSON list), "accuracy" (0..1) and "accuracy_split" ("test", or
 * "val" if test was not measured; both absent if neither was), "resize_rule", "input_range",
 * "model_hash", "dtype". Accuracies are of the f32 model. int8: QuantizeLinear and
 * DequantizeLinear around every operation, with the weights and scales of bt_export_c(). Errors as
 * bt_export_c(). *json (yours, bt_free):
 * {"file", "dtype", "bytes", "images", "difference"; int8 also "calibration", "equalised",
 *  "agreement"}, as there: of the folded network that is written. */
BT_API BT_MUST_USE bt_status bt_export_onnx(char **json, const bt_onnx_options *opt, bt_error *err);

/* bt_eval() with the integer kernels of an int8 export: equal to the exported C bit for bit, for
 * the same calibration. quant->calibrate NULL: opt->data. opt->under: BT_INVAL. */
BT_API BT_MUST_USE bt_status bt_eval_int8(char **json, const bt_eval_options *opt,
                                          const bt_quant_options *quant, bt_error *err);

/* What a model file takes on a device, before it is trained; yours, bt_free:
 * {"f32": {"constants_bytes", "code_bytes", "flash_bytes", "arena_bytes", "stack_bytes"},
 *  "int8": {...}, "arena": elements, "arena_apart": if no map lay over another,
 *  "operations": [{"operation", "row", "out": [c,h,w], "in": [...], "offset", "size", "last"}]}.
 * Offsets and sizes in elements of the arena (one byte in int8, four in f32); a map lives from its
 * operation to operation `last`; offset null: the logits, which the caller holds; `in` lists the
 * operations whose maps are read (none: the image). h, w, c: as bt_model_info(). BT_NOSUPP: the row
 * that cannot be exported. */
BT_API BT_MUST_USE bt_status bt_deploy_info(char **json, const char *path, int h, int w, int c,
                                            bt_error *err);

#endif
