/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam augment run`: a data set in, an augmented one out. Every image is a plan (plan.h) that
 * follows from its address alone, so images are made in any order on any number of threads, and a
 * run that is asked for again makes only those that are missing. Annotations and the manifest are
 * written last, from the plans.
 */
#include "augment/plan.h"

#include "bantam/augment.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/threads.h"
#include "data/reader.h"

#include <ctype.h>
#include <limits.h>

#define MANIFEST "manifest.jsonl"

typedef struct output {
    int64_t source;
    int copy;
    bool made, failed;
    bt_error why;
} output;

typedef struct run {
    const bt_augment_run_options *opt;
    const char *in, *dir;
    const bti_box_format *format; /* NULL: a folder of classes */
    bti_policy *policy;
    bti_box_set *set;
    bti_plan_rules rules;
    output *out;
    int64_t n_out;
    char *settings; /* first line of the manifest */
    int64_t n_made, n_failed, n_dropped, n_boxes;
} run;

bt_augment_run_options bt_augment_run_defaults(void)
{
    return (bt_augment_run_options){.copies = 1,
                                    .originals = true,
                                    .min_visible = 0.1,
                                    .min_side = 1,
                                    .split = "train",
                                    .policy = "flip"};
}

/* ---- what to read ---- */

/* Images of a class folder: named SPLIT/CLASS/FILE, train first, so that only its images are
 * augmented and mixed in. */
static bt_status add_split(run *r, bti_source *s, bti_split split, bt_error *err)
{
    char path[PATH_MAX], name[PATH_MAX];
    bt_status rc = s->reader->load(s, split, err);

    for (int64_t i = 0; i < s->split[split].n && !rc; i++) {
        const char *class_name = s->class_name[s->split[split].label[i]];
        bool added;
        if (strchr(class_name, '/') || *class_name == '.')
            return bti_fail(err, BT_INVAL, r->in, "the class \"%.200s\" cannot name a folder",
                            class_name);
        s->reader->path(s, split, i, path, sizeof(path));
        snprintf(name, sizeof(name), "%s/%.255s/%.1000s", bti_split_name[split], class_name,
                 bti_path_base(path));
        bti_boxed_image im = {.name = name, .path = path, .id = r->set->n_images + 1};
        rc = bti_boxes_open_image(r->set, im, r->in, 0, &added, err);
    }
    return rc;
}

static bt_status read_folder(run *r, bt_error *err)
{
    bt_data_options data = bt_data_defaults();
    bti_source s = {0};

    if (!bti_is_dir(r->in) && !bti_is_file(r->in))
        return bti_fail(err, BT_IO, r->in, "there is no such folder or file");
    bt_status rc = bti_source_open(&s, r->in, &data, NULL, err);
    if (!rc && !s.reader->path)
        rc = bti_fail(err, BT_INVAL, r->in, "expected images in files of their own, found %s",
                      s.reader->name);
    r->set = bti_boxes_new();
    if (!rc && !r->set)
        rc = bti_fail_nomem(err);
    if (!rc) {
        r->set->opt = (bti_boxes_options){.strict = r->opt->strict, .progress = r->opt->progress};
        rc = add_split(r, &s, BTI_TRAIN, err);
    }
    r->rules.n_partners = rc ? 0 : r->set->n_images;
    for (int i = BTI_TRAIN + 1; i < BTI_SPLITS && !rc; i++)
        if (s.split[i].present)
            rc = add_split(r, &s, (bti_split)i, err);
    if (!rc && !r->rules.n_partners)
        rc = bti_fail(err, BT_FORMAT, r->in, "no image can be read");
    bti_source_close(&s);
    return rc;
}

static bt_status read_boxes(run *r, bt_error *err)
{
    bti_boxes_options opt = {.split = r->opt->split ? r->opt->split : "train",
                             .images = r->opt->images,
                             .strict = r->opt->strict,
                             .progress = r->opt->progress};
    bt_status rc = bti_boxes_read(&r->set, r->format, r->in, &opt, err);

    if (!rc)
        r->rules.n_partners = r->set->n_images;
    return rc;
}

static bt_status choose_mixes(run *r, bt_error *err)
{
    const bt_augment_run_options *o = r->opt;
    const double share[BTI_PLAN_MIXES] = {[BTI_PLAN_MOSAIC] = o->mosaic,
                                          [BTI_PLAN_MOSAIC9] = o->mosaic9,
                                          [BTI_PLAN_MIXUP] = o->mixup,
                                          [BTI_PLAN_CUTMIX] = o->cutmix,
                                          [BTI_PLAN_COPY_PASTE] = o->copy_paste};
    double all = 0;

    memcpy(r->rules.mix, share, sizeof(share));
    for (int i = 0; i < BTI_PLAN_MIXES; i++)
        all += share[i];
    if (all > 1 + 1e-9)
        return bti_fail(err, BT_INVAL, "augment run",
                        "an image is mixed in one way: the shares of mosaic, mosaic9, mixup, "
                        "cutmix and copy-paste are at most 1 in all, found %g",
                        all);
    if (!r->format && all > 0)
        return bti_fail(err, BT_INVAL, "augment run",
                        "mixed images show several classes at once: they need boxes, not a class "
                        "folder");
    return BT_OK;
}

static bt_status read_input(run *r, bt_error *err)
{
    const char *format = r->opt->format;

    if (format && strcmp(format, "folder")) {
        r->format = bti_box_format_find(format);
        if (!r->format)
            return bti_fail(err, BT_INVAL, "augment run",
                            "unknown format '%s', expected coco, voc, yolo or folder", format);
    }
    for (int i = 0; !format && !r->format && bti_box_format_at(i); i++)
        if (bti_box_format_at(i)->match(r->in))
            r->format = bti_box_format_at(i);
    bt_status rc = r->format ? read_boxes(r, err) : read_folder(r, err);
    if (rc)
        return rc;
    r->rules.policy = r->policy;
    r->rules.set = r->set;
    r->rules.seed = r->opt->seed;
    rc = choose_mixes(r, err);
    if (rc)
        return rc;
    return bti_plan_check(&r->rules, err);
}

/* ---- what to write ---- */

/* "img_000017_2.png": the letters of the source's name, its number, the copy. Unique, and within
 * any file system's limits. */
static void output_name(const run *r, const output *o, char buf[512])
{
    const char *name = r->set->image[o->source].name, *base = bti_path_base(name);
    size_t folder = r->format ? 0 : (size_t)(base - name), n = 0;
    char stem[64];

    for (const char *p = base; *p && p != strrchr(base, '.') && n < sizeof(stem) - 1; p++)
        stem[n++] = isascii(*p) && (isalnum(*p) || *p == '-') ? *p : '_';
    stem[n] = 0;
    snprintf(buf, 512, "%.*s%s_%06lld_%d.png", (int)(folder < 400 ? folder : 400), name, stem,
             (long long)o->source + 1, o->copy);
}

static void output_path(const run *r, const output *o, char buf[PATH_MAX])
{
    char name[512];

    output_name(r, o, name);
    snprintf(buf, PATH_MAX, "%.2000s/%s%s%s", r->dir, r->format ? r->format->image_dir : "",
             r->format ? "/" : "", name);
}

static bt_status list_outputs(run *r, bt_error *err)
{
    size_t most = (size_t)r->set->n_images * ((size_t)r->opt->copies + 1);

    r->out = bti_calloc(most, sizeof(*r->out));
    if (!r->out)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < r->set->n_images; i++) {
        bool train = i < r->rules.n_partners;
        for (int copy = 0; copy <= (train ? r->opt->copies : 0); copy++)
            if (copy || !train || r->opt->originals)
                r->out[r->n_out++] = (output){.source = i, .copy = copy};
    }
    return r->n_out ? BT_OK
                    : bti_fail(err, BT_INVAL, "augment run",
                               "nothing to write: --copies 0 without the originals");
}

/* ---- starting or going on ---- */

/* Names, sizes and boxes of the images. */
static bt_status fingerprint(const run *r, char out[BTI_HASH_HEX], bt_error *err)
{
    bti_hash h = {0};

    if (bti_hash_init(&h))
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < r->set->n_images; i++) {
        const bti_boxed_image *im = &r->set->image[i];
        int64_t bytes = bti_file_size(im->path);
        bti_hash_add(&h, im->name, strlen(im->name) + 1);
        bti_hash_add(&h, &bytes, sizeof(bytes));
    }
    for (int64_t i = 0; i < r->set->n_boxes; i++) {
        const bti_box *b = &r->set->box[i];
        const double side[4] = {b->x0, b->y0, b->x1, b->y1};
        bti_hash_add(&h, side, sizeof(side));
        bti_hash_add(&h, &b->category, sizeof(b->category));
    }
    bti_hash_hex(&h, out);
    bti_hash_release(&h);
    return BT_OK;
}

static bt_status make_settings(run *r, bt_error *err)
{
    char hash[BTI_HASH_HEX], *policy = bti_policy_text(r->policy);
    bti_json *row = bti_json_object();
    bt_status rc = fingerprint(r, hash, err);

    if (!rc && !policy)
        rc = bti_fail_nomem(err);
    if (!rc) {
        bti_json_set_str(row, "format", r->format ? r->format->name : "folder");
        bti_json_set_str(row, "policy", policy);
        bti_json_set_int(row, "seed", (int64_t)r->opt->seed);
        bti_json_set_int(row, "copies", r->opt->copies);
        bti_json_set_bool(row, "originals", r->opt->originals);
        for (int i = 0; i < BTI_PLAN_MIXES; i++)
            bti_json_set_num(row, bti_plan_mix_name((bti_plan_mix)i), r->rules.mix[i]);
        bti_json_set_num(row, "min_visible", r->opt->min_visible);
        bti_json_set_num(row, "min_side", r->opt->min_side);
        bti_json_set_int(row, "images", r->set->n_images);
        bti_json_set_str(row, "data", hash);
        r->settings = bti_json_text(row, 0);
        rc = r->settings ? BT_OK : bti_fail_nomem(err);
    }
    bti_json_free(row);
    bti_free(policy);
    return rc;
}

/* The folder is new or empty, or holds this very run. */
static bt_status begin(run *r, bt_error *err)
{
    char path[PATH_MAX], *text;
    bti_names names;
    size_t n;
    bt_status rc = bti_make_dirs(r->dir, err);

    if (!rc)
        rc = bti_list_dir(r->dir, &names, err);
    if (rc)
        return rc;
    bool empty = names.n == 0;
    bti_names_free(&names);
    snprintf(path, sizeof(path), "%.2000s/" MANIFEST, r->dir);
    if (!empty && !bti_is_file(path))
        return bti_fail(err, BT_INVAL, r->dir,
                        "the folder is not empty, and no earlier run is in it");
    if (empty) {
        bti_str line = {0};
        bti_str_addf(&line, "%s\n", r->settings);
        rc = line.failed ? bti_fail_nomem(err)
                         : bti_file_write(path, bti_str_c(&line), line.len, err);
        bti_str_release(&line);
        return rc;
    }
    rc = bti_file_read(path, (size_t)1 << 32, &text, &n, err);
    if (rc)
        return rc;
    text[strcspn(text, "\n")] = 0;
    if (!bti_streq(text, r->settings))
        rc = bti_fail(err, BT_INVAL, r->dir,
                      "the folder holds a run of other data or settings; expected a new folder");
    bti_free(text);
    return rc;
}

static bt_status make_folders(const run *r, bt_error *err)
{
    bt_status rc = BT_OK;

    for (int64_t i = 0; i < r->n_out && !rc; i++) {
        char path[PATH_MAX];
        output_path(r, &r->out[i], path);
        *strrchr(path, '/') = 0;
        if (!bti_is_dir(path))
            rc = bti_make_dirs(path, err);
    }
    return rc;
}

/* ---- images ---- */

static void make_one(void *user, int64_t i, int thread)
{
    run *r = user;
    output *o = &r->out[i];
    char path[PATH_MAX];
    bti_plan plan;
    bti_image im = {0};

    (void)thread;
    output_path(r, o, path);
    if (bti_stopped(&r->opt->stop) || bti_is_file(path))
        return;
    bti_plan_draw(&plan, &r->rules, o->source, o->copy);
    bt_status rc = bti_plan_pixels(&plan, &r->rules, &im, &o->why);
    if (!rc)
        rc = bti_image_write_png(&im, path, &o->why);
    bti_image_release(&im);
    o->failed = rc != BT_OK;
    o->made = !rc;
}

/* An image that cannot be decoded is a finding; anything else ends the run. */
static bt_status judge(run *r, bt_error *err)
{
    for (int64_t i = 0; i < r->n_out; i++) {
        const output *o = &r->out[i];
        r->n_made += o->made;
        r->n_failed += o->failed;
        if (!o->failed)
            continue;
        if (o->why.code != BT_FORMAT) {
            if (err)
                *err = o->why;
            return o->why.code;
        }
        bt_status rc =
            bti_boxes_find(r->set, BTI_FINDING_DAMAGED, o->why.where, 0, err, "%s", o->why.text);
        if (rc)
            return rc;
    }
    return BT_OK;
}

static bt_status make_images(run *r, bt_error *err)
{
    int threads = r->opt->threads ? r->opt->threads : bti_cpu_count();
    const int64_t part = 256; /* between two reports */

    for (int64_t at = 0; at < r->n_out; at += part) {
        int64_t n = r->n_out - at < part ? r->n_out - at : part;
        run shifted = *r;
        shifted.out += at;
        bti_parallel_for(threads, n, make_one, &shifted);
        if (bti_stopped(&r->opt->stop))
            return bti_fail(err, BT_STOPPED, r->dir,
                            "stopped; the same command makes the images that are missing");
        bt_event e = {
            .kind = BT_EVENT_DECODE, .text = "augmented", .done = at + n, .total = r->n_out};
        if (r->opt->progress.report)
            r->opt->progress.report(r->opt->progress.user, &e);
    }
    return judge(r, err);
}

/* ---- annotations and the manifest ---- */

static bt_status add_output(run *r, const output *o, bti_box_set *out, FILE *manifest,
                            bt_error *err)
{
    const bti_box_rules rules = {r->opt->min_visible, r->opt->min_side,
                                 r->format && r->format->whole_pixels};
    char name[512];
    bti_plan plan;
    int64_t dropped = 0, before = out->n_boxes;
    bti_json *row = bti_json_object();

    output_name(r, o, name);
    bti_plan_draw(&plan, &r->rules, o->source, o->copy);
    bti_boxed_image im = {.name = name, .id = out->n_images + 1, .w = plan.w, .h = plan.h};
    bt_status rc = bti_boxes_add_image(out, &im, err);
    if (!rc)
        rc = bti_plan_boxes(&plan, r->set, &rules, out, (int32_t)out->n_images - 1, &dropped, err);
    bti_json_set_str(row, "file", name);
    bti_json_set_str(row, "source", r->set->image[o->source].name);
    bti_json_set_int(row, "copy", o->copy);
    bti_plan_to_json(&plan, r->set, row);
    if (r->format) {
        bti_json_set_int(row, "boxes", out->n_boxes - before);
        bti_json_set_int(row, "boxes_dropped", dropped);
    }
    char *text = bti_json_text(row, 0);
    if (!rc && !text)
        rc = bti_fail_nomem(err);
    if (!rc)
        fprintf(manifest, "%s\n", text); /* the writer's commit sees a failure */
    bti_free(text);
    bti_json_free(row);
    r->n_dropped += dropped;
    return rc;
}

static bt_status write_rest(run *r, bti_box_set *out, FILE *manifest, bt_error *err)
{
    bt_status rc = BT_OK;

    fprintf(manifest, "%s\n", r->settings);
    for (int64_t i = 0; i < r->set->n_categories && !rc; i++)
        rc = bti_boxes_add_category(out, &r->set->category[i], err);
    for (int64_t i = 0; i < r->n_out && !rc; i++)
        if (!r->out[i].failed)
            rc = add_output(r, &r->out[i], out, manifest, err);
    if (!rc)
        rc = bti_boxes_sort(out, err);
    memcpy(out->others, r->set->others, sizeof(out->others));
    r->n_boxes = out->n_boxes;
    if (!rc && r->format)
        rc = bti_boxes_write(out, r->format, r->dir, err);
    return rc;
}

static bt_status finish(run *r, bt_error *err)
{
    char path[PATH_MAX];
    bti_writer w;
    bti_box_set *out = bti_boxes_new();

    if (!out)
        return bti_fail_nomem(err);
    snprintf(path, sizeof(path), "%.2000s/" MANIFEST, r->dir);
    bt_status rc = bti_writer_open(&w, path, err);
    if (!rc) {
        rc = write_rest(r, out, w.f, err);
        if (rc)
            bti_writer_abort(&w);
        else
            rc = bti_writer_commit(&w, err);
    }
    bti_boxes_free(out);
    return rc;
}

static bt_status report(char **json, const run *r, bt_error *err)
{
    bti_json *all = bti_json_object(), *found = bti_json_object();

    bti_json_set_str(all, "format", r->format ? r->format->name : "folder");
    bti_json_set_int(all, "images_in", r->set->n_images);
    bti_json_set_int(all, "images", r->n_out - r->n_failed);
    bti_json_set_int(all, "made_now", r->n_made);
    if (r->format) {
        bti_json_set_int(all, "boxes_in", r->set->n_boxes);
        bti_json_set_int(all, "boxes", r->n_boxes);
        bti_json_set_int(all, "boxes_dropped", r->n_dropped);
    }
    for (int i = 0; i < BTI_FINDINGS; i++)
        if (r->set->found[i])
            bti_json_set_int(found, bti_finding_name((bti_finding)i), r->set->found[i]);
    bti_json_set(all, "findings", found);
    *json = bti_json_text(all, 2);
    bti_json_free(all);
    return *json ? BT_OK : bti_fail_nomem(err);
}

bt_status bt_augment_run(char **json, const char *in, const char *out_dir,
                         const bt_augment_run_options *opt, bt_error *err)
{
    run r = {.opt = opt, .in = in, .dir = out_dir};
    bt_status rc = bti_policy_parse(&r.policy, opt->policy ? opt->policy : "flip", err);

    *json = NULL;
    if (!rc)
        rc = read_input(&r, err);
    if (!rc)
        rc = make_settings(&r, err);
    if (!rc)
        rc = list_outputs(&r, err);
    if (!rc)
        rc = begin(&r, err);
    if (!rc)
        rc = make_folders(&r, err);
    if (!rc)
        rc = make_images(&r, err);
    if (!rc)
        rc = finish(&r, err);
    if (!rc)
        rc = report(json, &r, err);
    bti_free(r.settings);
    bti_free(r.out);
    bti_boxes_free(r.set);
    bti_policy_free(r.policy);
    return rc;
}
