/* SPDX-License-Identifier: Apache-2.0
 *
 * The two files of an exported network: declarations, kernels, constants, the run, the self-test.
 */
#include "export/emit.h"

#include "base/files.h"
#include "base/str.h"
#include <ctype.h>
#include <float.h>

#define PER_LINE 12 /* numbers */

/* ---- small pieces ---- */

void bti_emit_float(FILE *f, float v)
{
    char buf[48];
    snprintf(buf, sizeof(buf), "%.9g", (double)v);
    fprintf(f, "%s%sf", buf, strpbrk(buf, ".e") ? "" : ".0");
}

void bti_emit_window(FILE *f, const bti_folded_op *op)
{
    fprintf(f, "{%d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d}", op->in_h, op->in_w,
            op->in_c, op->h, op->w, op->c, op->k, op->stride, op->dilation, op->groups, op->pad_t,
            op->pad_l, op->pad_b, op->pad_r, op->count_pad);
}

static void emit_place(FILE *f, const bti_folded *net, int op)
{
    if (op == BTI_IMAGE)
        fputs("image", f);
    else if (net->op[op].offset < 0)
        fputs("logits", f);
    else
        fprintf(f, "arena + %lld", (long long)net->op[op].offset);
}

void bti_emit_places(FILE *f, const bti_folded *net, int i)
{
    const bti_folded_op *op = &net->op[i];

    emit_place(f, net, op->in[0]);
    if (op->in[1] != BTI_NOTHING) {
        fputs(", ", f);
        emit_place(f, net, op->in[1]);
    }
    fputs(", ", f);
    emit_place(f, net, i);
    fprintf(f, "); /* row %d: %dx%dx%d */\n", op->row + 1, op->h, op->w, op->c);
}

static void open_array(FILE *f, const char *type, const char *name, int i, int64_t n)
{
    fprintf(f, "static const %s %s%d[%lld] = {", type, name, i, (long long)n);
}

static void before(FILE *f, int64_t j)
{
    fputs(j % PER_LINE ? " " : "\n    ", f);
}

void bti_emit_floats(FILE *f, const char *name, int i, const float *v, int64_t n)
{
    open_array(f, "float", name, i, n);
    for (int64_t j = 0; j < n; j++) {
        before(f, j);
        bti_emit_float(f, v[j]);
        fputc(',', f);
    }
    fputs("\n};\n", f);
}

void bti_emit_int8s(FILE *f, const char *name, int i, const int8_t *v, int64_t n)
{
    open_array(f, "int8_t", name, i, n);
    for (int64_t j = 0; j < n; j++) {
        before(f, j);
        fprintf(f, "%d,", v[j]);
    }
    fputs("\n};\n", f);
}

void bti_emit_int32s(FILE *f, const char *name, int i, const int32_t *v, int64_t n)
{
    open_array(f, "int32_t", name, i, n);
    for (int64_t j = 0; j < n; j++) {
        before(f, j);
        fprintf(f, "%ld,", (long)v[j]);
    }
    fputs("\n};\n", f);
}

/* A C string; bytes beyond printable ASCII as octal, which cannot run into the next character. */
static void emit_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 32 || c > 126 || c == '"' || c == '\\' || c == '?')
            fprintf(f, "\\%03o", c);
        else
            fputc(c, f);
    }
    fputc('"', f);
}

/* ---- kernels ---- */

void bti_parts_add(bti_parts *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (bti_streq(p->name[i], name))
            return;
    p->name[p->n++] = name; /* all kernel files together have fewer parts than there is room */
}

static bool wanted(const bti_parts *p, const char *name, size_t n)
{
    for (int i = 0; i < p->n; i++)
        if (strlen(p->name[i]) == n && !memcmp(p->name[i], name, n))
            return true;
    return false;
}

#define PART "/* @part "

static void emit_parts(FILE *f, const bti_parts *p, const char *text)
{
    const char *at = strstr(text, PART);
    while (at) {
        const char *name = at + strlen(PART), *body = strchr(name, '\n') + 1;
        const char *next = strstr(body, PART);
        size_t n = next ? (size_t)(next - body) : strlen(body);
        if (wanted(p, name, (size_t)(strchr(name, ' ') - name))) {
            fwrite(body, 1, n, f);
            if (!next) /* the files end without the empty line that parts end with */
                fputc('\n', f);
        }
        at = next;
    }
}

static void emit_kernels(FILE *f, const bti_parts *p, const char *file)
{
    for (const bti_kernel_text *k = bti_kernel_texts; k->name; k++)
        if (bti_streq(k->name, file))
            emit_parts(f, p, k->text);
}

