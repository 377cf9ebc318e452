// Transforms of Winograd convolutions, written once; lane_kernels_impl.h
// includes this for each instruction set. What is known of a matrix is known to
// the compiler: zeros cost nothing.

#include <cstdint>

#include "winograd_matrices.h"

namespace tfprune {
namespace {

// to[c] = sum of matrix[r][c] * from[r]
template <class Isa, class Matrix>
inline void Combine(const typename Isa::Vector* from,
                    typename Isa::Vector* to) {
  TFPRUNE_UNROLL
  for (int c = 0; c < Matrix::kColumns; ++c) {
    to[c] = Isa::Broadcast(0);
    TFPRUNE_UNROLL
    for (int r = 0; r < Matrix::kRows; ++r)
      if (Matrix::kMatrix[r][c] != 0)
        to[c] = Isa::MultiplyAdd(Isa::Broadcast(Matrix::kMatrix[r][c]), from[r],
                                 to[c]);
  }
}

template <class Isa, class Matrix>
void Transform(float* data, int64_t step, int64_t count, int64_t pitch) {
  constexpr int kRows = Matrix::kRows, kColumns = Matrix::kColumns;
  using Vector = typename Isa::Vector;
  for (; count > 0; --count, data += pitch) {
    Vector half[kColumns][kRows];
    for (int x = 0; x < kRows; ++x) {
      Vector from[kRows], to[kColumns];
      TFPRUNE_UNROLL
      for (int y = 0; y < kRows; ++y)
        from[y] = Isa::Load(data + (y * kRows + x) * step);
      Combine<Isa, Matrix>(from, to);
      TFPRUNE_UNROLL
      for (int y = 0; y < kColumns; ++y) half[y][x] = to[y];
    }
    for (int y = 0; y < kColumns; ++y) {
      Vector to[kColumns];
      Combine<Isa, Matrix>(half[y], to);
      TFPRUNE_UNROLL
      for (int x = 0; x < kColumns; ++x)
        Isa::Store(data + (y * kColumns + x) * step, to[x]);
    }
  }
}

template <class Isa, int kKernel>
constexpr WinogradTransforms Transforms() {
  return {&Transform<Isa, WinogradInputs<kKernel>>,
          &Transform<Isa, WinogradOutputs<kKernel>>};
}

}  // namespace
}  // namespace tfprune
