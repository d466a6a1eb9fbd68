/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading scalars, domains and lists of conditional domains (model-format.md 4.1) into slots.
 * Conditions: parse_when.c.
 */
#include "space/parse_int.h"

#include <ctype.h>
#include <math.h>

static const char *const forms[] = {"choice", "ordinal", "int", "float", "const", NULL};
static const char *const domain_keys[] = {"choice", "ordinal", "int",     "float", "const",
                                          "id",     "when",    "default", "log",   NULL};

bool bti_yaml_is_domain(const bti_yaml *y)
{
    for (int i = 0; forms[i]; i++)
        if (bti_yaml_get(y, forms[i]))
            return true;
    return false;
}

/* ---- expressions ---- */
static bool variable(const bti_parser *p, const char *name, int *out)
{
    const struct {
        const char *name;
        int value;
    } known[] = {{"classes", p->s->vars.classes},
                 {"size", p->s->vars.size},
                 {"channels", p->s->vars.channels}};
    for (int i = 0; i < 3; i++)
        if (bti_streq(known[i].name, name)) {
            *out = known[i].value;
            return true;
        }
    return false;
}

/* " + 8" or " * 2" after a name; false if it is neither. */
static bool parse_operation(const char *s, bti_expr *e)
{
    while (*s == ' ')
        s++;
    if (!*s)
        return true;
    if (*s != '+' && *s != '*')
        return false;
    e->op = *s++;
    while (*s == ' ')
        s++;
    return bti_parse_double(s, &e->operand);
}

static bt_status parse_reference(bti_parser *p, const bti_yaml *y, bti_expr *e)
{
    const char *name = y->text + 1;
    size_t n = strcspn(name, " +*");
    const char *word = bti_parse_name(p, "%.*s", (int)n, name);
    int v;
    if (!word)
        return bti_fail_nomem(p->err);
    if (!parse_operation(name + n, e))
        return bti_parse_fail(p, y->line, "'%s' is not $name, $name + number or $name * number",
                              y->text);
    if (variable(p, word, &v)) {
        double x = e->op == '+' ? v + e->operand : e->op == '*' ? v * e->operand : v;
        if (!(fabs(x) <= BTI_NUMBER_MAX))
            return bti_parse_fail(p, y->line, "'%s' is not a number up to 1e15", y->text);
        *e = (bti_expr){.ref = BTI_REF_NONE};
        e->value = x == rint(x) ? bti_value_int((int64_t)x) : bti_value_float(x);
        return BT_OK;
    }
    if (bti_streq(word, "prev.out")) {
        e->ref = BTI_REF_PREV_OUT;
        p->s->uses_prev_out = true;
        return BT_OK;
    }
    return bti_parse_ref(p, y->line, word, &e->ref);
}

static bt_status parse_expr(bti_parser *p, const bti_yaml *y, bti_expr *e)
{
    *e = (bti_expr){.ref = BTI_REF_NONE};
    if (y->kind != BTI_YAML_SCALAR)
        return bti_parse_fail(p, y->line, "expected a single value here");
    e->value = y->value;
    if (y->value.kind == BTI_STR && y->text[0] == '$')
        return parse_reference(p, y, e);
    return BT_OK;
}

bt_status bti_parse_value(bti_parser *p, const bti_yaml *y, bti_value *out)
{
    bti_expr e;
    bt_status rc = parse_expr(p, y, &e);
    if (rc)
        return rc;
    if (e.ref != BTI_REF_NONE)
        return bti_parse_fail(
            p, y->line, "'%s' must be a literal here ($classes, $size and $channels are)", y->text);
    *out = e.value;
    return BT_OK;
}

/* ---- the forms ---- */
static bt_status parse_choices(bti_parser *p, const bti_yaml *y, bti_alt *a)
{
    if (y->kind != BTI_YAML_SEQ || !y->n)
        return bti_parse_fail(p, y->line, "a choice needs a list of at least one value");
    bti_value *v = bti_parse_alloc(p, (size_t)y->n, sizeof(*v));
    if (!v)
        return bti_fail_nomem(p->err);
    for (int i = 0; i < y->n; i++) {
        bt_status rc = bti_parse_value(p, y->child[i], &v[i]);
        if (rc)
            return rc;
        for (int j = 0; j < i; j++)
            if (bti_value_equal(v[i], v[j]))
                return bti_parse_fail(p, y->child[i]->line, "'%s' is listed twice",
                                      y->child[i]->text);
    }
    a->form = BTI_FORM_CHOICE;
    a->n = y->n;
    a->choice = v;
    return BT_OK;
}

static bt_status parse_end(bti_parser *p, const bti_yaml *y, bti_form form, bti_expr *e)
{
    bt_status rc = parse_expr(p, y, e);
    if (rc || e->ref != BTI_REF_NONE)
        return rc;
    double v = bti_value_num(e->value);
    if (!bti_value_is_num(e->value) || !(fabs(v) <= BTI_NUMBER_MAX))
        return bti_parse_fail(p, y->line, "'%s' is not a number up to 1e15", y->text);
    if (form == BTI_FORM_INT && v != rint(v))
        return bti_parse_fail(p, y->line, "'%s' is not a whole number, as an int domain needs",
                              y->text);
    return BT_OK;
}

