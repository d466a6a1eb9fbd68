/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds for every module of modules.def and every model file we ship: the tensors, shapes,
 * parameters and MACs that PyTorch has (tools/make_model_goldens.py), and a graph that its readers
 * can trust. A new module is covered once a golden model uses it, and the test asks for that.
 */
#include "model_text.h"

#include "base/alloc.h"
#include "base/files.h"
#include "model/module.h"

typedef struct golden {
    const char *name; /* "tiny20k" */
    bti_arena arena;
    bti_rows rows;
    bti_graph *g;
    char *text; /* the .txt */
} golden;

/* --- What any graph must satisfy --- */

static void check_node(const bti_graph *g, int i)
{
    const bti_node *node = &g->node[i];
    assert_true(node->c > 0 && node->h > 0 && node->w > 0);
    assert_in_range(node->row, 0, g->n_rows - 1);
    assert_in_range(node->in[0], 0, i - 1);
    const bti_node *a = &g->node[node->in[0]];
    const bti_node *b = node->in[1] < 0 ? NULL : &g->node[node->in[1]];
    switch (node->kind) {
    case BTI_NODE_CONV:
    case BTI_NODE_MAXPOOL:
    case BTI_NODE_AVGPOOL: {
        int window = node->dilation * (node->k - 1) + 1;
        assert_int_equal(node->h, (a->h + node->pad_t + node->pad_b - window) / node->stride + 1);
        assert_int_equal(node->w, (a->w + node->pad_l + node->pad_r - window) / node->stride + 1);
        break;
    }
    case BTI_NODE_ADD:
        assert_non_null(b);
        assert_true(a->c == b->c && a->h == b->h && a->w == b->w);
        break;
    case BTI_NODE_SCALE:
        assert_non_null(b);
        assert_true(a->c == b->c && b->h == 1 && b->w == 1);
        break;
    case BTI_NODE_FLATTEN:
        assert_int_equal(node->c, a->c * a->h * a->w);
        break;
    case BTI_NODE_BN:
    case BTI_NODE_ACT:
        assert_true(node->c == a->c && node->h == a->h && node->w == a->w);
        break;
    default:
        break;
    }
}

static void check_tensors(const bti_graph *g)
{
    int64_t params = 0, offset = 0;
    for (int i = 0; i < g->n_tensors; i++) {
        const bti_tensor *t = &g->tensor[i];
        int64_t size = 1;
        for (int d = 0; d < t->n_dims; d++)
            size *= t->dim[d];
        assert_int_equal(t->size, size);
        assert_int_equal(t->offset, offset);
        offset += size;
        if (t->kind != BTI_TENSOR_MEAN && t->kind != BTI_TENSOR_VAR)
            params += size;
        if (t->kind == BTI_TENSOR_WEIGHT)
            assert_int_equal(t->fan_in, size / t->dim[0]);
    }
    assert_int_equal(g->n_floats, offset);
    assert_int_equal(g->params, params);
}

static void check_graph(const bti_graph *g)
{
    int64_t params = 0, macs = 0;
    for (int i = 1; i < g->n_nodes; i++)
        check_node(g, i);
    check_tensors(g);
    for (int i = 0; i < g->n_rows; i++) {
        params += g->row[i].params;
        macs += g->row[i].macs;
    }
    assert_int_equal(g->params, params);
    assert_int_equal(g->macs, macs);
    assert_int_equal(strlen(g->hash), BTI_HASH_HEX - 1);
}

/* --- Against PyTorch --- */

/* Our graph in the lines of a golden file. */
static void write_lines(const bti_graph *g, bti_str *out)
{
    bti_str_addf(out, "input %d %d %d\nparams %lld\nmacs %lld\n", g->in_c, g->in_h, g->in_w,
                 (long long)g->params, (long long)g->macs);
    for (int i = 0; i < g->n_rows; i++)
        bti_str_addf(out, "row %d %d %d\n", g->row[i].c, g->row[i].h, g->row[i].w);
    for (int i = 0; i < g->n_tensors; i++) {
        bti_str_addf(out, "tensor %s", g->tensor[i].name);
        for (int d = 0; d < g->tensor[i].n_dims; d++)
            bti_str_addf(out, " %d", g->tensor[i].dim[d]);
        bti_str_add(out, "\n");
    }
}