/* ---- files ---- */

static void upper(char *out, size_t cap, const char *name)
{
    size_t i = 0;
    for (; name[i] && i + 1 < cap; i++)
        out[i] = (char)toupper((unsigned char)name[i]);
    out[i] = 0;
}

static void emit_about(const bti_emit *e, FILE *f, const char *suffix)
{
    const bti_folded *n = e->net;
    fprintf(
        f,
        "/* %s.%s: made by bantam, do not edit.\n"
        " *\n"
        " * An image classifier of %d classes in %s on %dx%dx%d images (height, width, channels;\n"
        " * uint8, normalisation is inside). Network %s.\n"
        " * On a Cortex-M: %lld bytes of constants, about %lld of code; RAM: %lld bytes of arena,\n"
        " * at most %d of stack.%s\n"
        " * The kernels are bantam's (Apache-2.0).\n"
        " */\n",
        e->name, suffix, n->classes, e->quant ? "int8" : "f32", n->in_h, n->in_w, n->in_c, e->hash,
        (long long)e->sizes.constants, (long long)e->sizes.code, (long long)e->sizes.arena,
        e->sizes.stack, e->quant ? " Integer arithmetic only." : "");
}

static void write_header(const bti_emit *e, FILE *f)
{
    const bti_folded *n = e->net;
    const char *type = e->quant ? "int8_t" : "float";
    char up[64];

    upper(up, sizeof(up), e->name);
    emit_about(e, f, "h");
    fprintf(f, "#ifndef %s_H\n#define %s_H\n\n#include <stdint.h>\n\n", up, up);
    fprintf(f, "#define %s_HEIGHT %d\n#define %s_WIDTH %d\n#define %s_CHANNELS %d\n", up, n->in_h,
            up, n->in_w, up, n->in_c);
    fprintf(f, "#define %s_CLASSES %d\n", up, n->classes);
    fprintf(f, "#define %s_ARENA_BYTES %lld\n", up, (long long)e->sizes.arena);
    fprintf(f, "#define %s_STACK_BYTES %d /* at most, below the caller of %s_run() */\n", up,
            e->sizes.stack, e->name);
    if (e->quant) {
        const bti_scale *s = &e->quant->op[n->n_ops - 1].out;
        fprintf(f, "/* A logit is %s_LOGIT_SCALE * (q - %s_LOGIT_ZERO). */\n", up, up);
        fprintf(f, "#define %s_LOGIT_SCALE ", up);
        bti_emit_float(f, (float)s->scale);
        fprintf(f, "\n#define %s_LOGIT_ZERO (%d)\n", up, s->zero);
    }
    fprintf(f, "\nextern const char *const %s_class[%s_CLASSES];\n\n", e->name, up);
    fprintf(
        f,
        "/* image: HEIGHT * WIDTH * CHANNELS values, rows from the top, pixels from the left,\n"
        " * channels as in training (RGB or grey). logits: CLASSES values. One static arena: not\n"
        " * for two threads at once. */\n"
        "void %s_run(const uint8_t *image, %s *logits);\n\n",
        e->name, type);
    fprintf(
        f,
        "/* Runs, and returns the number of the likeliest class. Its logits are on the stack. */\n"
        "int %s_classify(const uint8_t *image);\n\n#endif\n",
        e->name);
}

static void emit_net(const bti_emit *e, FILE *f)
{
    const bti_folded *n = e->net;
    const char *type = e->quant ? "int8_t" : "float";

    for (int i = 0; i < n->n_ops; i++) {
        if (e->quant)
            bti_emit_layer_s8(f, e->quant, i);
        else
            bti_emit_layer_f32(f, n, i);
    }
    if (n->arena > 0)
        fprintf(f, "static %s arena[%lld];\n\n", type, (long long)n->arena);
    fprintf(f, "void %s_run(const uint8_t *image, %s *logits)\n{\n", e->name, type);
    for (int i = 0; i < n->n_ops; i++) {
        if (e->quant)
            bti_emit_call_s8(f, e->quant, i);
        else
            bti_emit_call_f32(f, n, i);
    }
    fprintf(f, "}\n\n");
    fprintf(f,
            "int %s_classify(const uint8_t *image)\n{\n    %s logits[%d];\n    int best = 0;\n"
            "    %s_run(image, logits);\n    for (int c = 1; c < %d; c++)\n"
            "        if (logits[c] > logits[best])\n            best = c;\n    return best;\n}\n\n",
            e->name, type, n->classes, e->name, n->classes);
    fprintf(f, "const char *const %s_class[%d] = {\n", e->name, n->classes);
    for (int c = 0; c < n->classes; c++) {
        fputs("    ", f);
        emit_string(f, e->class_name[c]);
        fputs(",\n", f);
    }
    fputs("};\n", f);
}

