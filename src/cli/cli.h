/* SPDX-License-Identifier: Apache-2.0
 *
 * What every verb shares: one option table a verb (parsing, --help), errors to exit codes, progress
 * on stderr, Ctrl-C. Only cli/ owns stdout, stderr, the environment and exit codes.
 *
 * Exit status: 0 ok, 1 runtime error, 2 usage error, 3 the budget ended with no feasible model.
 */
#ifndef CLI_H
#define CLI_H

#include "bantam/bantam.h"
#include "base/json.h"

typedef enum cli_kind {
    CLI_FLAG,        /* bool *: set to true */
    CLI_TEXT,        /* const char **: borrowed from argv */
    CLI_INT,         /* int *, within lo..hi */
    CLI_COUNT,       /* int64_t *: 50k, 1.2M */
    CLI_REAL,        /* double *, within lo..hi */
    CLI_TIME,        /* double *: seconds from 45s, 5m, 8h */
    CLI_SEED,        /* uint64_t * */
    CLI_LIMIT,       /* bt_limit *: its metric is set; the bound as that metric is written */
    CLI_LIST,        /* cli_list *: every text given, in order */
    CLI_RECIPE,      /* bt_recipe *: bt_recipe_set(to, name with '_', text) */
    CLI_RECIPE_FLAG, /* bt_recipe *: the same with "true" and no argument */
} cli_kind;

/* Values of an option that may be repeated. */
#define CLI_LIST_MAX 64
typedef struct cli_list {
    const char *v[CLI_LIST_MAX];
    int n;
} cli_list;

typedef struct cli_option {
    const char *name; /* long name without dashes */
    char letter;      /* short form, 0: none */
    cli_kind kind;
    void *to;
    const char *arg;  /* placeholder in help ("T"), NULL for flags */
    const char *help; /* one line */
    double lo, hi;    /* INT and REAL; both 0: any */
} cli_option;

typedef struct cli_spec {
    const char *verb;          /* "data info" */
    const char *synopsis;      /* "DATA [--json]" */
    const char *about;         /* a few lines for --help */
    const cli_option *options; /* ends with a zeroed row */
    int min_args, max_args;    /* positional arguments; max -1: any number */
} cli_spec;

typedef struct cli_args {
    int n;
    char **v;
} cli_args;

/* Parses argv[1..]. Returns -1 to go on, or the exit status to return (0 after --help, 2 on a usage
 * error, already printed). Positional arguments are left in *args (borrowed from argv). */
int cli_parse(const cli_spec *spec, int argc, char **argv, cli_args *args);

/* Prints "bantam: where:line: text" to stderr; returns the exit status for the error. */
int cli_fail(const bt_error *err);
/* Prints a usage sentence and the hint to --help; returns 2. */
int cli_usage(const char *verb, const char *fmt, ...) BT_PRINTF(2, 3);
/* Chooses a sub-verb (`bantam data info`): argv[1] must be one of `names` (NULL-terminated).
 * Returns its index, or -1 after printing (then *status is the exit status). */
int cli_subverb(const char *verb, const char *const *names, int argc, char **argv, int *status);

/* Bars on a terminal, plain lines otherwise, on stderr. quiet: warnings only. */
bt_progress cli_progress(bool quiet);
void cli_progress_end(void); /* finishes a bar that is still open */

/* From here on every event is one JSON object a line on stderr (docs/format/events.md). */
void cli_progress_json(void);

/* SIGINT, SIGTERM and SIGHUP (a closed terminal, unless it was ignored: nohup) set the flag of the
 * returned stop; a second one ends the process at once. */
bt_stop cli_stop(void);

/* $BANTAM_CACHE, else $XDG_CACHE_HOME/bantam, else ~/.cache/bantam. Static. */
const char *cli_cache_dir(void);
/* Data options with cache, program and progress filled in. data_dir NULL: $BANTAM_DATA_DIR, if it
 * is set; $BANTAM_DATA_URL names another server for downloads. */
bt_data_options cli_data_options(int size, const char *data_dir, bt_progress progress);

/* Is DATA the course's data file (bt_data_file_load)? By its suffix, .yaml or .yml. */
bool cli_is_data_file(const char *data);

/* The study that a verb is about: its argument, else the run in this directory, else bantam-run. */
const char *cli_study(const cli_args *args);

/* The JSON text of a public call as an object (yours, bti_json_free); frees the text. NULL after
 * printing why: return 1 then. */
bti_json *cli_json(char *text);

/* Prints the text and a newline to stdout, frees it (bt_free), returns 0 (1 if stdout failed). */
int cli_print(char *text);

/* ---- the tables, read by help, manual pages and completions ---- */

typedef struct cli_verb {
    const char *name, *group, *help;
    int (*run)(int argc, char **argv);
} cli_verb;
extern const cli_verb cli_verbs[]; /* rows of verbs.def; ends with a zeroed row */

/* The verb of this name, or NULL after printing the nearest one (a usage error). */
const cli_verb *cli_find_verb(const char *name);
/* One screen: every verb in a line, examples. */
void cli_print_overview(void);
/* "usage: bantam data {info, import} ..." and a line a sub-verb. */
void cli_print_subverbs(const char *verb, const char *const *names);

/* Receives the tables of cli_walk; they are valid during the call only. Either may be NULL. */
typedef struct cli_visitor {
    void (*subverbs)(void *user, const char *verb, const char *const *names);
    void (*spec)(void *user, const cli_spec *spec);
    void *user;
} cli_visitor;
/* Shows `v` the tables of a verb: its sub-verbs if it has any, then each option table. They live in
 * the verbs' functions; the verb is run as for --help, with cli_parse and cli_subverb handing over
 * what they were given. A verb therefore parses before it does anything else. */
void cli_walk(const cli_verb *verb, const cli_visitor *v);

/* The first sentence of spec->about on one line. buf >= 8 bytes. Returns buf. */
const char *cli_summary(char *buf, size_t size, const cli_spec *spec);

/* What can stand in the place of an option's placeholder (cli_option.arg) or a positional argument.
 */
typedef enum cli_values {
    CLI_VALUES_OTHER, /* a number, a name: nothing to offer */
    CLI_VALUES_WORDS, /* "val|test" */
    CLI_VALUES_FILES, /* FILE, DATA, X.npy */
    CLI_VALUES_DIRS,  /* DIR */
} cli_values;
cli_values cli_values_of(const char *arg);

/* `bantam help --format F`: prints all verbs, or one (manual pages), to stdout. */
void cli_manual(const cli_verb *verb); /* NULL: the page of the program itself */
void cli_completion_bash(void);
void cli_completion_zsh(void);
void cli_completion_fish(void);

/* Every verb: VERB(name, group, help) -> int cmd_<name>(int argc, char **argv), argv[0] = the verb.
 */
#define VERB(name, group, help) int cmd_##name(int argc, char **argv);
#include "cli/verbs.def"
#undef VERB

#endif
