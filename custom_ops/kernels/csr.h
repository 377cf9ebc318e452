// A sparse matrix in compressed rows, one row for each output.

#ifndef TFPRUNE_KERNELS_CSR_H_
#define TFPRUNE_KERNELS_CSR_H_

#include <cstdint>
#include <string>

namespace tfprune {

// How values are stored; arithmetic is in float always.
enum class Dtype { kFloat, kBfloat16, kHalf };

// Weights of a layer as its user gives them; nothing is owned.
struct Csr {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t nonzeros = 0;
  Dtype dtype = Dtype::kFloat;
  const void* values = nullptr;             // nonzeros
  const int32_t* column_indices = nullptr;  // nonzeros
  const int32_t* row_offsets = nullptr;     // rows + 1
};

// Returns what is wrong with the matrix, or "". No kernel may see one that has
// not passed: they trust every index.
std::string Check(const Csr& csr);

// Returns a value as a float.
float ValueAt(const Csr& csr, int64_t index);

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_CSR_H_
