// Owns the test surface of PackedMatrix and the matrix products.
#include "kernels/matmul.h"
#include "kernels/packed_matrix.h"
#include "test/addon/arguments.h"

namespace tandem {
namespace {

/** packMatrix({dtype, numRows, numColumns, data, rowBegin, rowEnd, columnBegin, columnEnd, blockScale?, blockRows?, blockColumns?}) */
Napi::Value pack_matrix(const Napi::CallbackInfo& info) {
  const Napi::Object options = object_at(info, 0);
  const auto data = options.Get("data").As<Napi::Uint8Array>();
  StoredMatrix stored;
  stored.dtype = static_cast<TensorDtype>(size_of(options, "dtype"));
  stored.num_rows = size_of(options, "numRows");
  stored.num_columns = size_of(options, "numColumns");
  stored.data = data.Data();
  stored.num_bytes = data.ByteLength();
  if (options.Has("blockScale")) {
    stored.block_scale = options.Get("blockScale").As<Napi::Float32Array>().Data();
    stored.block_rows = size_of(options, "blockRows");
    stored.block_columns = size_of(options, "blockColumns");
  }
  const MatrixRange range{size_of(options, "rowBegin"), size_of(options, "rowEnd"), size_of(options, "columnBegin"), size_of(options, "columnEnd")};
  const std::string problem = PackedMatrix::check(stored, range);
  if (!problem.empty()) throw Napi::Error::New(info.Env(), problem);
  auto* packed = new PackedMatrix(PackedMatrix::pack(stored, range));
  return Napi::External<PackedMatrix>::New(info.Env(), packed, [](Napi::Env, PackedMatrix* matrix) { delete matrix; });
}

Napi::Value matrix_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(matrix_at(info, 0).num_bytes()));
}

Napi::Value unpack_output(const Napi::CallbackInfo& info) {
  const PackedMatrix& matrix = matrix_at(info, 0);
  auto values = Napi::Float32Array::New(info.Env(), matrix.num_inputs());
  matrix.unpack_output(size_at(info, 1), values.Data());
  return values;
}

/** matmul(matrix, x, numRows, columnBegin, columnEnd, y, accumulate, bias?): writes into y [numRows, numOutputs]. */
Napi::Value matmul_js(const Napi::CallbackInfo& info) {
  const PackedMatrix& matrix = matrix_at(info, 0);
  const size_t num_rows = size_at(info, 2);
  const TestRows rows(matrix, floats_at(info, 1), num_rows);
  MatmulOutput output{floats_at(info, 5), matrix.num_outputs(), flag_at(info, 6), nullptr};
  if (info.Length() > 7 && !info[7].IsUndefined()) output.bias = floats_at(info, 7);
  matmul(matrix, rows.activations(), num_rows, output, size_at(info, 3), size_at(info, 4));
  return info.Env().Undefined();
}

/** treePlan(intermediateSize, unitSize, firstLeaf, endLeaf): {inputBegin, inputEnd, leafBegin, rootLeaf} */
Napi::Value tree_plan(const Napi::CallbackInfo& info) {
  size_t begin = 0, end = 0;
  const TreePlan plan = make_tree_plan(size_at(info, 0), size_at(info, 1), static_cast<int>(size_at(info, 2)), static_cast<int>(size_at(info, 3)), &begin, &end);
  Napi::Object result = Napi::Object::New(info.Env());
  auto leaf_begin = Napi::Array::New(info.Env()), root_leaf = Napi::Array::New(info.Env());
  for (int i = 0; i <= plan.num_leaves; i++) leaf_begin.Set(static_cast<uint32_t>(i), static_cast<double>(plan.leaf_begin[i]));
  for (int i = 0; i <= plan.num_roots; i++) root_leaf.Set(static_cast<uint32_t>(i), plan.root_leaf[i]);
  result.Set("inputBegin", static_cast<double>(begin));
  result.Set("inputEnd", static_cast<double>(end));
  result.Set("leafBegin", leaf_begin);
  result.Set("rootLeaf", root_leaf);
  return result;
}

/** The plan of arguments 3..6 (as treePlan takes them) and one output array per `num`. */
struct TreeCall {
  TreePlan plan;
  std::vector<float*> outputs;
  Napi::Array arrays;

