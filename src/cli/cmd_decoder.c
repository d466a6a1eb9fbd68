/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam decoder`: decodes image files for the process that started it. Not for people, so it is
 * in no list of verbs.
 */
#include "cli/cli.h"

int cmd_decoder(int argc, char **argv)
{
    int64_t memory = 0;
    const cli_option options[] = {
        {.name = "memory",
         .kind = CLI_COUNT,
         .to = &memory,
         .arg = "BYTES",
         .help = "limit of this process (default: none)"},
        {0},
    };
    const cli_spec spec = {
        "decoder",
        "[--memory BYTES]",
        "Decodes images for the process that holds the other end of its descriptor 3.",
        options,
        0,
        0};
    cli_args args;
    bt_error err = {0};
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    return bt_decoder(memory, &err) ? cli_fail(&err) : 0;
}
