/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the text of a space comes from: a file wins over a shipped space of the same name.
 */
#include "search/shipped.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#define SPACE_FILE_LIMIT (4u << 20)

static const char *shipped_text(const char *name)
{
    for (const bti_shipped *s = bti_shipped_spaces; s->name; s++)
        if (bti_streq(s->name, name))
            return s->text;
    return NULL;
}

static bt_status missing(const char *path, bt_error *err)
{
    const char *names[32] = {"auto"};
    bti_str list = {0};
    bti_str_add(&list, names[0]);
    for (int i = 1; i < 31 && bti_shipped_spaces[i - 1].name; i++) {
        names[i] = bti_shipped_spaces[i - 1].name;
        bti_str_addf(&list, ", %s", names[i]);
    }
    const char *near = bti_nearest(path, names);
    bt_status rc =
        near ? bti_fail(err, BT_IO, path, "no such file or shipped space; did you mean '%s'?", near)
             : bti_fail(err, BT_IO, path, "no such file or shipped space (shipped are %s)",
                        bti_str_c(&list));
    bti_str_release(&list);
    return rc;
}

bt_status bti_space_source(char **text, const char *name, bt_error *err)
{
    size_t n;
    *text = NULL;
    if (bti_is_file(name))
        return bti_file_read(name, SPACE_FILE_LIMIT, text, &n, err);
    const char *shipped = shipped_text(name);
    if (!shipped)
        return missing(name, err);
    *text = bti_strdup(shipped);
    return *text ? BT_OK : bti_fail_nomem(err);
}