static bt_status check_range(bti_parser *p, int line, const bti_alt *a)
{
    bool literal = a->lo.ref == BTI_REF_NONE && a->hi.ref == BTI_REF_NONE;
    double lo = bti_value_num(a->lo.value), hi = bti_value_num(a->hi.value);
    if (literal && lo > hi)
        return bti_parse_fail(p, line, "the lower end %g is above the upper end %g", lo, hi);
    if (literal && a->step > 0 && (hi - lo) / a->step > BTI_NUMBER_MAX)
        return bti_parse_fail(p, line, "a step of %g makes more than 1e15 values", a->step);
    if (!a->log)
        return BT_OK;
    if (a->form == BTI_FORM_INT ? a->step != 1 : a->step != 0)
        return bti_parse_fail(p, line, "a domain with log: true takes no step");
    if (a->lo.ref == BTI_REF_NONE && lo <= 0)
        return bti_parse_fail(p, line, "a domain with log: true needs a lower end above 0");
    return BT_OK;
}

static bt_status parse_range(bti_parser *p, const bti_yaml *y, bti_form form, bti_alt *a)
{
    const char *word = form == BTI_FORM_INT ? "int" : "float";
    if (y->kind != BTI_YAML_SEQ || y->n < 2 || y->n > 3)
        return bti_parse_fail(p, y->line, "%s needs [lower, upper] or [lower, upper, step]", word);
    a->form = form;
    a->ordered = true;
    bt_status rc = parse_end(p, y->child[0], form, &a->lo);
    if (!rc)
        rc = parse_end(p, y->child[1], form, &a->hi);
    if (rc)
        return rc;
    a->step = form == BTI_FORM_INT ? 1 : 0;
    if (y->n == 2)
        return BT_OK;
    bti_expr step;
    rc = parse_end(p, y->child[2], form, &step);
    if (rc)
        return rc;
    a->step = step.ref == BTI_REF_NONE ? bti_value_num(step.value) : 0;
    if (!(a->step >= 1e-9))
        return bti_parse_fail(p, y->child[2]->line, "the step must be a number above 0, not '%s'",
                              y->child[2]->text);
    return BT_OK;
}

static bt_status parse_form(bti_parser *p, const bti_yaml *y, bti_alt *a)
{
    const char *found = NULL;
    for (int i = 0; forms[i]; i++) {
        if (!bti_yaml_get(y, forms[i]))
            continue;
        if (found)
            return bti_parse_fail(p, y->line, "a domain is either %s or %s, not both", found,
                                  forms[i]);
        found = forms[i];
    }
    if (!found)
        return bti_parse_fail(p, y->line,
                              "expected a domain: choice, ordinal, int, float or const");
    const bti_yaml *body = bti_yaml_get(y, found);
    a->ordered = bti_streq(found, "ordinal");
    if (bti_streq(found, "int"))
        return parse_range(p, body, BTI_FORM_INT, a);
    if (bti_streq(found, "float"))
        return parse_range(p, body, BTI_FORM_FLOAT, a);
    if (bti_streq(found, "const"))
        return parse_expr(p, body, &a->value);
    return parse_choices(p, body, a);
}

static bt_status parse_default(bti_parser *p, const bti_yaml *y, bti_alt *a)
{
    bt_status rc = bti_parse_value(p, y, &a->otherwise);
    if (rc)
        return rc;
    bool fits = a->form == BTI_FORM_CHOICE ? false : bti_value_is_num(a->otherwise);
    for (int i = 0; i < a->n; i++)
        fits = fits || bti_value_equal(a->choice[i], a->otherwise);
    double v = bti_value_num(a->otherwise);
    if (fits && a->lo.ref == BTI_REF_NONE && a->form != BTI_FORM_CHOICE)
        fits = v >= bti_value_num(a->lo.value);
    if (fits && a->hi.ref == BTI_REF_NONE && a->form != BTI_FORM_CHOICE)
        fits = v <= bti_value_num(a->hi.value);
    if (!fits)
        return bti_parse_fail(p, y->line, "the default '%s' is not in the domain", y->text);
    a->has_default = true;
    p->s->has_default = true;
    return BT_OK;
}