static void emit_vectors(const bti_emit *e, FILE *f)
{
    const int64_t pixels = (int64_t)e->net->in_h * e->net->in_w * e->net->in_c;
    const int classes = e->net->classes;

    fprintf(f, "static const uint8_t test_image[%d][%lld] = {", e->n_tests, (long long)pixels);
    for (int t = 0; t < e->n_tests; t++) {
        fputs(t ? "},\n    {" : "\n    {", f);
        for (int64_t j = 0; j < pixels; j++)
            fprintf(f, "%s%d,", j % 24 ? "" : "\n        ", e->image[t * pixels + j]);
    }
    fprintf(f, "}};\n\nstatic const %s test_logits[%d][%d] = {", e->quant ? "int8_t" : "float",
            e->n_tests, classes);
    for (int t = 0; t < e->n_tests; t++) {
        fputs(t ? "},\n    {" : "\n    {", f);
        for (int c = 0; c < classes; c++) {
            fputs(c ? ", " : "", f);
            if (e->quant)
                fprintf(f, "%d", ((const int8_t *)e->logits)[t * classes + c]);
            else
                bti_emit_float(f, ((const float *)e->logits)[t * classes + c]);
        }
    }
    fputs("}};\n\n", f);
}

static void emit_selftest(const bti_emit *e, FILE *f)
{
    const char *type = e->quant ? "int8_t" : "float";
    char up[64];

    upper(up, sizeof(up), e->name);
    fprintf(f, "\n#ifdef %s_SELFTEST /* a program: 0 if this build gives bantam's logits */\n", up);
    fputs("#include <stdio.h>\n\n", f);
    emit_vectors(e, f);
    fprintf(f,
            "int main(void)\n{\n    double most = 0, off = 0;\n"
            "    for (int t = 0; t < %d; t++) {\n        %s logits[%d];\n"
            "        %s_run(test_image[t], logits);\n"
            "        for (int c = 0; c < %d; c++) {\n"
            "            const double want = test_logits[t][c], d = logits[c] - want;\n"
            "            most = want > most ? want : -want > most ? -want : most;\n"
            "            off = d > off ? d : -d > off ? -d : off;\n        }\n    }\n",
            e->n_tests, type, e->net->classes, e->name, e->net->classes);
    if (e->quant)
        fprintf(f,
                "    printf(\"%s: %d images, %%s\\n\", off > 0 ? \"logits differ\" : \"logits "
                "equal\");\n"
                "    return off > 0;\n}\n#endif\n",
                e->name, e->n_tests);
    else
        fprintf(f,
                "    const int bad = !(off <= 1e-4 * most);\n"
                "    printf(\"%s: %d images, logits differ by %%.2e of the largest: %%s\\n\",\n"
                "           off / most, bad ? \"too much\" : \"equal\");\n"
                "    return bad;\n}\n#endif\n",
                e->name, e->n_tests);
}

static void write_source(const bti_emit *e, FILE *f)
{
    bti_parts parts = {0};

    for (int i = 0; i < e->net->n_ops; i++) {
        if (e->quant)
            bti_parts_of_s8(&parts, &e->net->op[i], &e->quant->op[i]);
        else
            bti_parts_of_f32(&parts, &e->net->op[i]);
    }
    emit_about(e, f, "c");
    fprintf(f, "#include \"%s.h\"\n", e->name);
    if (wanted(&parts, "math.h", 6))
        fputs("#include <math.h>\n", f);
    if (wanted(&parts, "dot_s8", 6))
        fputs("#include <string.h>\n", f);
    fputc('\n', f);
    emit_kernels(f, &parts, "window");
    emit_kernels(f, &parts, e->quant ? "s8" : "f32");
    emit_net(e, f);
    emit_selftest(e, f);
}

static bt_status write_file(const bti_emit *e, void (*write)(const bti_emit *, FILE *),
                            const char *path, bt_error *err)
{
    bti_writer w;
    bt_status rc = bti_writer_open(&w, path, err);
    if (rc)
        return rc;
    write(e, w.f);
    rc = bti_writer_commit(&w, err);
    if (rc)
        bti_writer_abort(&w);
    return rc;
}

bt_status bti_emit_header(const bti_emit *e, const char *path, bt_error *err)
{
    return write_file(e, write_header, path, err);
}

bt_status bti_emit_source(const bti_emit *e, const char *path, bt_error *err)
{
    return write_file(e, write_source, path, err);
}
