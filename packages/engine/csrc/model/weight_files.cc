#include "model/weight_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "kernels/activations.h"
#include "kernels/matmul.h"
#include "model/engine_error.h"

namespace tandem {

namespace {

constexpr size_t kPageBytes = 4096;

[[noreturn]] void unsupported(const TensorRef& ref, const std::string& reason) {
  throw EngineError("tensor_unsupported", {{"tensor", ref.name}, {"reason", reason}});
}

size_t num_elements(const TensorRef& ref) {
  size_t count = 1;
  for (size_t extent : ref.shape) count *= extent;
  return count;
}

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const int exponent = (half >> 10) & 31;
  const uint32_t mantissa = half & 1023;
  float value;
  if (exponent == 0) {
    value = static_cast<float>(mantissa) * 0x1p-24f;
  } else {
    const uint32_t bits = exponent == 31 ? 0x7F800000u | mantissa << 13
                                         : static_cast<uint32_t>(exponent + 112) << 23 | mantissa << 13;
    std::memcpy(&value, &bits, sizeof value);
  }
  return sign != 0 ? -value : value;
}

}  // namespace

void FusedMatrix::add(PackedMatrix matrix) {
  const size_t offset = num_outputs_;
  num_outputs_ += matrix.num_outputs();
  parts_.push_back({std::move(matrix), offset});
}

bool FusedMatrix::any_reads_blocks() const {
  for (const Part& part : parts_) {
    if (part.matrix.reads_blocks()) return true;
  }
  return false;
}

bool FusedMatrix::any_reads_floats() const {
  for (const Part& part : parts_) {
    if (!part.matrix.reads_blocks()) return true;
  }
  return false;
}

WeightFiles::~WeightFiles() {
  for (auto& [path, file] : files_) ::munmap(const_cast<uint8_t*>(file.data), file.bytes);
}

