/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam status [DIR]`: how a search is doing, or what it left.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/str.h"

static double number(const bti_json *o, const char *key)
{
    return bti_json_as_num(bti_json_get(o, key), -1);
}

static void print_time(const bti_json *o)
{
    char used[24], left[24];
    const char *phase = bti_json_as_str(bti_json_get(o, "phase"), NULL);
    double left_s = number(o, "left_s"), phase_s = number(o, "phase_left_s");
    printf("%-9s %s", "state", bti_json_as_str(bti_json_get(o, "state"), ""));
    if (phase)
        printf(", %s", phase);
    printf("\n%-9s %s used", "time", bti_format_duration(used, number(o, "used_s")));
    if (left_s >= 0)
        printf(", %s left", bti_format_duration(left, left_s));
    if (phase_s >= 0 && phase_s < left_s - 1)
        printf(" (this phase: %s)", bti_format_duration(left, phase_s));
    printf("\n");
}

static void print_trials(const bti_json *o)
{
    const bti_json *t = bti_json_get(o, "trials"), *final = bti_json_get(o, "final");
    printf("%-9s %.0f complete, %.0f failed", "trials", number(t, "complete"), number(t, "failed"));
    if (number(t, "pruned") > 0)
        printf(", %.0f stopped early", number(t, "pruned"));
    if (number(t, "running") > 0)
        printf(", %.0f running", number(t, "running"));
    if (number(t, "waiting") > 0)
        printf(", %.0f waiting", number(t, "waiting"));
    if (number(t, "unfinished") > 0)
        printf(", %.0f unfinished", number(t, "unfinished"));
    printf("\n");
    if (bti_json_is_object(final))
        printf("%-9s %.0f of %.0f models done\n", "final", number(final, "done"),
               number(final, "picks"));
}

static void print_model(const char *title, const bti_json *m)
{
    char params[16];
    if (!bti_json_is_object(m))
        return;
    printf("%-9s %s: %s parameters, validation %.2f %%", title,
           bti_json_as_str(bti_json_get(m, "name"), ""),
           bti_format_count(params, number(m, "params")), 100 * number(m, "val_accuracy"));
    if (number(m, "test_accuracy") >= 0)
        printf(", test %.2f %%", 100 * number(m, "test_accuracy"));
    printf("\n");
}

static void print_status(const bti_json *o)
{
    const bti_json *errors = bti_json_get(o, "errors");
    printf("%-9s %s\n", "data", bti_json_as_str(bti_json_get(o, "data"), ""));
    print_time(o);
    print_trials(o);
    double front = number(o, "front");
    printf("%-9s %.0f model%s", "front", front, front == 1 ? "" : "s");
    if (number(o, "hypervolume") >= 0)
        printf(", hypervolume %.4f", number(o, "hypervolume"));
    printf("\n");
    print_model("best", bti_json_get(o, "best"));
    print_model("smallest", bti_json_get(o, "smallest"));
    for (size_t i = 0; i < bti_json_len(errors); i++) {
        const bti_json *e = bti_json_at(errors, i);
        printf("%s %s: %s\n", i ? "         " : "errors   ",
               bti_json_as_str(bti_json_get(e, "from"), ""),
               bti_json_as_str(bti_json_get(e, "line"), ""));
    }
    if (bti_streq(bti_json_as_str(bti_json_get(o, "state"), ""), "interrupted"))
        printf("The search ended without closing: the same bantam search command goes on.\n");
}

int cmd_status(int argc, char **argv)
{
    bool json = false;
    const cli_option options[] = {
        {"json", 0, CLI_FLAG, &json, NULL, "print one JSON object", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "status",
        "[DIR] [--json]",
        "Whether a search is running in DIR, its time, trials, front and newest errors.\n"
        "The default is the run in this directory, else in bantam-run.",
        options,
        0,
        1};
    cli_args args;
    bt_error err = {0};
    char *text;

    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    if (bt_search_status(&text, cli_study(&args), &err))
        return cli_fail(&err);
    if (json)
        return cli_print(text);
    bti_json *o = cli_json(text);
    if (!o)
        return 1;
    print_status(o);
    bti_json_free(o);
    return 0;
}
