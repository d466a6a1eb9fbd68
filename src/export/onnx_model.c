/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX messages by protobuf-c, all in one arena. onnx.pb-c.h is made at build time from the
 * onnx.proto that libonnx-dev ships.
 */
#include "export/onnx_model.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/files.h"
#include <onnx.pb-c.h>
#include <string.h>

#define IR_VERSION 8
#define OPSET 17

struct bti_onnx {
    bti_arena arena;
    bool failed;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
};

/* ---- memory ---- */

static void *take(bti_onnx *o, size_t size)
{
    void *p = o->failed ? NULL : bti_arena_alloc(&o->arena, size);
    if (!p)
        o->failed = true;
    return p;
}

static char *text(bti_onnx *o, const char *s)
{
    char *copy = take(o, strlen(s) + 1);
    if (copy)
        memcpy(copy, s, strlen(s) + 1);
    return copy;
}

/* The list, with room for one more: its capacity is the power of two at or above n. */
static void *room(bti_onnx *o, void *list, size_t n, size_t size)
{
    if (n & (n - 1))
        return list;
    void *larger = take(o, (n ? 2 * n : 1) * size);
    if (larger && n)
        memcpy(larger, list, n * size);
    return larger;
}

#define APPEND(o, list, n, item)                                                                   \
    do {                                                                                           \
        void *with_room = room(o, list, n, sizeof(*(list)));                                       \
        if (with_room) {                                                                           \
            (list) = with_room;                                                                    \
            (list)[(n)++] = (item);                                                                \
        }                                                                                          \
    } while (0)

bti_onnx *bti_onnx_new(const char *graph_name, const char *doc)
{
    bti_onnx *o = bti_calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    onnx__model_proto__init(&o->model);
    onnx__graph_proto__init(&o->graph);
    o->model.graph = &o->graph;
    o->model.has_ir_version = true;
    o->model.ir_version = IR_VERSION;
    o->model.producer_name = text(o, "bantam");
    o->model.doc_string = text(o, doc);
    o->graph.name = text(o, graph_name);
    Onnx__OperatorSetIdProto *set = take(o, sizeof(*set));
    if (set) {
        onnx__operator_set_id_proto__init(set);
        set->domain = text(o, "");
        set->has_version = true;
        set->version = OPSET;
        APPEND(o, o->model.opset_import, o->model.n_opset_import, set);
    }
    return o;
}

void bti_onnx_free(bti_onnx *o)
{
    if (!o)
        return;
    bti_arena_release(&o->arena);
    bti_free(o);
}

void bti_onnx_meta(bti_onnx *o, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *e = take(o, sizeof(*e));
    if (!e)
        return;
    onnx__string_string_entry_proto__init(e);
    e->key = text(o, key);
    e->value = text(o, value);
    APPEND(o, o->model.metadata_props, o->model.n_metadata_props, e);
}

/* ---- inputs and outputs ---- */

static void add_dim(bti_onnx *o, Onnx__TensorShapeProto *shape, int64_t size)
{
    Onnx__TensorShapeProto__Dimension *d = take(o, sizeof(*d));
    if (!d)
        return;
    onnx__tensor_shape_proto__dimension__init(d);
    if (size == BTI_ONNX_N) {
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        d->dim_param = text(o, "N");
    } else {
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        d->dim_value = size;
    }
    APPEND(o, shape->dim, shape->n_dim, d);
}

static Onnx__ValueInfoProto *f32_value(bti_onnx *o, const char *name, int n_dims,
                                       const int64_t *dims)
{
    Onnx__ValueInfoProto *v = take(o, sizeof(*v));
    Onnx__TypeProto *type = take(o, sizeof(*type));
    Onnx__TypeProto__Tensor *tensor = take(o, sizeof(*tensor));
    Onnx__TensorShapeProto *shape = take(o, sizeof(*shape));
    if (!v || !type || !tensor || !shape)
        return NULL;
    onnx__value_info_proto__init(v);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    for (int i = 0; i < n_dims; i++)
        add_dim(o, shape, dims[i]);
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    v->name = text(o, name);
    v->type = type;
    return v;
}

