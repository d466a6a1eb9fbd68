/* SPDX-License-Identifier: Apache-2.0
 *
 * Manual pages from the option tables, as scdoc source (scdoc(5)): bantam(1) and one a verb.
 */
#include "cli/cli.h"

#include "base/str.h"

/* Text in which scdoc sees no markup; '-' is some at the start of a line. */
static void escaped(const char *text)
{
    for (char before = 0; *text; before = *text++) {
        if (strchr("\\_*#[]`~|", *text) || (*text == '-' && before == '\n'))
            putchar('\\');
        putchar(*text);
    }
}

static void head(const char *name, const char *help)
{
    printf("%s(1) \"bantam %s\" \"bantam manual\"\n\n# NAME\n\n", name, BANTAM_VERSION);
    printf("%s - ", name);
    escaped(help);
    printf("\n\n");
}

static void print_option(const cli_option *o)
{
    if (o->letter)
        printf("*-%c*, ", o->letter);
    printf("*--%s*", o->name);
    if (o->arg) {
        printf(" ");
        escaped(o->arg);
    }
    printf("\n\t");
    escaped(o->help);
    printf("\n\n");
}

/* A verb with sub-verbs gets a section each, one without is the page. */
static void print_spec(void *user, const cli_spec *spec)
{
    bool section = strchr(spec->verb, ' ') != NULL;
    (void)user;
    if (section) {
        printf("# BANTAM ");
        for (const char *p = spec->verb; *p; p++)
            putchar(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        printf("\n\n");
    } else {
        printf("# SYNOPSIS\n\n");
    }
    printf("*bantam %s* ", spec->verb);
    for (const char *p = spec->synopsis, *end; p; p = end ? end + 1 : NULL) {
        char line[256];
        end = strchr(p, '\n');
        snprintf(line, sizeof(line), "%.*s", end ? (int)(end - p) : (int)strlen(p), p);
        escaped(line + strspn(line, " "));
        printf("%s\n", end ? "++" : "");
    }
    printf(section ? "\n" : "\n# DESCRIPTION\n\n");
    escaped(spec->about);
    printf("\n\n");
    if (!section)
        printf("# OPTIONS\n\n");
    for (const cli_option *o = spec->options; o && o->name; o++)
        print_option(o);
    printf("*-h*, *--help*\n\tprint the options and exit\n\n");
}

static void print_common(void)
{
    printf("# EXIT STATUS\n\n"
           "0: done. 1: it failed, and one line on standard error says why. 2: wrong usage. 3: the "
           "budget ended\nwithout a model that keeps the limits.\n\n"
           "# ENVIRONMENT\n\n"
           "*BANTAM\\_CACHE*\n\tfolder for decoded images; else *XDG\\_CACHE\\_HOME*/bantam, else "
           "~/.cache/bantam\n\n"
           "*ONEDNN\\_MAX\\_CPU\\_ISA*, *DNNL\\_MAX\\_CPU\\_ISA*\n\tthe largest instruction set "
           "that is used, such as AVX2: oneDNN's variable\n\n");
}

void cli_manual(const cli_verb *verb)
{
    if (verb) {
        char name[64];
        const cli_visitor print = {.spec = print_spec};
        snprintf(name, sizeof(name), "bantam-%s", verb->name);
        head(name, verb->help);
        cli_walk(verb, &print);
        print_common();
        printf("# SEE ALSO\n\n*bantam*(1)\n");
        return;
    }
    head("bantam", "labelled images and a deadline in, a front of small trained models out");
    printf("# SYNOPSIS\n\n*bantam* VERB ...\n\n# VERBS\n\n");
    for (const cli_verb *v = cli_verbs; v->name; v++) {
        printf("*bantam-%s*(1)\n\t", v->name);
        escaped(v->help);
        printf("\n\n");
    }
    print_common();
    printf("# EXAMPLES\n\n"
           "A search of five minutes for models of at most 50,000 parameters:\n\n"
           "\tbantam search fashion-mnist --budget 5m --max-params 50k --out run\n\n"
           "Its front, and the class of a photo by its best model:\n\n"
           "\tbantam front run++\n\tbantam predict run/models/best photo.jpg\n");
}
