/* SPDX-License-Identifier: Apache-2.0
 *
 * Small data sets made by tests: image folders of noise, IDX files byte by byte.
 */
#ifndef BT_TEST_MAKE_DATA_H
#define BT_TEST_MAKE_DATA_H

#include "support.h"

#include "bantam/data.h"
#include "base/alloc.h"
#include "base/files.h"
#include "image/image.h"

#include <stdio.h>
#include <string.h>

/* dir/rel in a static buffer (8 live at once). */
static inline const char *at(const char *dir, const char *rel)
{
    static char path[8][512];
    static int slot;
    slot = (slot + 1) % 8;
    int n = snprintf(path[slot], sizeof(path[0]), "%s/%s", dir, rel);
    assert_in_range(n, 1, sizeof(path[0]) - 1);
    return path[slot];
}

/* root/rel: w x h x c noise of a seed; folders on the way are made. */
static inline void make_png(const char *root, const char *rel, int w, int h, int c, uint32_t seed)
{
    bt_error err;
    bti_image im;
    char folder[512];
    snprintf(folder, sizeof(folder), "%s/%s", root, rel);
    *strrchr(folder, '/') = 0;
    assert_ok(bti_make_dirs(folder, &err), &err);
    assert_ok(bti_image_new(&im, w, h, c, &err), &err);
    for (size_t i = 0; i < bti_image_bytes(&im); i++) {
        seed = seed * 1664525u + 1013904223u;
        im.px[i] = (uint8_t)(seed >> 24);
    }
    assert_ok(bti_image_write_png(&im, at(root, rel), &err), &err);
    bti_image_release(&im);
}

/* root/SPLIT/CLASS/NNN.png, n images a class; split may be "" for root/CLASS. */
static inline void make_class(const char *root, const char *split, const char *class_name, int n,
                              int w, int h, int c)
{
    char rel[256];
    uint32_t seed = 17;
    for (const char *p = split; *p; p++)
        seed = seed * 31 + (uint8_t)*p;
    for (const char *p = class_name; *p; p++)
        seed = seed * 31 + (uint8_t)*p;
    for (int i = 0; i < n; i++) {
        snprintf(rel, sizeof(rel), "%s%s%s/%03d.png", split, *split ? "/" : "", class_name, i);
        make_png(root, rel, w, h, c, seed * 1000 + (uint32_t)i);
    }
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* dir/PREFIX-images-idx3-ubyte and -labels-: n images of h x w, pixel = index, label = i % classes.
 */
static inline void make_idx(const char *dir, const char *prefix, int n, int h, int w, int classes)
{
    bt_error err;
    char name[64];
    size_t body = (size_t)n * (size_t)h * (size_t)w;
    uint8_t *p = bti_calloc(16 + body, 1);
    assert_non_null(p);
    put_be32(p, 0x803);
    put_be32(p + 4, (uint32_t)n);
    put_be32(p + 8, (uint32_t)h);
    put_be32(p + 12, (uint32_t)w);
    for (size_t i = 0; i < body; i++)
        p[16 + i] = (uint8_t)(i * 7 + i / ((size_t)h * (size_t)w));
    snprintf(name, sizeof(name), "%s-images-idx3-ubyte", prefix);
    assert_ok(bti_make_dirs(dir, &err), &err);
    assert_ok(bti_file_write(at(dir, name), p, 16 + body, &err), &err);
    put_be32(p, 0x801);
    for (int i = 0; i < n; i++)
        p[8 + i] = (uint8_t)(i % classes);
    snprintf(name, sizeof(name), "%s-labels-idx1-ubyte", prefix);
    assert_ok(bti_file_write(at(dir, name), p, 8 + (size_t)n, &err), &err);
    bti_free(p);
}

/* Changes one byte of a file. */
static inline void poke(const char *path, long offset, uint8_t value)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, offset, SEEK_SET), 0);
    assert_int_equal(fputc(value, f), value);
    assert_int_equal(fclose(f), 0);
}

/* Counts what a call reports. */
typedef struct heard {
    int decode, warn, note;
    int64_t done, total; /* of the last decode event */
    char text[512];      /* of the last warning */
} heard;

static inline void hear(void *user, const bt_event *e)
{
    heard *h = user;
    h->decode += e->kind == BT_EVENT_DECODE;
    h->warn += e->kind == BT_EVENT_WARN;
    h->note += e->kind == BT_EVENT_NOTE;
    if (e->kind == BT_EVENT_DECODE) {
        h->done = e->done;
        h->total = e->total;
    }
    if (e->kind == BT_EVENT_WARN)
        snprintf(h->text, sizeof(h->text), "%s", e->text);
}

static inline void write_text(const char *path, const char *text)
{
    bt_error err;
    assert_ok(bti_file_write(path, text, strlen(text), &err), &err);
}

/* Where a test puts its images, with the options to open them by. */
typedef struct data_place {
    char data[256], cache[256];
    char out[300]; /* not there yet: for an import */
    bt_data_options opt;
    heard heard; /* what was reported with these options */
} data_place;

/* Fresh folders; the place before it is gone. */
static inline data_place *fresh_place(void)
{
    static data_place p;
    p = (data_place){.opt = bt_data_defaults()};
    snprintf(p.data, sizeof(p.data), "%s", test_tmp_dir());
    snprintf(p.cache, sizeof(p.cache), "%s", test_tmp_dir());
    snprintf(p.out, sizeof(p.out), "%s/imported", test_tmp_dir());
    p.opt.cache_dir = p.cache;
    p.opt.progress = (bt_progress){hear, &p.heard};
    return &p;
}

#endif
