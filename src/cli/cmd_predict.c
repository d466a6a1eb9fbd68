/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam predict`: classes of image files by a model directory, or logits of an array.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/process.h"

/* One line an image on stdout, one an unreadable file on stderr. Returns how many those were. */
static int print_images(const bti_json *list, bool quiet)
{
    int unread = 0;
    for (size_t i = 0; i < bti_json_len(list); i++) {
        const bti_json *o = bti_json_at(list, i), *top = bti_json_get(o, "top");
        const char *path = bti_json_as_str(bti_json_get(o, "path"), "");
        const char *why = bti_json_as_str(bti_json_get(o, "error"), NULL);
        if (why) {
            fprintf(stderr, "bantam: %s: %s\n", path, why);
            unread++;
            continue;
        }
        if (quiet)
            continue;
        printf("%s", path);
        for (size_t k = 0; k < bti_json_len(top); k++) {
            const bti_json *c = bti_json_at(top, k);
            printf("%s%s %.2f %%", k ? ", " : ": ", bti_json_as_str(bti_json_get(c, "class"), ""),
                   100 * bti_json_as_num(bti_json_get(c, "p"), 0));
        }
        printf("\n");
    }
    return unread;
}

static int predict_images(const bt_predict_options *opt, bool json)
{
    bt_error err = {0};
    bti_json *list;
    char *text;
    if (bt_predict(&text, opt, &err))
        return cli_fail(&err);
    bt_status rc = bti_json_parse(&list, text, strlen(text), "result", &err);
    if (rc) {
        bt_free(text);
        return cli_fail(&err);
    }
    int unread = print_images(list, json), status = 0;
    bti_json_free(list);
    if (json)
        status = cli_print(text);
    else
        bt_free(text);
    return unread ? 1 : status;
}

int cmd_predict(int argc, char **argv)
{
    bt_predict_options images = {.top = 3};
    bt_logits_options array = {0};
    bool json = false;
    const cli_option options[] = {
        {"top", 'k', CLI_INT, &images.top, "N", "likeliest classes to show (default: 3)", 1, 1e6},
        {"json", 0, CLI_FLAG, &json, NULL, "print one JSON array, an object an image", 0, 0},
        {"input", 0, CLI_TEXT, &array.input, "X.npy",
         "instead of images: float32 (n,c,h,w) normalised, or uint8 (n,h,w,c)", 0, 0},
        {"logits", 0, CLI_TEXT, &array.output, "OUT.npy",
         "where the outputs for --input go: float32 (n,classes)", 0, 0},
        {"train-mode", 0, CLI_FLAG, &array.train_mode, NULL,
         "with --input: batch normalisation by the statistics of the whole input", 0, 0},
        {"threads", 't', CLI_INT, &images.threads, "N", "(default: all cores)", 1, 1024},
        {0},
    };
    const cli_spec spec = {
        "predict",
        "DIR IMAGE... [--top N] [--json]\n"
        "       bantam predict DIR --input X.npy --logits OUT.npy [--train-mode]",
        "Classes of images by the model in DIR, with probabilities. Exit status "
        "1 if an image\ncannot be read; the others are still done.",
        options,
        1,
        -1};
    cli_args args;
    bt_error err = {0};

    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    if ((array.input != NULL) != (array.output != NULL))
        return cli_usage("predict", "--input and --logits belong together");
    if (array.train_mode && !array.input)
        return cli_usage("predict", "--train-mode needs --input");
    if (array.input && args.n > 1)
        return cli_usage("predict", "give images or --input, not both");
    if (!array.input && args.n < 2)
        return cli_usage("predict", "images are missing: which files?");
    if (array.input) {
        array.model_dir = args.v[0];
        array.threads = images.threads;
        return bt_logits(&array, &err) ? cli_fail(&err) : 0;
    }
    images.program = bti_self_path();
    images.model_dir = args.v[0];
    images.image = (const char *const *)(args.v + 1);
    images.n_images = args.n - 1;
    return predict_images(&images, json);
}
