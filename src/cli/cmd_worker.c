/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam worker DIR`: serves a run directory; started by search, one process a job.
 */
#include "cli/cli.h"

#include <signal.h>

int cmd_worker(int argc, char **argv)
{
    const char *id = "w0";
    const cli_option options[] = {
        {.name = "id",
         .kind = CLI_TEXT,
         .to = &id,
         .arg = "NAME",
         .help = "name of this worker in leases"},
        {0},
    };
    const cli_spec spec = {"worker",
                           "DIR [--id NAME]",
                           "Serves a run directory until its supervisor says stop.",
                           options,
                           1,
                           1};
    cli_args args;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    bt_stop stop = cli_stop();
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole terminal: the supervisor tells us when */
    bt_error err = {0};
    if (bt_worker(args.v[0], id, stop, &err))
        return cli_fail(&err);
    return 0;
}