const uint8_t* WeightFiles::bytes_of(const TensorRef& ref) {
  Mapped& file = files_[ref.path];
  if (file.data == nullptr) {
    const int fd = ::open(ref.path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || ::fstat(fd, &status) != 0) {
      if (fd >= 0) ::close(fd);
      throw EngineError("weights_unreadable", {{"tensor", ref.name}, {"reason", std::string(std::strerror(errno))}});
    }
    file.bytes = static_cast<size_t>(status.st_size);
    void* mapped = ::mmap(nullptr, file.bytes, PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    if (mapped == MAP_FAILED) throw EngineError("weights_unreadable", {{"tensor", ref.name}, {"reason", "the file cannot be mapped"}});
    file.data = static_cast<const uint8_t*>(mapped);
  }
  if (ref.offset > file.bytes || ref.num_bytes > file.bytes - ref.offset) {
    throw EngineError("weights_unreadable", {{"tensor", ref.name}, {"reason", "it ends behind the end of the file"}});
  }
  return file.data + ref.offset;
}

StoredMatrix WeightFiles::stored(const TensorRef& ref, std::vector<float>* scale) {
  if (ref.shape.size() != 2) unsupported(ref, "a matrix was expected");
  StoredMatrix matrix;
  matrix.dtype = ref.dtype;
  matrix.num_rows = ref.shape[0];
  matrix.num_columns = ref.shape[1];
  matrix.data = bytes_of(ref);
  matrix.num_bytes = ref.num_bytes;
  if (ref.block_scale != nullptr) {
    *scale = vector(*ref.block_scale, num_elements(*ref.block_scale));
    matrix.block_scale = scale->data();
    matrix.block_rows = ref.block_rows;
    matrix.block_columns = ref.block_columns;
  }
  return matrix;
}

void WeightFiles::release(const TensorRef& ref) {
  const uint8_t* data = bytes_of(ref);
  const auto begin = reinterpret_cast<uintptr_t>(data) / kPageBytes * kPageBytes;
  const auto end = reinterpret_cast<uintptr_t>(data) + ref.num_bytes;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

PackedMatrix WeightFiles::count(PackedMatrix matrix, const TensorRef& ref, uint64_t read_bytes) {
  release(ref);
  const float limit = weight_limit();
  if (matrix.quantized() && std::isfinite(limit) && !(matrix.weight_bound() <= limit)) {
    unsupported(ref, "weights may be as large as " + std::to_string(matrix.weight_bound()) + ", and bf16 products take none above " +
                         std::to_string(static_cast<int>(limit)) + "; compute in int8");
  }
  packed_bytes_ += matrix.num_bytes();
  read_bytes_ += read_bytes;
  if (progress_) progress_(read_bytes_);
  return matrix;
}

PackedMatrix WeightFiles::matrix(const TensorRef& ref) {
  if (ref.shape.size() != 2) unsupported(ref, "a matrix was expected");
  return matrix(ref, {0, ref.shape[0], 0, ref.shape[1]});
}

PackedMatrix WeightFiles::matrix(const TensorRef& ref, const MatrixRange& range) {
  std::vector<float> scale;
  const StoredMatrix whole = stored(ref, &scale);
  const std::string reason = PackedMatrix::check(whole, range);
  if (!reason.empty()) unsupported(ref, reason);
  const double share = static_cast<double>(range.row_end - range.row_begin) / whole.num_rows *
                       (range.column_end - range.column_begin) / whole.num_columns;
  return count(PackedMatrix::pack(whole, range), ref, static_cast<uint64_t>(share * ref.num_bytes));
}

PackedMatrix WeightFiles::stacked_matrix(const TensorRef& ref, size_t index) {
  if (ref.shape.size() != 3 || index >= ref.shape[0]) unsupported(ref, "a stack of matrices was expected");
  TensorRef slice = ref;
  slice.shape = {ref.shape[1], ref.shape[2]};
  slice.num_bytes = ref.num_bytes / ref.shape[0];
  slice.offset = ref.offset + index * slice.num_bytes;
  return matrix(slice);
}

FusedMatrix WeightFiles::fused(const std::vector<const TensorRef*>& refs) {
  FusedMatrix result;
  for (size_t first = 0; first < refs.size();) {
    size_t end = first + 1;
    // Every part but the last of a concatenation must fill its panels.
    while (end < refs.size() && refs[end]->dtype == refs[first]->dtype && refs[end - 1]->shape[0] % kPanel == 0) end++;
    std::vector<std::vector<float>> scales(end - first);
    std::vector<StoredMatrix> parts;
    std::vector<MatrixRange> ranges;
    for (size_t i = first; i < end; i++) {
      parts.push_back(stored(*refs[i], &scales[i - first]));
      ranges.push_back({0, parts.back().num_rows, 0, parts.back().num_columns});
      const std::string reason = PackedMatrix::check(parts.back(), ranges.back());
      if (!reason.empty()) unsupported(*refs[i], reason);
    }
    PackedMatrix matrix = PackedMatrix::pack_concat(parts.data(), ranges.data(), parts.size());
    uint64_t read = 0;
    for (size_t i = first; i < end; i++) {
      read += refs[i]->num_bytes;
      release(*refs[i]);
    }
    result.add(count(std::move(matrix), *refs[first], read));
    first = end;
  }
  return result;
}

std::vector<float> WeightFiles::vector(const TensorRef& ref, size_t expected_size) {
  if (num_elements(ref) != expected_size) {
    unsupported(ref, "has " + std::to_string(num_elements(ref)) + " elements, " + std::to_string(expected_size) +
                         " were expected");
  }
  std::vector<float> values(expected_size);
  const uint8_t* data = bytes_of(ref);
  if (is_quantized(ref.dtype) || ref.num_bytes < expected_size * block_bytes(ref.dtype)) {
    unsupported(ref, "a float vector was expected");
  }
  if (ref.dtype == TensorDtype::f32) {
    std::memcpy(values.data(), data, expected_size * sizeof(float));
  } else if (ref.dtype == TensorDtype::f16 || ref.dtype == TensorDtype::bf16) {
    for (size_t i = 0; i < expected_size; i++) {
      uint16_t bits;
      std::memcpy(&bits, data + 2 * i, sizeof bits);
      if (ref.dtype == TensorDtype::f16) values[i] = half_to_float(bits);
      else from_bf16(&bits, &values[i], 1);
    }
  } else {
    unsupported(ref, "a float vector was expected");
  }
  return values;
}

std::vector<float> WeightFiles::dequantized(const TensorRef& ref) {
  TensorRef flat = ref;
  flat.shape = {num_elements(ref) / ref.shape.back(), ref.shape.back()};
  std::vector<float> scale;
  const StoredMatrix whole = stored(flat, &scale);
  const MatrixRange range{0, whole.num_rows, 0, whole.num_columns};
  const std::string reason = PackedMatrix::check(whole, range);
  if (!reason.empty()) unsupported(ref, reason);
  const PackedMatrix packed = PackedMatrix::pack(whole, range);
  std::vector<float> values(whole.num_rows * whole.num_columns);
  for (size_t row = 0; row < whole.num_rows; row++) packed.unpack_output(row, &values[row * whole.num_columns]);
  release(ref);
  return values;
}

}  // namespace tandem