void bti_onnx_input(bti_onnx *o, const char *name, int n_dims, const int64_t *dims)
{
    Onnx__ValueInfoProto *v = f32_value(o, name, n_dims, dims);
    if (v)
        APPEND(o, o->graph.input, o->graph.n_input, v);
}

void bti_onnx_output(bti_onnx *o, const char *name, int n_dims, const int64_t *dims)
{
    Onnx__ValueInfoProto *v = f32_value(o, name, n_dims, dims);
    if (!v || !o->graph.n_node)
        return;
    o->graph.node[o->graph.n_node - 1]->output[0] = v->name;
    APPEND(o, o->graph.output, o->graph.n_output, v);
}

/* ---- constants ---- */

void bti_onnx_constant(bti_onnx *o, const char *name, bti_onnx_type type, int n_dims,
                       const int64_t *dims, const void *data)
{
    static const struct {
        Onnx__TensorProto__DataType type;
        size_t size;
    } types[] = {[BTI_ONNX_F32] = {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 4},
                 [BTI_ONNX_S8] = {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 1},
                 [BTI_ONNX_S32] = {ONNX__TENSOR_PROTO__DATA_TYPE__INT32, 4},
                 [BTI_ONNX_S64] = {ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 8}};
    size_t bytes = types[type].size;
    Onnx__TensorProto *t = take(o, sizeof(*t));
    if (!t)
        return;
    onnx__tensor_proto__init(t);
    for (int i = 0; i < n_dims; i++) {
        bytes *= (size_t)dims[i];
        APPEND(o, t->dims, t->n_dims, dims[i]);
    }
    t->name = text(o, name);
    t->has_data_type = true;
    t->data_type = types[type].type;
    t->has_raw_data = true;
    t->raw_data.len = bytes;
    t->raw_data.data = take(o, bytes);
    if (t->raw_data.data)
        memcpy(t->raw_data.data, data, bytes); /* little-endian, as every CPU we build for */
    APPEND(o, o->graph.initializer, o->graph.n_initializer, t);
}

/* ---- nodes ---- */

void bti_onnx_node(bti_onnx *o, const char *op_type, const char *name, int n_in,
                   const char *const *in)
{
    Onnx__NodeProto *n = take(o, sizeof(*n));
    if (!n)
        return;
    onnx__node_proto__init(n);
    n->op_type = text(o, op_type);
    n->name = text(o, name);
    for (int i = 0; i < n_in; i++)
        APPEND(o, n->input, n->n_input, text(o, in[i]));
    APPEND(o, n->output, n->n_output, n->name);
    APPEND(o, o->graph.node, o->graph.n_node, n);
}

static Onnx__AttributeProto *attribute(bti_onnx *o, const char *name,
                                       Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = take(o, sizeof(*a));
    if (!a || !o->graph.n_node)
        return NULL;
    Onnx__NodeProto *n = o->graph.node[o->graph.n_node - 1];
    onnx__attribute_proto__init(a);
    a->name = text(o, name);
    a->has_type = true;
    a->type = type;
    APPEND(o, n->attribute, n->n_attribute, a);
    return a;
}

void bti_onnx_attr_int(bti_onnx *o, const char *name, int64_t v)
{
    Onnx__AttributeProto *a = attribute(o, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!a)
        return;
    a->has_i = true;
    a->i = v;
}

void bti_onnx_attr_ints(bti_onnx *o, const char *name, int n, const int *v)
{
    Onnx__AttributeProto *a = attribute(o, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    for (int i = 0; a && i < n; i++)
        APPEND(o, a->ints, a->n_ints, v[i]);
}

void bti_onnx_attr_float(bti_onnx *o, const char *name, float v)
{
    Onnx__AttributeProto *a = attribute(o, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!a)
        return;
    a->has_f = true;
    a->f = v;
}

bt_status bti_onnx_write(const bti_onnx *o, const char *path, bt_error *err)
{
    if (o->failed)
        return bti_fail_nomem(err);
    uint8_t *bytes = bti_malloc(onnx__model_proto__get_packed_size(&o->model));
    if (!bytes)
        return bti_fail_nomem(err);
    bt_status rc = bti_file_write(path, bytes, onnx__model_proto__pack(&o->model, bytes), err);
    bti_free(bytes);
    return rc;
}