/* A mapping form, or a scalar as a constant that holds wherever its section does. */
static bt_status parse_alternative(bti_parser *p, const bti_yaml *y, bti_alt *a)
{
    *a = (bti_alt){.form = BTI_FORM_CONST};
    a->lo.ref = a->hi.ref = BTI_REF_NONE;
    if (y->kind == BTI_YAML_SCALAR) {
        bt_status rc = parse_expr(p, y, &a->value);
        return rc ? rc : bti_parse_when(p, NULL, &a->when);
    }
    bt_status rc = bti_parse_keys(p, y, "a domain", domain_keys);
    if (!rc)
        rc = bti_parse_when(p, bti_yaml_get(y, "when"), &a->when);
    if (!rc)
        rc = parse_form(p, y, a);
    if (rc)
        return rc;
    const bti_yaml *log = bti_yaml_get(y, "log"), *otherwise = bti_yaml_get(y, "default");
    if (log && (log->value.kind != BTI_BOOL || log->kind != BTI_YAML_SCALAR))
        return bti_parse_fail(p, log->line, "log is true or false");
    a->log = log && log->value.u.b;
    bool is_range = a->form == BTI_FORM_INT || a->form == BTI_FORM_FLOAT;
    if (a->log && !is_range)
        return bti_parse_fail(p, log->line, "only int and float domains can be log");
    if (is_range)
        rc = check_range(p, y->line, a);
    if (!rc && otherwise && a->form == BTI_FORM_CONST)
        return bti_parse_fail(p, otherwise->line, "a constant has no default");
    return !rc && otherwise ? parse_default(p, otherwise, a) : rc;
}

/* ---- slots ---- */
static bt_status add_slot(bti_parser *p, int line, const char *name, bti_alt *alt, int n_alt,
                          int *out)
{
    bti_space *s = p->s;
    for (int i = 0; i < s->n_slots; i++)
        if (bti_streq(s->slot[i].name, name))
            return bti_parse_fail(p, line, "'%s' is the name of an earlier parameter (line %d)",
                                  name, s->slot[i].line);
    if (s->n_slots == BTI_SLOTS_MAX)
        return bti_parse_fail(p, line, "a space may have at most %d values and domains",
                              BTI_SLOTS_MAX);
    if (s->n_slots == s->slots_cap) {
        int cap = s->slots_cap ? 2 * s->slots_cap : 64;
        bti_slot *more = bti_regrow(s->slot, (size_t)cap, sizeof(*more));
        if (!more)
            return bti_fail_nomem(p->err);
        s->slot = more;
        s->slots_cap = cap;
    }
    for (int i = 0; i < n_alt; i++)
        bti_alt_settle(&alt[i]);
    *out = s->n_slots;
    s->slot[s->n_slots++] = (bti_slot){
        .name = name, .line = line, .n_alt = n_alt, .alt = alt, .hyper = p->hyper, .last_use = -1};
    return BT_OK;
}

static bt_status take_id(bti_parser *p, const bti_yaml *y, const char **name)
{
    const bti_yaml *id = bti_yaml_get(y, "id");
    if (!id)
        return BT_OK;
    if (id->kind != BTI_YAML_SCALAR || id->value.kind != BTI_STR || !*id->text ||
        strpbrk(id->text, " $+*"))
        return bti_parse_fail(p, id->line, "an id is one word");
    *name = id->text;
    return BT_OK;
}

bt_status bti_parse_slot(bti_parser *p, const bti_yaml *y, const char *name, int *slot)
{
    bool list = y->kind == BTI_YAML_SEQ;
    int n = list ? y->n : 1;
    if (!name)
        return bti_fail_nomem(p->err);
    if (!n)
        return bti_parse_fail(p, y->line, "%s is an empty list", name);
    bti_alt *alt = bti_parse_alloc(p, (size_t)n, sizeof(*alt));
    if (!alt)
        return bti_fail_nomem(p->err);
    for (int i = 0; i < n; i++) {
        const bti_yaml *one = list ? y->child[i] : y;
        bt_status rc = parse_alternative(p, one, &alt[i]);
        if (!rc)
            rc = take_id(p, one, &name);
        if (rc)
            return rc;
    }
    return add_slot(p, y->line, name, alt, n, slot);
}

bt_status bti_parse_single(bti_parser *p, const bti_yaml *y, const char *name, int *slot)
{
    bt_status rc = bti_parse_slot(p, y, name, slot);
    return rc ? rc : bti_parse_item(p, (bti_item){.block = -1, .slot = *slot});
}

bt_status bti_parse_fixed(bti_parser *p, int line, bti_value v, const char *name, int *slot)
{
    bti_value *kept = bti_parse_alloc(p, 1, sizeof(*kept));
    if (!kept)
        return bti_fail_nomem(p->err);
    *kept = v;
    return bti_parse_choice(p, line, kept, 1, name, slot);
}

bt_status bti_parse_choice(bti_parser *p, int line, const bti_value *v, int n, const char *name,
                           int *slot)
{
    bti_alt *alt = bti_parse_alloc(p, 1, sizeof(*alt));
    if (!alt || !name)
        return bti_fail_nomem(p->err);
    alt->lo.ref = alt->hi.ref = alt->value.ref = BTI_REF_NONE;
    alt->form = n == 1 ? BTI_FORM_CONST : BTI_FORM_CHOICE;
    alt->value.value = v[0];
    alt->n = n;
    alt->choice = v;
    bt_status rc = bti_parse_when(p, NULL, &alt->when);
    return rc ? rc : add_slot(p, line, name, alt, 1, slot);
}