static void assert_same_lines(const char *name, const char *ours, const char *theirs)
{
    for (int line = 1; *ours || *theirs; line++) {
        int n = (int)strcspn(ours, "\n"), m = (int)strcspn(theirs, "\n");
        if (n != m || strncmp(ours, theirs, (size_t)n) != 0)
            fail_msg("%s.txt:%d\n  ours:    %.*s\n  PyTorch: %.*s", name, line, n, ours, m, theirs);
        ours += n + (ours[n] == '\n');
        theirs += m + (theirs[m] == '\n');
    }
}

static void open_golden(golden *m, const char *folder, const char *file)
{
    char path[512], name[64];
    bt_error err = {0};
    size_t n;
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    assert_ok(bti_rows_read(&m->rows, &m->arena, test_source(path), NULL, &err), &err);
    assert_ok(bti_graph_build(&m->g, &m->rows, 0, 0, 0, &err), &err);
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, "."), file);
    m->name = bti_arena_strdup(&m->arena, name);
    snprintf(path, sizeof(path), "tests/golden/state_dict/%s.txt", name);
    assert_ok(bti_file_read(test_source(path), 1 << 20, &m->text, &n, &err), &err);
}

static void close_golden(golden *m)
{
    bti_graph_free(m->g);
    bti_arena_release(&m->arena);
    bti_free(m->text);
    *m = (golden){0};
}

static void for_every_model(void (*fn)(const golden *m, void *user), void *user)
{
    static const char *const folders[] = {"examples/models", "tests/golden/state_dict"};
    for (size_t f = 0; f < 2; f++) {
        bti_names files;
        bt_error err = {0};
        assert_ok(bti_list_dir(test_source(folders[f]), &files, &err), &err);
        for (size_t i = 0; i < files.n; i++) {
            golden m = {0};
            if (!bti_has_suffix_nocase(files.name[i], ".yaml"))
                continue;
            open_golden(&m, folders[f], files.name[i]);
            fn(&m, user);
            close_golden(&m);
        }
        bti_names_free(&files);
    }
}

static void compare_with_pytorch(const golden *m, void *user)
{
    bti_str ours = {0};
    write_lines(m->g, &ours);
    assert_same_lines(m->name, bti_str_c(&ours), m->text);
    bti_str_release(&ours);
    check_graph(m->g);
    ++*(int *)user;
}

static void names_shapes_and_counts_are_pytorchs(void **state)
{
    (void)state;
    int n = 0;
    for_every_model(compare_with_pytorch, &n);
    assert_true(n >= 14);
}

static void mark_modules(const golden *m, void *user)
{
    bool *used = user;
    for (int i = 0; i < m->rows.n; i++)
        for (int k = 0; bti_module_names()[k]; k++)
            if (bti_streq(bti_module_names()[k], m->rows.row[i].module))
                used[k] = true;
}

static void every_module_is_in_a_golden_model(void **state)
{
    (void)state;
    bool used[64] = {0};
    for_every_model(mark_modules, used);
    for (int k = 0; bti_module_names()[k]; k++)
        if (!used[k])
            fail_msg("no model of examples/models or tests/golden/state_dict uses %s",
                     bti_module_names()[k]);
}

/* --- Networks of papers: tests/golden/published.txt, NAME PARAMETERS MACS --- */

/* What torchvision says of `name`; macs -1: for another input. */
static void published(const char *name, long long *params, long long *macs)
{
    char *text, key[64];
    bt_error err = {0};
    size_t n;
    assert_ok(bti_file_read(test_source("tests/golden/published.txt"), 1 << 16, &text, &n, &err),
              &err);
    snprintf(key, sizeof(key), "%s ", name);
    const char *line = text;
    while (line && strncmp(line, key, strlen(key)) != 0) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (!line)
        fail_msg("published.txt has no line for %s", name);
    *macs = -1;
    assert_true(sscanf(line, "%*s %lld %lld", params, macs) >= 1);
    bti_free(text);
}

static void counts_of_example(const char *name, long long *params, long long *macs)
{
    char path[96];
    bt_error err = {0};
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g;
    snprintf(path, sizeof(path), "examples/models/%s.yaml", name);
    assert_ok(bti_rows_read(&rows, &arena, test_source(path), NULL, &err), &err);
    assert_ok(bti_graph_build(&g, &rows, 0, 0, 0, &err), &err);
    *params = g->params, *macs = g->macs;
    bti_graph_free(g);
    bti_arena_release(&arena);
}

