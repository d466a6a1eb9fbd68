/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam data info DATA`: splits, classes and balance, sizes, unreadable files, identical images.
 * `bantam data import DATA -o DIR`: the decoded images as NumPy files.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/str.h"

#include <inttypes.h>

#define DATA_KINDS                                                                                 \
    "a name (fashion-mnist, cifar10, cifar100; the CIFARs are downloaded into the cache if\n"      \
    "they are not in --data-dir); an image folder (root/{train,val,test}/CLASS/files or\n"         \
    "root/CLASS/files); a CSV file with the columns path,label, or a folder with train.csv\n"      \
    "[val.csv] [test.csv]; a folder with IDX files; CIFAR's binary files (a folder or .tar.gz);\n" \
    "a folder that data import wrote."
#define SHOWN 10 /* unreadable files listed for people; --json has all */

static int64_t number(const bti_json *o, const char *key)
{
    return bti_json_as_int(bti_json_get(o, key), 0);
}

static const char *word(const bti_json *v)
{
    return bti_json_as_str(v, "?");
}

static void print_sizes(const bti_json *o)
{
    const bti_json *s = bti_json_get(o, "sizes");
    const bti_json *lo = bti_json_get(s, "min"), *hi = bti_json_get(s, "max");
    int64_t w = bti_json_as_int(bti_json_at(lo, 0), 0), h = bti_json_as_int(bti_json_at(lo, 1), 0);
    printf("images    %s, ", number(o, "channels") == 1 ? "grey" : "colour");
    if (number(s, "distinct") > 1)
        printf("%" PRId64 " sizes from %" PRId64 "x%" PRId64 " to %" PRId64 "x%" PRId64
               " (width x height)\n",
               number(s, "distinct"), w, h, bti_json_as_int(bti_json_at(hi, 0), 0),
               bti_json_as_int(bti_json_at(hi, 1), 0));
    else
        printf("%" PRId64 "x%" PRId64 " (width x height)\n", w, h);
}

/* A row a class, a column a split. */
static void print_classes(const bti_json *o)
{
    const bti_json *classes = bti_json_get(o, "classes"), *splits = bti_json_get(o, "splits");
    int width = 7;
    for (size_t c = 0; c < bti_json_len(classes); c++) {
        int n = (int)strlen(word(bti_json_at(classes, c)));
        width = n > width ? n : width;
    }
    width = width > 40 ? 40 : width;
    printf("\n%-*s", width, "class");
    for (size_t s = 0; s < bti_json_len(splits); s++)
        printf(" %9s", word(bti_json_get(bti_json_at(splits, s), "name")));
    for (size_t c = 0; c < bti_json_len(classes); c++) {
        printf("\n%-*s", width, word(bti_json_at(classes, c)));
        for (size_t s = 0; s < bti_json_len(splits); s++) {
            const bti_json *counts = bti_json_get(bti_json_at(splits, s), "per_class");
            printf(" %9" PRId64, bti_json_as_int(bti_json_at(counts, c), 0));
        }
    }
    printf("\n%-*s", width, "all");
    for (size_t s = 0; s < bti_json_len(splits); s++)
        printf(" %9" PRId64, number(bti_json_at(splits, s), "n"));
    printf("\n%-*s", width, "balance");
    for (size_t s = 0; s < bti_json_len(splits); s++)
        printf(" %9.2f", bti_json_as_num(bti_json_get(bti_json_at(splits, s), "balance"), 0.0));
    printf("  (smallest class / largest)\n\n");
}

/* What to do about unequal classes, with the numbers; nothing about others. */
static void print_imbalance(const bti_json *o)
{
    const bti_json *largest = bti_json_get(o, "largest"), *smallest = bti_json_get(o, "smallest");
    if (!bti_json_as_str(bti_json_get(o, "recommended"), NULL))
        return;
    const char *large = word(bti_json_get(largest, "class"));
    const char *small = word(bti_json_get(smallest, "class"));
    printf("imbalance  %.3g: %s has %" PRId64 " images, %s %" PRId64
           "; judge by balanced accuracy\n"
           "  recommended  train --logit-adjustment 1: in the loss %s gets %.2f more than %s\n"
           "  or           --sampling balanced, --class-weights balanced: an image of %s counts "
           "%.3g, of %s %.3g\n",
           bti_json_as_num(bti_json_get(o, "ratio"), 0), large, number(largest, "n"), small,
           number(smallest, "n"), large, bti_json_as_num(bti_json_get(o, "logit_gap"), 0), small,
           small, bti_json_as_num(bti_json_get(smallest, "balanced_weight"), 0), large,
           bti_json_as_num(bti_json_get(largest, "balanced_weight"), 0));
}

static void print_unreadable(const bti_json *list)
{
    size_t n = bti_json_len(list);
    printf("unreadable %zu\n", n);
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        const bti_json *u = bti_json_at(list, i);
        printf("  %s: %s\n", word(bti_json_get(u, "path")), word(bti_json_get(u, "reason")));
    }
    if (n > SHOWN)
        printf("  and %zu more (--json lists all)\n", n - SHOWN);
}

static void print_examples(const bti_json *overlap)
{
    const bti_json *examples = bti_json_get(overlap, "examples");
    for (size_t i = 0; i < bti_json_len(examples); i++) {
        const bti_json *pair = bti_json_at(examples, i);
        printf("  %s = %s\n", word(bti_json_at(pair, 0)), word(bti_json_at(pair, 1)));
    }
}

static void print_overlaps(const bti_json *o)
{
    const bti_json *leakage = bti_json_get(o, "leakage"), *part;
    const char *split;
    for (size_t i = 0; i < bti_json_len(leakage); i++) {
        part = bti_json_at(leakage, i);
        const bti_json *splits = bti_json_get(part, "splits");
        printf("leakage    %" PRId64 " images of %s are also in %s\n", number(part, "count"),
               word(bti_json_at(splits, 1)), word(bti_json_at(splits, 0)));
        print_examples(part);
    }
    if (!bti_json_len(leakage))
        printf("leakage    none: no image is in two splits\n");
    for (size_t i = 0; bti_json_pair(bti_json_get(o, "duplicates_within"), i, &split, &part); i++) {
        printf("duplicates %" PRId64 " images of %s are copies of another one there\n",
               number(part, "count"), split);
        print_examples(part);
    }
}

static void print_groups(const bti_json *g)
{
    const bti_json *across = bti_json_get(g, "across");
    if (!g)
        return;
    printf("groups     %" PRId64 " by '%s', the largest of %" PRId64 " images\n", number(g, "n"),
           word(bti_json_get(g, "regex")), number(g, "largest"));
    for (size_t i = 0; i < bti_json_len(across); i++) {
        const bti_json *one = bti_json_at(across, i), *splits = bti_json_get(one, "splits");
        printf("leakage    %" PRId64 " groups have images in %s and in %s\n", number(one, "count"),
               word(bti_json_at(splits, 0)), word(bti_json_at(splits, 1)));
    }
}

static int print_table(char *text)
{
    bti_json *o = cli_json(text);
    if (!o)
        return 1;
    printf("data      %s (%s)\n", word(bti_json_get(o, "data")), word(bti_json_get(o, "reader")));
    print_sizes(o);
    print_classes(o);
    print_imbalance(bti_json_get(o, "imbalance"));
    print_unreadable(bti_json_get(o, "unreadable"));
    print_overlaps(o);
    print_groups(bti_json_get(o, "groups"));
    bti_json_free(o);
    return 0;
}

static int data_info(int argc, char **argv)
{
    const char *data_dir = NULL;
    bool json = false;
    int threads = 0;
    const char *group_by = NULL;
    const cli_option options[] = {
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "print one JSON object"},
        {.name = "group-by",
         .kind = CLI_TEXT,
         .to = &group_by,
         .arg = "REGEX",
         .help = "count the groups of images whose paths match it alike, and those in two splits"},
        {.name = "threads",
         .kind = CLI_INT,
         .to = &threads,
         .arg = "N",
         .help = "decoding threads (default: all cores)",
         .lo = 1,
         .hi = 1024},
        {.name = "data-dir",
         .kind = CLI_TEXT,
         .to = &data_dir,
         .arg = "DIR",
         .help = "holds data sets that are asked for by name (default: $BANTAM_DATA_DIR)"},
        {0},
    };
    const cli_spec spec = {"data info",
                           "DATA [--json]",
                           "What is in DATA: " DATA_KINDS "\n"
                           "Every image is decoded once; nothing is written. Unreadable "
                           "images and identical images\n"
                           "across splits are listed.",
                           options,
                           1,
                           1};
    cli_args args;
    bt_error err = {0};
    char *text;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    bt_data_options opt = cli_data_options(0, data_dir, cli_progress(false));
    opt.threads = threads;
    opt.group_by = group_by;
    opt.stop = cli_stop();
    if (bt_data_info(&text, args.v[0], &opt, &err))
        return cli_fail(&err);
    cli_progress_end();
    return json ? cli_print(text) : print_table(text);
}

/* "DIR: train 11, test 4 images of 32x32x3, 2 classes" */
static int print_imported(const char *dir)
{
    bt_error err = {0};
    bti_str path = {0};
    bti_json *o;
    const bti_json *split;
    const char *name;
    bti_str_addf(&path, "%s/manifest.json", dir);
    bt_status rc = bti_json_read(&o, bti_str_c(&path), &err);
    bti_str_release(&path);
    if (rc)
        return cli_fail(&err);
    printf("%s:", dir);
    for (size_t i = 0; bti_json_pair(bti_json_get(o, "splits"), i, &name, &split); i++)
        printf("%s %s %" PRId64, i ? "," : "", name, number(split, "n"));
    printf(" images of %" PRId64 "x%" PRId64 "x%" PRId64 ", %zu classes\n", number(o, "size"),
           number(o, "size"), number(o, "channels"), bti_json_len(bti_json_get(o, "classes")));
    bti_json_free(o);
    return 0;
}

static int data_import(int argc, char **argv)
{
    const char *dir = NULL, *data_dir = NULL;
    bool strict = false;
    int threads = 0, size = 0;
    const cli_option options[] = {
        {.name = "out",
         .letter = 'o',
         .kind = CLI_TEXT,
         .to = &dir,
         .arg = "DIR",
         .help = "folder for the files; new or empty"},
        {.name = "size",
         .kind = CLI_INT,
         .to = &size,
         .arg = "N",
         .help = "side in pixels (default: the images' own up to 64, else 32)",
         .lo = 1,
         .hi = 1024},
        {.name = "strict",
         .kind = CLI_FLAG,
         .to = &strict,
         .help = "an unreadable image is an error (default: up to 1 % are left out)"},
        {.name = "threads",
         .kind = CLI_INT,
         .to = &threads,
         .arg = "N",
         .help = "decoding threads (default: all cores)",
         .lo = 1,
         .hi = 1024},
        {.name = "data-dir",
         .kind = CLI_TEXT,
         .to = &data_dir,
         .arg = "DIR",
         .help = "holds data sets that are asked for by name (default: $BANTAM_DATA_DIR)"},
        {0},
    };
    const cli_spec spec = {
        "data import",
        "DATA -o DIR [--size N] [--strict]",
        "Decodes and resizes every image once and writes NumPy files: train.npy (n,h,w,c; uint8),\n"
        "train-labels.npy (int32), the same for val and test, and manifest.json (class names, "
        "mean,\n"
        "standard deviation, unreadable images). DATA:\n" DATA_KINDS,
        options,
        1,
        1};
    cli_args args;
    bt_error err = {0};
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    if (!dir)
        return cli_usage("data import", "-o DIR is missing: where should the files go?");
    bt_data_options opt = cli_data_options(size, data_dir, cli_progress(false));
    opt.threads = threads;
    opt.strict = strict;
    opt.stop = cli_stop();
    if (bt_data_import(args.v[0], dir, &opt, &err))
        return cli_fail(&err);
    cli_progress_end();
    return print_imported(dir);
}

int cmd_data(int argc, char **argv)
{
    static const char *const names[] = {"info", "import", NULL};
    static int (*const run[])(int, char **) = {data_info, data_import};
    int status;
    int verb = cli_subverb("data", names, argc, argv, &status);
    return verb < 0 ? status : run[verb](argc - 1, argv + 1);
}
