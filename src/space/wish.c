/* SPDX-License-Identifier: Apache-2.0
 *
 * Values from elsewhere: another space, Optuna's enqueue_trial, an old study of the course.
 */
#include "space/space_int.h"

#include <math.h>

typedef struct granting {
    bti_wish *wish;
    int n, drawn;
    bti_rng *rng;
} granting;

static bool grant(bti_wish *wish, const bti_domain *d, double *out)
{
    double x = bti_value_num(wish->value);
    if (!bti_domain_find(d, wish->value, out))
        return false;
    wish->used = d->kind == BTI_DOMAIN_CHOICE || fabs(*out - x) <= 1e-9 * fmax(1, fabs(x));
    return wish->used;
}

static double choose_granted(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    granting *g = user;
    const char *name = w->s->slot[slot].name;
    double v;
    for (int i = 0; i < g->n; i++)
        if (bti_streq(g->wish[i].name, name)) {
            g->wish[i].active = true;
            if (grant(&g->wish[i], d, &v))
                return v;
        }
    g->drawn++;
    return bti_domain_draw(d, g->rng);
}

int bti_space_grant(const bti_space *s, bti_wish *wish, int n, bti_rng *rng, bti_point *out)
{
    granting g = {.wish = wish, .n = n, .rng = rng};
    bti_walk w;
    for (int i = 0; i < n; i++)
        wish[i].active = wish[i].used = false;
    bti_walk_init(&w, s, choose_granted, &g, out);
    bti_walk_all(&w);
    return g.drawn;
}

/* ---- names of the course's studies (model-format.md 4.6) ---- */

/* "m3/v3_t" by what follows the slash; module NULL: the block's own Conv or DWConv. */
static const struct {
    const char *suffix, *module, *arg;
} course[] = {
    {"v3_t", "InvertedResidualv3", "expand"},
    {"v3_c", "InvertedResidualv3", "out"},
    {"v3_se", "InvertedResidualv3", "se"},
    {"v3_hs", "InvertedResidualv3", "hs"},
    {"v2_t", "InvertedResidualv2", "expand"},
    {"v2_c", "InvertedResidualv2", "out"},
    {"out_channels", NULL, "out"},
    {"kernel_size", NULL, "kernel"},
    {"activation", NULL, "act"},
};

bool bti_course_name(const char *old, const char *module, char out[96])
{
    const char *slash = strchr(old, '/');
    if (!slash)
        return false;
    int block = (int)(slash - old);
    if (bti_streq(slash, "/repeat") || bti_streq(slash, "/stride")) {
        snprintf(out, 96, "%.*s.%s", block, old, slash + 1);
        return true;
    }
    for (size_t i = 0; i < sizeof(course) / sizeof(course[0]); i++) {
        const char *of = course[i].module ? course[i].module : module;
        /* The course samples out_channels whatever the module is. */
        bool unused = bti_streq(course[i].arg, "out") && bti_has_prefix(of ? of : "", "Inverted") &&
                      !course[i].module;
        if (!bti_streq(course[i].suffix, slash + 1) || !of || unused)
            continue;
        snprintf(out, 96, "%.*s.%s.%s", block, old, of, course[i].arg);
        return true;
    }
    return false;
}

/* ---- what changed between two spaces ---- */

static const bti_param *find_param(const bti_param *p, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (bti_streq(p[i].name, name))
            return &p[i];
    return NULL;
}

static bool same_domain(const bti_param *a, const bti_param *b, bti_str *was, bti_str *is)
{
    bti_str_reset(was);
    bti_str_reset(is);
    bti_domain_text(&a->domain, was);
    bti_domain_text(&b->domain, is);
    return bti_streq(bti_str_c(was), bti_str_c(is));
}

static void first_line(const char *was, const char *is, char *out, size_t cap)
{
    int line = 1;
    const char *a = was, *b = is;
    for (; *a && *a == *b; a++, b++)
        if (*a == '\n') {
            line++;
            was = a + 1;
            is = b + 1;
        }
    snprintf(out, cap, "line %d was '%.*s' and is '%.*s'", line, (int)strcspn(was, "\n"), was,
             (int)strcspn(is, "\n"), is);
}

void bti_space_difference(const bti_space *was, const bti_space *is, char *out, size_t cap)
{
    const bti_param *a, *b;
    int n_a = bti_space_params(was, &a), n_b = bti_space_params(is, &b), more = -1;
    bti_str x = {0}, y = {0};
    *out = '\0';
    for (int i = 0; i < n_a; i++) {
        const bti_param *other = find_param(b, n_b, a[i].name);
        bool differs = !other || !same_domain(&a[i], other, &x, &y);
        more += differs;
        if (!differs || *out)
            continue;
        if (other)
            snprintf(out, cap, "%s was %.120s and is %.120s", a[i].name, bti_str_c(&x),
                     bti_str_c(&y));
        else
            snprintf(out, cap, "%s is no longer there", a[i].name);
    }
    for (int i = 0; i < n_b; i++) {
        if (find_param(a, n_a, b[i].name))
            continue;
        more++;
        if (!*out)
            snprintf(out, cap, "%s is new", b[i].name);
    }
    size_t used = strlen(out);
    if (more > 0)
        snprintf(out + used, cap - used, " (and %d more)", more);
    if (!*out)
        first_line(was->text, is->text, out, cap);
    bti_str_release(&x);
    bti_str_release(&y);
}
