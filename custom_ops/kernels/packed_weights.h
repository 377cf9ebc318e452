// Nonzeros as the inner loops want them, for one shape and one way to cut it.

#ifndef TFPRUNE_KERNELS_PACKED_WEIGHTS_H_
#define TFPRUNE_KERNELS_PACKED_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "conv_shape.h"
#include "csr.h"
#include "lane_kernels.h"
#include "tuning.h"

namespace tfprune {

// Where a packed piece of the input keeps things, in floats.
struct Addresses {
  std::vector<int64_t> taps;  // of the kernel, row by row
  int64_t plane;              // from one channel to the next
  // Behind the last channel there is another one, of zeros.
};

class PackedWeights {
 public:
  // Lists or code, as the kernels want them. Throws std::bad_alloc.
  static std::unique_ptr<const PackedWeights> Make(const Csr& weights,
                                                   const ConvShape& shape,
                                                   const LaneKernels& kernels,
                                                   const Tuning& tuning,
                                                   const Addresses& addresses);

  virtual ~PackedWeights() = default;

  // Sums up the products of a block of filters with a tile that begins at x:
  // sums[filter of the block][tuning.vectors][lanes].
  virtual void Multiply(int64_t filter_block, const float* x,
                        float* sums) const = 0;
};

// Calls function(filter, channel, offset of what it multiplies, index) for the
// nonzeros of filters from `begin` to `end`.
template <class Function>
void ForEachNonzero(const Csr& weights, const ConvShape& shape,
                    const Addresses& addresses, int64_t begin, int64_t end,
                    Function function) {
  const int64_t in = shape.channels / shape.groups;
  const int64_t out = shape.filters / shape.groups;
  for (int64_t filter = begin; filter < end; ++filter) {
    const int64_t first = filter / out * in;
    for (int64_t i = weights.row_offsets[filter];
         i < weights.row_offsets[filter + 1]; ++i) {
      const int64_t column = weights.column_indices[i];
      const int64_t channel = first + column % in;
      function(filter, channel,
               addresses.taps[column / in] + channel * addresses.plane, i);
    }
  }
}

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_PACKED_WEIGHTS_H_
