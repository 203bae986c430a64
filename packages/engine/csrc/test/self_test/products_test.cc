// Products of every dtype at sizes that reach every tail, split over threads.
#include <algorithm>
#include <cstring>

#include "kernels/matmul.h"
#include "kernels/packed_layout.h"
#include "test/self_test/self_test.h"
#include "threads/thread_pool.h"

namespace tandem::self_test {
namespace {

/** A matrix of plausible bytes, exactly as long as its shape says. */
struct Stored {
  std::vector<uint8_t> data;
  std::vector<float> scales;
  StoredMatrix matrix;

  Stored(TensorDtype dtype, size_t num_rows, size_t num_columns, Random& random) {
    data.resize(num_rows * num_columns / block_elements(dtype) * block_bytes(dtype));
    // Every two or four bytes below 0x3f.. are an ordinary number in every format.
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random.below(0x3f));
    matrix.dtype = dtype;
    matrix.num_rows = num_rows;
    matrix.num_columns = num_columns;
    matrix.data = data.data();
    matrix.num_bytes = data.size();
    if (dtype != TensorDtype::f8_e4m3) return;
    matrix.block_rows = 8;
    matrix.block_columns = 24;
    scales = random.floats((num_rows + 7) / 8 * ((num_columns + 23) / 24));
    matrix.block_scale = scales.data();
  }
};

struct Rows {
  std::vector<float> values;
  std::vector<QuantBlock> blocks;
  size_t columns;
  Rows(size_t num_rows, size_t num_columns, Random& random) : values(random.floats(num_rows * num_columns)), columns(num_columns) {
    quantize();
  }
  void quantize() {
    const size_t num_rows = values.size() / columns, per_row = quant_blocks(columns);
    blocks.resize(num_rows * per_row);
    quantize_rows(values.data(), columns, num_rows, columns, blocks.data(), per_row);
  }
  Activations of(const PackedMatrix& matrix) const {
    return matrix.reads_blocks() ? Activations::of(blocks.data(), quant_blocks(columns)) : Activations::of(values.data(), columns);
  }
};

void check_products(TensorDtype dtype, size_t num_rows, size_t num_outputs, size_t num_inputs, ThreadPool& pool, Random& random, Results& results) {
  const Stored stored(dtype, num_outputs, num_inputs, random);
  const PackedMatrix matrix = PackedMatrix::pack(stored.matrix);
  const Rows x(num_rows, num_inputs, random);
  std::vector<float> whole(num_rows * num_outputs), split(whole.size());
  matmul(matrix, x.of(matrix), num_rows, {whole.data(), num_outputs, false, nullptr}, 0, num_outputs);
  pool.parallel_for(num_outputs, kPanel, [&](size_t begin, size_t end, int) {
    matmul(matrix, x.of(matrix), num_rows, {split.data(), num_outputs, false, nullptr}, begin, end);
  });
  CHECK(std::memcmp(whole.data(), split.data(), whole.size() * sizeof(float)) == 0);
  results.add(whole);

  std::vector<int32_t> row_of(num_rows);
  for (size_t r = 0; r < num_rows; r++) row_of[r] = static_cast<int32_t>(num_rows - 1 - r);
  std::vector<float> factor(num_rows, 0.5f), scattered(whole.size());
  std::vector<QuantBlock> gathered_blocks(x.blocks.size());
  std::vector<float> gathered_values(x.values.size());
  const size_t ld = matrix.reads_blocks() ? quant_blocks(num_inputs) : num_inputs;
  gather_rows(x.of(matrix), row_of.data(), num_rows, num_inputs, gathered_blocks.data(), gathered_values.data(), ld);
  const Activations gathered = matrix.reads_blocks() ? Activations::of(gathered_blocks.data(), ld) : Activations::of(gathered_values.data(), ld);
  matmul_scatter(matrix, gathered, num_rows, row_of.data(), factor.data(), scattered.data(), num_outputs, 0, num_outputs);
  for (size_t i = 0; i < whole.size(); i++) CHECK(scattered[i] == whole[i] * 0.5f);

  std::vector<float> values(num_inputs);
  matrix.unpack_output(num_outputs - 1, values.data());
}

/** Where half-precision numbers lie in a stored block. */
std::vector<size_t> halves(TensorDtype dtype) {
  if (dtype == TensorDtype::q6_k) return {208};
  if (has_minimum(dtype)) return {0, 2};
  return {0};
}

/** Codes of every value, or of one at an end of its range, times activations that reach both ends of theirs: nothing may overflow. */
void check_extremes(TensorDtype dtype, Random& random, Results& results) {
  const size_t num_rows = 5, num_outputs = 32, num_inputs = 1280, block = block_bytes(dtype);
  for (const int fill : {-1, 0x00, 0x7f, 0x80, 0xff}) {
    Stored stored(dtype, num_outputs, num_inputs, random);
    for (uint8_t& byte : stored.data) byte = static_cast<uint8_t>(fill < 0 ? random.below(256) : fill);
    for (size_t at = 0; at < stored.data.size(); at += block) {
      for (const size_t half : halves(dtype)) stored.data[at + half + 1] = static_cast<uint8_t>(0x20 + random.below(4));
    }
    const PackedMatrix matrix = PackedMatrix::pack(stored.matrix);
    Rows x(num_rows, num_inputs, random);
    for (size_t c = 0; c < num_inputs; c++) {
      x.values[c] = 1;
      x.values[num_inputs + c] = -1;
    }
    x.quantize();
    std::vector<float> y(num_rows * num_outputs);
    matmul(matrix, x.of(matrix), num_rows, {y.data(), num_outputs, false, nullptr}, 0, num_outputs);
    results.add(y);
    // Alone, a row may take another way.
    for (size_t r = 0; r < num_rows; r++) {
      std::vector<float> alone(num_outputs);
      matmul(matrix, x.of(matrix).from_row(r), 1, {alone.data(), num_outputs, false, nullptr}, 0, num_outputs);
      CHECK(std::memcmp(alone.data(), y.data() + r * num_outputs, num_outputs * sizeof(float)) == 0);
    }
  }
}

/** q, k and v side by side give the bits of each alone. */
void check_concat(TensorDtype dtype, size_t num_inputs, Random& random) {
  const Stored first(dtype, 32, num_inputs, random), second(dtype, 21, num_inputs, random);
  const StoredMatrix parts[2] = {first.matrix, second.matrix};
  const MatrixRange ranges[2] = {{0, 32, 0, num_inputs}, {4, 21, 0, num_inputs}};
  const PackedMatrix joined = PackedMatrix::pack_concat(parts, ranges, 2);
  CHECK(joined.num_outputs() == 49);
  const Rows x(5, num_inputs, random);
  std::vector<float> whole(5 * 49), part(5 * 32);
  matmul(joined, x.of(joined), 5, {whole.data(), 49, false, nullptr}, 0, 49);
  for (size_t i = 0, offset = 0; i < 2; offset += 32, i++) {
    const PackedMatrix alone = PackedMatrix::pack(parts[i], ranges[i]);
    const size_t n = alone.num_outputs();
    matmul(alone, x.of(alone), 5, {part.data(), n, false, nullptr}, 0, n);
    for (size_t r = 0; r < 5; r++) CHECK(std::memcmp(part.data() + r * n, whole.data() + r * 49 + offset, n * sizeof(float)) == 0);
  }
}

void check_tree(TensorDtype dtype, size_t intermediate, size_t unit, Random& random) {
  const size_t num_rows = 3, num_outputs = 20;
  const Stored stored(dtype, num_outputs, intermediate, random);
  const Rows x(num_rows, intermediate, random);
  for (int first = 0; first < 8; first += 3) {
    for (int end = first + 1; end <= 8; end++) {
      size_t begin = 0, stop = 0;
      const TreePlan plan = make_tree_plan(intermediate, unit, first, end, &begin, &stop);
      if (begin == stop) continue;
      PackedMatrix matrix = PackedMatrix::pack(stored.matrix, {0, num_outputs, begin, stop});
      if (!leaves_are_blocks(intermediate, unit)) matrix.keep_float_rows();
      const Rows own(num_rows, stop - begin, random);
      std::vector<std::vector<float>> roots(static_cast<size_t>(plan.num_roots), std::vector<float>(num_rows * num_outputs));
      std::vector<float*> pointers;
      for (auto& root : roots) pointers.push_back(root.data());
      matmul_tree(matrix, plan, own.of(matrix), num_rows, pointers.data(), num_outputs, 0, num_outputs);
      std::vector<std::vector<float>> leaves(static_cast<size_t>(plan.num_leaves), std::vector<float>(num_rows * num_outputs));
      std::vector<float*> leaf_pointers;
      for (auto& leaf : leaves) leaf_pointers.push_back(leaf.data());
      matmul_leaves(matrix, plan, own.of(matrix), num_rows, nullptr, nullptr, leaf_pointers.data(), num_outputs, 0, num_outputs);
      for (int root = 0; root < plan.num_roots; root++) {
        const int from = plan.root_leaf[root];
        std::vector<float> sum(num_rows * num_outputs);
        add_tree(leaf_pointers.data() + from, plan.root_leaf[root + 1] - from, sum.data(), sum.size());
        CHECK(std::memcmp(sum.data(), roots[static_cast<size_t>(root)].data(), sum.size() * sizeof(float)) == 0);
      }
    }
  }
}

}  // namespace

void test_products(Results& results) {
  Random random(1);
  ThreadPool pool({3, Pinning::never, 0});
  for (int dtype = 0; dtype < kNumTensorDtypes; dtype++) {
    const auto type = static_cast<TensorDtype>(dtype);
    const size_t unit = block_elements(type) > 1 ? block_elements(type) : 1;
    for (const size_t num_rows : {1, 2, 3, 5, 43, 67}) {
      for (const size_t num_outputs : {1, 16, 35}) check_products(type, num_rows, num_outputs, unit == 1 ? 77 : unit * 3, pool, random, results);
      if (unit == 1) check_products(type, num_rows, 35, 96, pool, random, results);
    }
    if (is_quantized(type)) check_extremes(type, random, results);
    check_concat(type, unit == 1 ? 77 : unit * 3, random);
    check_tree(type, unit == 1 ? 84 : unit * 11, unit == 1 ? 4 : unit, random);
    if (unit == 1) check_tree(type, 256, 4, random);
  }
}

}  // namespace tandem::self_test
