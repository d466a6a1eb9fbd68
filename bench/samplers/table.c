/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the table of measured networks: a header line, then a run a line.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "brief12.h"

#include <stdlib.h>

#define LEADING 15 /* cells before those of the point; measure.c writes them */
#define CELLS_MAX (LEADING + BTI_POINT_MAX)

/* Cuts a line at its commas; the number of cells. */
static int split_cells(char *line, char *cell[CELLS_MAX])
{
    int n = 0;
    for (char *at = line; at && n < CELLS_MAX; n++) {
        char *comma = strchr(at, ',');
        if (comma)
            *comma = '\0';
        cell[n] = at;
        at = comma ? comma + 1 : NULL;
    }
    return n;
}

/* BT_EMPTY: the run diverged. */
static bt_status read_run(measured *m, const bti_space *s, char *line, bt_error *err)
{
    const bti_param *param;
    char *cell[CELLS_MAX];
    int n = split_cells(line, cell), expected = LEADING + bti_space_params(s, &param);
    if (n != expected)
        return bti_fail(err, BT_FORMAT, NULL, "%d cells, expected %d", n, expected);
    if (!*cell[7])
        return BT_EMPTY;
    m->network = (int)strtol(cell[0], NULL, 10);
    m->seed = (int)strtol(cell[1], NULL, 10);
    m->params = strtod(cell[3], NULL);
    m->macs = strtod(cell[4], NULL);
    for (int i = 0; i < RUNGS; i++) {
        m->accuracy[i] = strtod(cell[5 + i], NULL);
        m->cpu_s[i] = strtod(cell[11 + i], NULL);
    }
    m->validation_s = strtod(cell[14], NULL);
    return brief12_point(s, cell + LEADING, &m->point, err);
}

bt_status table_read(table *t, const bti_space *s, const char *path, bt_error *err)
{
    char *text, *rest = NULL;
    size_t size;
    int number = 1, cap = 0;
    *t = (table){0};
    bt_status rc = bti_file_read(path, 64 << 20, &text, &size, err);
    if (rc)
        return rc;
    for (const char *c = text; *c; c++)
        cap += *c == '\n';
    t->run = bti_array((size_t)cap + 1, sizeof(*t->run));
    rc = t->run ? BT_OK : bti_fail_nomem(err);
    char *line = strtok_r(text, "\n", &rest);
    while (!rc && (line = strtok_r(NULL, "\n", &rest))) {
        bt_error why = {0};
        number++;
        rc = read_run(&t->run[t->n], s, line, &why);
        t->n += rc == BT_OK;
        if (rc == BT_EMPTY)
            rc = BT_OK;
        if (rc)
            rc = bti_fail_at(err, rc, path, number, "%s", why.text);
    }
    bti_free(text);
    return rc;
}

void table_release(table *t)
{
    bti_free(t->run);
    *t = (table){0};
}
