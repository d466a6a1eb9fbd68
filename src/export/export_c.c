/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_export_c(): a model directory as C sources in a folder of their own, which appears whole.
 */
#include "bantam/export.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/str.h"
#include "export/emit.h"
#include "export/load.h"
#include <errno.h>
#include <unistd.h>

#define TEST_VECTORS 8

bt_export_options bt_export_defaults(void)
{
    return (bt_export_options){.name = "model", .dtype = "f32", .quant = {.calibration = "auto"}};
}

/* ---- checks before any work ---- */

static bt_status check_name(const char *name, bt_error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz",
                      rest[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (!name[0] || !strchr(letters, name[0]) || strspn(name, rest) != strlen(name) ||
        strlen(name) > 32)
        return bti_fail(err, BT_INVAL, "name",
                        "'%s' is not a name of small letters, digits and _, at most 32", name);
    return BT_OK;
}

/* The folder may be there if it is empty. */
static bt_status check_folder(const char *dir, bt_error *err)
{
    bti_names names;
    if (access(dir, F_OK)) /* the rename at the end has the last word */
        return BT_OK;
    if (!bti_is_dir(dir))
        return bti_fail(err, BT_INVAL, dir, "is not a folder");
    bt_status rc = bti_list_dir(dir, &names, err);
    if (rc)
        return rc;
    if (names.n)
        rc = bti_fail(err, BT_INVAL, dir,
                      "the folder is in use (%s is in it); expected a new or an empty one",
                      names.name[0]);
    bti_names_free(&names);
    return rc;
}

/* ---- the folder ---- */

static bt_status write_in(const bti_emit *e, const char *dir, bool source, bt_error *err)
{
    char file[40];
    snprintf(file, sizeof(file), "%s.%s", e->name, source ? "c" : "h");
    char *path = bti_path_join(dir, file);
    if (!path)
        return bti_fail_nomem(err);
    bt_status rc = source ? bti_emit_source(e, path, err) : bti_emit_header(e, path, err);
    bti_free(path);
    return rc;
}

/* A folder beside the final one, so that a rename makes both files appear together. */
static bt_status write_folder(const bti_emit *e, const char *dir, const bt_progress *progress,
                              bt_error *err)
{
    bti_str tmp = {0};
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    bti_str_addn(&tmp, dir, n);
    bti_str_addf(&tmp, ".tmp%ld", (long)getpid());
    if (tmp.failed) {
        bti_str_release(&tmp);
        return bti_fail_nomem(err);
    }
    bt_status rc = bti_make_dirs(tmp.s, err);
    if (!rc)
        rc = write_in(e, tmp.s, false, err);
    if (!rc)
        rc = write_in(e, tmp.s, true, err);
    if (!rc && rename(tmp.s, dir))
        rc = bti_fail_errno(err, dir, "cannot put the folder in place");
    if (rc && bti_remove_tree(tmp.s, NULL)) /* the first error is the one to return */
        bti_warn(progress, "could not remove %s", tmp.s);
    bti_str_release(&tmp);
    return rc;
}

/* ---- result ---- */

static char *result_text(const bti_emit *e, const bti_deployable *d)
{
    bti_json *o = bti_json_object(), *files = bti_json_array();
    char file[40];

    snprintf(file, sizeof(file), "%s.h", e->name);
    bti_json_append(files, bti_json_str(file));
    snprintf(file, sizeof(file), "%s.c", e->name);
    bti_json_append(files, bti_json_str(file));
    bti_json_set(o, "files", files);
    bti_json_set_str(o, "dtype", e->quant ? "int8" : "f32");
    bti_json_set_int(o, "constants_bytes", e->sizes.constants);
    bti_json_set_int(o, "code_bytes", e->sizes.code);
    bti_json_set_int(o, "flash_bytes", e->sizes.flash);
    bti_json_set_int(o, "arena_bytes", e->sizes.arena);
    bti_json_set_int(o, "stack_bytes", e->sizes.stack);
    bti_deployable_report(o, d);
    char *text = bti_json_text(o, 0);
    bti_json_free(o);
    return text;
}

/* Expected logits of the self-test: f32 as the exported kernels gave them here; int8 the same. */
static bt_status make_vectors(bti_emit *e, const bti_deployable *d, int8_t **logits, bt_error *err)
{
    const bti_folded *f = d->net;
    int8_t *arena;

    *logits = NULL;
    e->n_tests = d->images.n < TEST_VECTORS ? d->images.n : TEST_VECTORS;
    e->image = d->images.pixels;
    e->logits = d->logits;
    if (!e->quant)
        return BT_OK;
    *logits = bti_array((size_t)e->n_tests, (size_t)f->classes);
    arena = bti_array((size_t)(f->arena > 0 ? f->arena : 1), 1);
    bt_status rc = *logits && arena ? BT_OK : bti_fail_nomem(err);
    for (int i = 0; !rc && i < e->n_tests; i++)
        bti_run_s8(e->quant, e->image + (int64_t)i * f->in_h * f->in_w * f->in_c, arena,
                   *logits + i * f->classes);
    bti_free(arena);
    e->logits = *logits;
    return rc;
}

static bt_status export(char **json, const bti_deployable *d, const bt_export_options *opt,
                        bt_error *err)
{
    bti_emit e = {.net = d->net,
                  .quant = d->int8.quant,
                  .name = opt->name,
                  .class_name = (const char *const *)d->meta.class_names,
                  .hash = d->graph->hash,
                  .sizes = bti_sizes_of(d->net, d->int8.quant != NULL)};
    int8_t *logits;

    bt_status rc = make_vectors(&e, d, &logits, err);
    if (!rc)
        rc = write_folder(&e, opt->out_dir, &opt->quant.progress, err);
    if (!rc) {
        *json = result_text(&e, d);
        rc = *json ? BT_OK : bti_fail_nomem(err);
    }
    bti_free(logits);
    return rc;
}

bt_status bt_export_c(char **json, const bt_export_options *opt, bt_error *err)
{
    bti_deployable d;

    *json = NULL;
    bt_status rc = bti_deployable_check(opt->dtype, err);
    if (!rc)
        rc = check_name(opt->name, err);
    if (!rc)
        rc = check_folder(opt->out_dir, err);
    if (!rc)
        rc = bti_deployable_open(&d, opt->model_dir, bti_streq(opt->dtype, "int8"), &opt->quant,
                                 err);
    if (rc)
        return rc;
    rc = export(json, &d, opt, err);
    bti_deployable_close(&d);
    return rc;
}
