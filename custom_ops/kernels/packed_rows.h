// Rows of a sparse matrix as products with one vector want them.

#ifndef TFPRUNE_KERNELS_PACKED_ROWS_H_
#define TFPRUNE_KERNELS_PACKED_ROWS_H_

#include <cstdint>
#include <vector>

#include "csr.h"
#include "lane_kernels.h"

namespace tfprune {

// Slices of kSliceRows rows of about equal length, their n-th nonzeros side by
// side: what a vector multiplies belongs to as many rows, so that nothing is
// left to be summed up at their ends.
//
// Reference: Kreutzer et al. A Unified Sparse Matrix Data Format for Efficient
// General Sparse Matrix-Vector Multiplication on Modern Processors with Wide
// SIMD Units. SIAM J. Sci. Comput. 36(5), 2014.
class PackedRows {
 public:
  explicit PackedRows(const Csr& weights);

  SlicedRows View() const;
  // The slices at which so many parts of about equal work begin, and the end.
  std::vector<int64_t> Shares(int parts) const;

 private:
  template <class Column>
  void PackColumns(const Csr& weights);
  template <class Value>
  void PackValues(const Csr& weights);
  // Calls function(to, from) for each nonzero, and function(to, -1) for each
  // place behind the end of a row.
  template <class Function>
  void ForEach(const Csr& weights, Function function) const;

  bool short_columns_;
  Dtype dtype_;
  std::vector<int32_t> rows_;     // by length, the last slice filled up with -1
  std::vector<int64_t> offsets_;  // slices + 1
  std::vector<char> columns_, values_;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_PACKED_ROWS_H_