static void networks_of_papers_have_torchvisions_counts(void **state)
{
    (void)state;
    static const char *const names[] = {"resnet20", "efficientnet-b0", "efficientnet-b0-32",
                                        "mobilenetv2", "mobilenetv3-large"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        long long params, macs, their_params, their_macs;
        counts_of_example(names[i], &params, &macs);
        published(names[i], &their_params, &their_macs);
        assert_int_equal(params, their_params);
        if (their_macs >= 0)
            assert_int_equal(macs, their_macs);
    }
}

/* MLPerf Tiny's own ResNet8 has a bias in its nine convolutions (their outputs together: 2 * 16 +
 * 16
 * + 3 * 32 + 3 * 64), no BN on the two projections (2 * 32 + 2 * 64), and Keras counts the running
 * statistics of the others (2 * (16 + 2 * 16 + 2 * 32 + 2 * 64)). */
static void resnet8_differs_from_mlperfs_by_what_its_head_says(void **state)
{
    (void)state;
    long long params, macs, their_params, their_macs;
    counts_of_example("resnet8", &params, &macs);
    published("mlperf-tiny-resnet8", &their_params, &their_macs);
    assert_int_equal(their_params, 78666);
    assert_int_equal(params, their_params - 336 - 480 + 192);
    assert_int_equal(macs, their_macs);
}

/* --- Every module alone --- */

static const char *const sample[] = {
    "[2, Conv, [24, 3, 2]]",
    "[2, DWConv, [24, 5, 2]]",
    "[2, FixedConv, [20, 3]]",
    "[3, Bottleneck, [24]]",
    "[3, BasicBlock, [24, 2]]",
    "[3, InvertedResidualv2, [24, 3, 2]]",
    "[3, InvertedResidualv3, [5, 3, 24, 1, 1, 2]]",
    "[3, MBConv, [3, 24, 2, 5]]",
    "[1, MaxPool, [3, 2, 1]]",
    "[1, AvgPool, [3, 2, 1]]",
    "[1, GlobalAvgPool, [3]]",
    "[1, Flatten, []]",
    "[1, GlobalAvgPool, []], [1, Flatten, []], [1, Linear, [10]]",
    "[1, Pass, []]",
};

static bool has_sample(const char *module)
{
    char word[64];
    snprintf(word, sizeof(word), " %s, [", module);
    for (size_t i = 0; i < sizeof(sample) / sizeof(sample[0]); i++)
        if (strstr(sample[i], word))
            return true;
    return false;
}

static void every_module_builds_sound_graphs_at_every_size(void **state)
{
    (void)state;
    for (int k = 0; bti_module_names()[k]; k++)
        if (!has_sample(bti_module_names()[k]))
            fail_msg("add a sample row of %s", bti_module_names()[k]);
    for (size_t i = 0; i < sizeof(sample) / sizeof(sample[0]); i++)
        for (int size = 8; size <= 33; size += 5) {
            bti_graph *g =
                test_graph((test_model){.rows = sample[i], .c = 8, .h = size, .w = size + 3});
            check_graph(g);
            bti_graph_free(g);
        }
}

static void every_module_checks_the_number_of_its_arguments(void **state)
{
    (void)state;
    for (int k = 0; bti_module_names()[k]; k++) {
        const bti_module *m = bti_module_find(bti_module_names()[k]);
        assert_true(m->min_args <= m->max_args && m->max_args < BTI_ROW_ARGS);
        for (int n = 0; n < BTI_ROW_ARGS; n++) {
            bti_row row = {.repeat = 1, .module = bti_module_names()[k], .n_args = n, .line = 9};
            bti_rows rows = {.channels = 3,
                             .depth_multiple = 1,
                             .width_multiple = 1,
                             .n = 1,
                             .row = &row,
                             .where = "m.yaml"};
            bti_graph *g;
            bt_error err = {0};
            if (n >= m->min_args && n <= m->max_args)
                continue;
            assert_int_equal(bti_graph_build(&g, &rows, 0, 0, 0, &err), BT_INVAL);
            assert_int_equal(err.line, 9);
            assert_non_null(strstr(err.text, m->args)); /* what it takes */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_shapes_and_counts_are_pytorchs),
        cmocka_unit_test(every_module_is_in_a_golden_model),
        cmocka_unit_test(networks_of_papers_have_torchvisions_counts),
        cmocka_unit_test(resnet8_differs_from_mlperfs_by_what_its_head_says),
        cmocka_unit_test(every_module_builds_sound_graphs_at_every_size),
        cmocka_unit_test(every_module_checks_the_number_of_its_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
