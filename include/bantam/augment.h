/* SPDX-License-Identifier: Apache-2.0
 *
 * Augmentation: one operation on an image file, an image as training sees it, contact sheets, and
 * whole data sets with their boxes. What an operation equals bit for bit is in bt_augment_list.
 */
#ifndef BANTAM_AUGMENT_H
#define BANTAM_AUGMENT_H

#include "bantam/data.h"
#include "bantam/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct bt_augment_op {
    const char *name; /* an unknown one gets the nearest */
    double value;     /* in the operation's unit; not read by operations without one */
    uint64_t seed;    /* of operations that draw (Cutout's place) */
    const char *with; /* SamplePairing: the other image, of the same size; else NULL */
} bt_augment_op;

/* Applies one operation to an image file and writes a PNG. */
BT_API BT_MUST_USE bt_status bt_augment_apply(const bt_augment_op *op, const char *in_path,
                                              const char *out_png, bt_error *err);

/* The operations as a JSON array of {"name", "unit", "min", "max", "identity", "levels": [first,
 * last] of a policy, "levels_of" ("value", "width", "height": what they are multiplied by),
 * "signed", "boxes" ("stay", "move", "hide"), "labels", "source"}; yours, bt_free. */
BT_API BT_MUST_USE bt_status bt_augment_list(char **json, bt_error *err);

typedef struct bt_augment_view {
    const char *data; /* as in bantam/data.h */
    bt_data_options data_opt;
    const char *policy;       /* NULL: "flip+crop:4" */
    const char *subset, *val; /* as in training: the images that may be mixed into others */
    uint64_t seed;            /* of the training */
    int64_t id;               /* image of the training split, from 0 */
    int epoch;                /* from 0 */
    int copy; /* an oversampled image comes several times in an epoch: which, from 0 */
} bt_augment_view;

/* Writes image `id` as training with this seed and policy sees it in `epoch`, before normalisation;
 * a fill with the mean is the mean, rounded. */
BT_API BT_MUST_USE bt_status bt_augment_show(const bt_augment_view *view, const char *out_png,
                                             bt_error *err);

/* A sheet for people: a row an operation at `columns` levels from none to its strongest, or, with
 * view->policy, a row an image (from view->id on) in `columns` epochs. Written as .png, or as one
 * self-contained .html, by the name. */
BT_API BT_MUST_USE bt_status bt_augment_preview(const bt_augment_view *view, int columns,
                                                const char *out_path, bt_error *err);

typedef struct bt_augment_run_options {
    const char *format; /* "coco", "voc", "yolo", "folder"; NULL: by what is there */
    const char *policy; /* as in training; NULL: "flip" */
    int copies;         /* augmented images per image of the split */
    bool originals;     /* the images as they are, too */
    uint64_t seed;      /* 0.. */
    int threads;        /* 0: all cores */
    /* Shares of the augmented images that are mixed from several, 0..1 and at most 1 in all: a
     * mosaic of four or of nine, two blended, a rectangle of another image, objects of another. */
    double mosaic, mosaic9, mixup, cutmix, copy_paste;
    double min_visible;   /* boxes of which less is left are dropped, 0..1 */
    double min_side;      /* boxes with a shorter side are dropped, pixels */
    const char *split;    /* of boxes: "train", "val", "test"; NULL: "train" */
    const char *images;   /* of boxes: folder of the images; NULL: by the format */
    bool strict;          /* the first bad annotation or image is an error */
    bt_progress progress; /* warnings: one line a finding; BT_EVENT_DECODE: images written */
    bt_stop stop;
} bt_augment_run_options;
BT_API bt_augment_run_options bt_augment_run_defaults(void);

/* Writes a data set of augmented images, ready to train on, into out_dir: PNGs, annotations in the
 * format of IN, and manifest.jsonl: the settings, then for every image its source, operations and
 * numbers. The same bytes for any number of threads. A run that ended early goes on when it is
 * asked for again; BT_INVAL when out_dir holds something else. *json: what was done (yours,
 * bt_free). Of a folder only train is augmented; its val and test are written as they are. */
BT_API BT_MUST_USE bt_status bt_augment_run(char **json, const char *in, const char *out_dir,
                                            const bt_augment_run_options *opt, bt_error *err);

/* Images a second of policies into training batches and, with one thread, of single operations: a
 * JSON array of {"what", "size", "threads", "images_per_s"} (yours, bt_free), half a minute at
 * most. data: whose training images (the first 1000), NULL: noise. data_opt->size: 0: 32. */
BT_API BT_MUST_USE bt_status bt_bench_augment(char **json, const char *data,
                                              const bt_data_options *data_opt, int threads,
                                              bool processor_time, bt_error *err);

#endif
