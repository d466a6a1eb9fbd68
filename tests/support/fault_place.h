/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fault loops work on: a folder with two classes of pictures, a model file, and places for
 * what comes of them.
 */
#ifndef BT_TEST_FAULT_PLACE_H
#define BT_TEST_FAULT_PLACE_H

#include "faults.h"
#include "make_data.h"

#include "bantam/bantam.h"

typedef struct place {
    char dir[256], photos[300], cache[300], model[300], out[300], study[300], file[300];
    int epochs; /* of a training */
} place;

static const char tiny_model[] = "input_size: [8, 8]\ninput_channel: 3\ndepth_multiple: 1.0\n"
                                 "width_multiple: 1.0\nbackbone:\n- [1, Conv, [8, 3, 2]]\n"
                                 "- [1, InvertedResidualv3, [3, 2, 8, 1, 1, 1]]\n"
                                 "- [1, GlobalAvgPool, []]\n- [1, Flatten, []]\n"
                                 "- [1, Linear, [2]]\n";

static inline int make_place(void **state)
{
    static place p = {.epochs = 1};
    bt_error err;
    snprintf(p.dir, sizeof(p.dir), "%s", test_ram_dir());
    snprintf(p.photos, sizeof(p.photos), "%s/photos", p.dir);
    snprintf(p.cache, sizeof(p.cache), "%s/cache", p.dir);
    snprintf(p.model, sizeof(p.model), "%s/m.yaml", p.dir);
    snprintf(p.out, sizeof(p.out), "%s/out", p.dir);
    snprintf(p.study, sizeof(p.study), "%s/study.db", p.dir);
    snprintf(p.file, sizeof(p.file), "%s/file", p.dir);
    make_class(p.photos, "train", "cat", 4, 8, 8, 3);
    make_class(p.photos, "train", "dog", 4, 8, 8, 3);
    make_class(p.photos, "test", "cat", 2, 8, 8, 3);
    make_class(p.photos, "test", "dog", 2, 8, 8, 3);
    assert_ok(bti_file_write(p.model, tiny_model, strlen(tiny_model), &err), &err);
    *state = &p;
    return 0;
}

static inline bt_data_options place_data_options(const place *p)
{
    bt_data_options o = bt_data_defaults();
    o.cache_dir = p->cache;
    o.threads = 1;
    return o;
}

/* ---- pieces of work (fault_work; user: the place) ---- */

static inline bt_status import_data(void *user, bt_error *err)
{
    const place *p = user;
    bt_error ignored;
    const bt_data_options o = place_data_options(p);
    assert_ok(bti_remove_tree(p->out, &ignored), &ignored);
    bt_status rc = bt_data_import(p->photos, p->out, &o, err);
    if (rc)
        assert_false(bti_is_file(at(p->out, "train.npy")));
    return rc;
}

/* Into p->out, over what is there. */
static inline bt_status train(void *user, bt_error *err)
{
    const place *p = user;
    char *json = NULL;
    bt_train_options o = bt_train_defaults();
    o.model_path = p->model;
    o.data = p->photos;
    o.data_opt = place_data_options(p);
    o.out_dir = p->out;
    o.val = "2";
    o.threads = 1;
    o.recipe.epochs = p->epochs;
    o.recipe.batch = 4;
    bt_status rc = bt_train(&json, &o, err);
    bt_free(json);
    return rc;
}

static inline bt_status train_from_nothing(void *user, bt_error *err)
{
    bt_error ignored;
    assert_ok(bti_remove_tree(((place *)user)->out, &ignored), &ignored);
    return train(user, err);
}

static inline bt_status predict(void *user, bt_error *err)
{
    const place *p = user;
    char *json = NULL;
    const char *image[] = {at(p->photos, "test/cat/000.png"), at(p->photos, "test/dog/001.png")};
    const bt_predict_options o = {
        .model_dir = p->out, .image = image, .n_images = 2, .top = 2, .threads = 1};
    bt_status rc = bt_predict(&json, &o, err);
    if (!rc) /* lack of memory is not an unreadable image */
        assert_null(strstr(json, "error"));
    bt_free(json);
    return rc;
}

#endif
