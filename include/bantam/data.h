/* SPDX-License-Identifier: Apache-2.0
 *
 * Labelled images: where they come from and what is in them.
 *
 * DATA is a name: "fashion-mnist" (Debian's package dataset-fashion-mnist), "cifar10" or "cifar100"
 * (downloaded from their own server into the cache, 170 MB, if data_dir does not have them), or
 * - an image folder: root/{train,val,test}/class/files or root/class/files (then all are train,
 *   but for test_share);
 * - a CSV file with a header and the columns path (relative to the file) and label (then all are
 *   train), or a folder with train.csv [val.csv] [test.csv];
 * - a folder with IDX files (train-images-idx3-ubyte[.gz] ...);
 * - a folder with CIFAR's binary files (data_batch_*.bin, test_batch.bin or train.bin, test.bin),
 *   or their .tar.gz, which is read without unpacking it to the disk;
 * - a folder that bt_data_import wrote.
 * JPEG, PNG and WebP; links are followed, hidden names are skipped. Grey stays grey if all images
 * are; alpha is laid over black; 16 bits are cut to 8; CMYK becomes RGB; images are turned upright
 * by their EXIF orientation; unreadable images are left out with a warning that lists them, an
 * error above 1 % of a split.
 */
#ifndef BANTAM_DATA_H
#define BANTAM_DATA_H

#include "bantam/status.h"

#include <stdbool.h>

typedef struct bt_data_options {
    const char *cache_dir; /* decoded images and downloads go here; required */
    /* Where data sets that are asked for by name are looked for: cifar-10-binary.tar.gz, the folder
     * cifar-10-batches-bin, or cifar10 with whatever DATA may be; likewise for the others. May be
     * NULL. */
    const char *data_dir;
    const char *data_url; /* downloads come from data_url/FILE; NULL: from their own servers */
    int size;    /* side in pixels to resize to; 0: the images' own if equal and <= 64 or imported,
                    else 32 */
    int threads; /* decoding threads or processes; 0: all cores */
    /* Path of the bantam program: image files are decoded in processes of it, with limited memory,
     * so that one that crashes a codec is skipped like any other unreadable one. NULL: they are
     * decoded in this process. */
    const char *program;
    bool strict;  /* one unreadable image is an error */
    bt_stop stop; /* BT_STOPPED within a second while images are decoded; the deadline counts too */
    /* POSIX extended regular expression on an image's path below DATA: images with the same first
     * group (without one: the same match) stay together when splits are made; NULL: none do. */
    const char *group_by;
    /* Share of the images, stratified and at most 10,000, that is set aside as test where DATA has
     * no test split; 0: none, all are train. */
    double test_share;
    bt_progress progress;
} bt_data_options;

BT_API bt_data_options bt_data_defaults(void);

/* What is in DATA, as one JSON object (yours: free with bt_free): splits with counts per class,
 * balance, how unequal the classes are and what is recommended (a recipe key), sizes, channels,
 * unreadable files with reasons, identical images across splits, with group_by the groups and how
 * many of them are in two splits. Nothing is written (but a data set that is asked for by name may
 * be downloaded); unreadable images are listed, not fatal. */
BT_API BT_MUST_USE bt_status bt_data_info(char **json, const char *data, const bt_data_options *opt,
                                          bt_error *err);

/* Decodes DATA once into plain NumPy files: dir/train.npy (n,side,side,channels; uint8),
 * dir/train-labels.npy (n; int32), the same for val and test where DATA has them, and last
 * dir/manifest.json (classes, mean and standard deviation of train, how images were resized,
 * unreadable images). `dir` is made; BT_INVAL if there is something in it. On failure nothing of it
 * stays. */
BT_API BT_MUST_USE bt_status bt_data_import(const char *data, const char *dir,
                                            const bt_data_options *opt, bt_error *err);

/* The body of `bantam decoder`, which `program` above is started as: limits this process to
 * memory_bytes (0: no limit) and decodes what is asked for on its descriptor 3, a socket, until
 * that closes. Ignores SIGINT, SIGTERM and SIGHUP: its parent decides. */
BT_API BT_MUST_USE bt_status bt_decoder(int64_t memory_bytes, bt_error *err);

#endif
