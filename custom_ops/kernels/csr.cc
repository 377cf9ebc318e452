#include "csr.h"

#include <limits>

#include "number_formats.h"

namespace tfprune {
namespace {

std::string CheckOffsets(const Csr& csr) {
  const int32_t* offsets = csr.row_offsets;
  if (offsets[0] != 0) {
    return "row_offsets must begin with 0. Received: " +
           std::to_string(offsets[0]);
  }
  for (int64_t row = 0; row < csr.rows; ++row) {
    if (offsets[row + 1] < offsets[row]) {
      return "row_offsets must not decrease. Received: " +
             std::to_string(offsets[row]) + ", " +
             std::to_string(offsets[row + 1]) + " at row " +
             std::to_string(row);
    }
  }
  if (offsets[csr.rows] != csr.nonzeros) {
    return "row_offsets must end with the number of values, " +
           std::to_string(csr.nonzeros) +
           ". Received: " + std::to_string(offsets[csr.rows]);
  }
  return "";
}

std::string CheckColumns(const Csr& csr) {
  for (int64_t i = 0; i < csr.nonzeros; ++i) {
    const int32_t column = csr.column_indices[i];
    if (column < 0 || column >= csr.columns) {
      return "column_indices must be in [0, " + std::to_string(csr.columns) +
             "). Received: " + std::to_string(column) + " at index " +
             std::to_string(i);
    }
  }
  return "";
}

}  // namespace

std::string Check(const Csr& csr) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  for (int64_t size : {csr.rows, csr.columns, csr.nonzeros}) {
    if (size < 0 || size > kMost) {
      return "a matrix must have from 0 to 2^31 - 1 rows, columns and values. "
             "Received: " +
             std::to_string(size);
    }
  }
  std::string problem = CheckOffsets(csr);
  return problem.empty() ? CheckColumns(csr) : problem;
}

float ValueAt(const Csr& csr, int64_t index) {
  if (csr.dtype == Dtype::kFloat) {
    return static_cast<const float*>(csr.values)[index];
  }
  const uint16_t bits = static_cast<const uint16_t*>(csr.values)[index];
  return csr.dtype == Dtype::kHalf ? FromHalf(bits) : FromBfloat16(bits);
}

}  // namespace tfprune