  TreeCall(const Napi::CallbackInfo& info, const PackedMatrix& matrix, size_t num_rows, bool leaves) {
    size_t begin = 0, end = 0;
    plan = make_tree_plan(size_at(info, 3), size_at(info, 4), static_cast<int>(size_at(info, 5)), static_cast<int>(size_at(info, 6)), &begin, &end);
    arrays = Napi::Array::New(info.Env());
    const int count = leaves ? plan.num_leaves : plan.num_roots;
    for (int i = 0; i < count; i++) {
      auto values = Napi::Float32Array::New(info.Env(), num_rows * matrix.num_outputs());
      outputs.push_back(values.Data());
      arrays.Set(static_cast<uint32_t>(i), values);
    }
  }
};

/** matmulTree(matrix, x, numRows, intermediateSize, unitSize, firstLeaf, endLeaf): one array per root. */
Napi::Value matmul_tree_js(const Napi::CallbackInfo& info) {
  PackedMatrix& matrix = matrix_at(info, 0);
  if (!leaves_are_blocks(size_at(info, 3), size_at(info, 4))) matrix.keep_float_rows();
  const size_t num_rows = size_at(info, 2);
  const TestRows rows(matrix, floats_at(info, 1), num_rows);
  TreeCall call(info, matrix, num_rows, false);
  matmul_tree(matrix, call.plan, rows.activations(), num_rows, call.outputs.data(), matrix.num_outputs(), 0, matrix.num_outputs());
  return call.arrays;
}

/** matmulLeaves(..., firstLeaf, endLeaf, factor): one array per leaf. */
Napi::Value matmul_leaves_js(const Napi::CallbackInfo& info) {
  PackedMatrix& matrix = matrix_at(info, 0);
  if (!leaves_are_blocks(size_at(info, 3), size_at(info, 4))) matrix.keep_float_rows();
  const size_t num_rows = size_at(info, 2);
  const TestRows rows(matrix, floats_at(info, 1), num_rows);
  TreeCall call(info, matrix, num_rows, true);
  matmul_leaves(matrix, call.plan, rows.activations(), num_rows, nullptr, floats_at(info, 7), call.outputs.data(), matrix.num_outputs(), 0, matrix.num_outputs());
  return call.arrays;
}

/** addTree(leaves): the root. */
Napi::Value add_tree_js(const Napi::CallbackInfo& info) {
  const auto leaves = info[0].As<Napi::Array>();
  std::vector<const float*> values;
  size_t count = 0;
  for (uint32_t i = 0; i < leaves.Length(); i++) {
    const auto leaf = leaves.Get(i).As<Napi::Float32Array>();
    values.push_back(leaf.Data());
    count = leaf.ElementLength();
  }
  auto root = Napi::Float32Array::New(info.Env(), count);
  add_tree(values.data(), static_cast<int>(values.size()), root.Data(), count);
  return root;
}

/** matmulScatter(matrix, x, numRows, rowOf, factor, y): gathers rows rowOf of x, adds factor * product into the same rows of y. */
Napi::Value matmul_scatter_js(const Napi::CallbackInfo& info) {
  const PackedMatrix& matrix = matrix_at(info, 0);
  const size_t num_rows = size_at(info, 2), columns = matrix.num_inputs();
  const TestRows all(matrix, floats_at(info, 1), info[1].As<Napi::Float32Array>().ElementLength() / columns);
  std::vector<QuantBlock> blocks(num_rows * quant_blocks(columns));
  std::vector<float> values(num_rows * columns);
  const size_t ld = matrix.reads_blocks() ? quant_blocks(columns) : columns;
  gather_rows(all.activations(), ints_at(info, 3), num_rows, columns, blocks.data(), values.data(), ld);
  const Activations gathered = matrix.reads_blocks() ? Activations::of(blocks.data(), ld) : Activations::of(values.data(), ld);
  matmul_scatter(matrix, gathered, num_rows, ints_at(info, 3), floats_at(info, 4), floats_at(info, 5), matrix.num_outputs(), 0, matrix.num_outputs());
  return info.Env().Undefined();
}

}  // namespace

void register_products(Napi::Env, Napi::Object exports) {
  add(exports, "packMatrix", pack_matrix);
  add(exports, "matrixBytes", matrix_bytes);
  add(exports, "unpackOutput", unpack_output);
  add(exports, "matmul", matmul_js);
  add(exports, "treePlan", tree_plan);
  add(exports, "matmulTree", matmul_tree_js);
  add(exports, "matmulLeaves", matmul_leaves_js);
  add(exports, "addTree", add_tree_js);
  add(exports, "matmulScatter", matmul_scatter_js);
}

}  // namespace tandem
