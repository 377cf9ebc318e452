// Nonzeros as the inner loops want them: lists of addresses in blocks.

#ifndef TFPRUNE_KERNELS_PACKED_WEIGHTS_H_
#define TFPRUNE_KERNELS_PACKED_WEIGHTS_H_

#include <cstdint>
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
};

// The nonzeros by block of filters, then block of channels, then filter.
class PackedWeights {
 public:
  PackedWeights(const Csr& weights, const ConvShape& shape,
                const Tuning& tuning, const Addresses& addresses);

  // Sums up the products of a block of filters with a tile of so many vectors.
  void Multiply(const LaneKernels& kernels, int64_t vectors,
                int64_t filter_block, const float* x, float* sums) const;

 private:
  // Filters by channels, multiplied while the channels are in the cache.
  struct Block {
    int64_t row_begin, row_end, entry;
  };
  struct Filters {
    int64_t begin, end;
  };
  void PackFilters(const Csr& weights, Filters filters);
  // Calls function(bucket, offset, index) for the nonzeros of some filters; a
  // bucket is a filter in a block of channels.
  template <class Function>
  void ForEach(const Csr& weights, Filters filters, Function function) const;

  const ConvShape shape_;
  const int64_t channel_block_;
  const Addresses addresses_;
  std::vector<Entry> entries_;
  std::vector<Row> rows_;
  std::vector<std::vector<Block>> blocks_;  // by block of filters
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_PACKED_WEIGHTS_H_
