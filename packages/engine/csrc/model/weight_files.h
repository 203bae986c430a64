// Owns reading of weights: maps checkpoint files, packs matrices out of the mapping and gives the file's pages
// back at once, so that a checkpoint never stands in memory twice.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kernels/packed_matrix.h"
#include "model/model_config.h"

namespace tandem {

// Told with bytes read so far.
using LoadProgress = std::function<void(uint64_t done_bytes)>;

// Columns of packed matrices that share their input, e.g. q, k and v. Tensors of equal dtype are one matrix.
class FusedMatrix {
 public:
  struct Part {
    PackedMatrix matrix;
    size_t column_offset = 0;
  };
  void add(PackedMatrix matrix);
  const std::vector<Part>& parts() const { return parts_; }
  size_t num_outputs() const { return num_outputs_; }
  bool any_reads_blocks() const;
  bool any_reads_floats() const;

 private:
  std::vector<Part> parts_;
  size_t num_outputs_ = 0;
};

class WeightFiles {
 public:
  explicit WeightFiles(LoadProgress progress) : progress_(std::move(progress)) {}
  ~WeightFiles();
  WeightFiles(const WeightFiles&) = delete;
  WeightFiles& operator=(const WeightFiles&) = delete;

  // A whole [out, in] matrix; `range` keeps part of it. Throws EngineError naming the tensor.
  PackedMatrix matrix(const TensorRef& ref);
  PackedMatrix matrix(const TensorRef& ref, const MatrixRange& range);
  // Matrix `index` of a stack [count, out, in].
  PackedMatrix stacked_matrix(const TensorRef& ref, size_t index);
  FusedMatrix fused(const std::vector<const TensorRef*>& refs);
  // Any F32, F16 or BF16 tensor as float32; norms and biases.
  std::vector<float> vector(const TensorRef& ref, size_t expected_size);
  // A whole matrix as float32 rows: for load-time rearrangement of small tensors.
  std::vector<float> dequantized(const TensorRef& ref);

  uint64_t packed_bytes() const { return packed_bytes_; }

 private:
  struct Mapped {
    const uint8_t* data = nullptr;
    size_t bytes = 0;
  };
  const uint8_t* bytes_of(const TensorRef& ref);
  StoredMatrix stored(const TensorRef& ref, std::vector<float>* scale);
  void release(const TensorRef& ref);
  PackedMatrix count(PackedMatrix matrix, const TensorRef& ref, uint64_t read_bytes);

  LoadProgress progress_;
  std::map<std::string, Mapped> files_;
  uint64_t packed_bytes_ = 0;
  uint64_t read_bytes_ = 0;
};

}  // namespace tandem
