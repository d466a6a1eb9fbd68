/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam doctor`: what this machine offers and whether anything is in the way.
 */
#include "cli/cli.h"

#include "base/cpu.h"
#include "base/files.h"
#include "base/json.h"
#include "base/str.h"

static const char *yes_no(bool v)
{
    return v ? "yes" : "no";
}

int cmd_doctor(int argc, char **argv)
{
    bool json = false;
    const cli_option options[] = {
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "print one JSON object"},
        {0},
    };
    const cli_spec spec = {"doctor", "[--json]", "What this machine offers to bantam.",
                           options,  0,          0};
    cli_args args;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;

    bti_isa isa = bti_cpu_isa();
    const char *cache = cli_cache_dir();
    bt_error err = {0};
    bool cache_ok = bti_make_dirs(cache, &err) == BT_OK;
    int64_t free_bytes = bti_disk_free(cache_ok ? cache : "/");
    bool fashion = bti_is_dir("/usr/share/datasets/fashion-mnist");

    if (json) {
        bti_json *o = bti_json_object();
        bti_json_set_str(o, "version", BANTAM_VERSION);
        bti_json_set_str(o, "cpu", bti_cpu_model());
        bti_json_set_int(o, "cores", bti_cpu_count());
        bti_json_set_str(o, "isa", bti_isa_name(isa));
        bti_json_set_bool(o, "bf16", isa == BTI_ISA_AVX512_BF16);
        bti_json_set_str(o, "engine", bt_engine_name());
        bti_json_set_str(o, "cache", cache);
        bti_json_set_bool(o, "cache_writable", cache_ok);
        bti_json_set_int(o, "disk_free_bytes", free_bytes);
        bti_json_set_bool(o, "fashion_mnist", fashion);
        char *text = bti_json_text(o, 2);
        bti_json_free(o);
        return cli_print(text);
    }
    char size[24];
    printf("bantam        %s\n", BANTAM_VERSION);
    printf("cpu           %s, %d cores\n", bti_cpu_model(), bti_cpu_count());
    printf("isa           %s (bf16: %s)\n", bti_isa_name(isa), yes_no(isa == BTI_ISA_AVX512_BF16));
    printf("engine        %s\n", bt_engine_name());
    printf("cache         %s (%s)\n", cache, cache_ok ? "writable" : err.text);
    printf("disk free     %sB\n", bti_format_count(size, (double)free_bytes));
    printf("fashion-mnist %s\n",
           fashion ? "installed" : "missing: apt install dataset-fashion-mnist");
    return cache_ok ? 0 : 1;
}
