// Whole numbers of blocks.

#ifndef TFPRUNE_KERNELS_ROUNDING_H_
#define TFPRUNE_KERNELS_ROUNDING_H_

#include <cstdint>

namespace tfprune {

inline int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t RoundUp(int64_t a, int64_t b) { return DivideUp(a, b) * b; }

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_ROUNDING_H_
