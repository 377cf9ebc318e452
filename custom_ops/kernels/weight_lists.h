// Weights as lists of addresses, which loops of the instruction set's file
// follow: a broadcast, and a multiplication for each vector of a tile.

#ifndef TFPRUNE_KERNELS_WEIGHT_LISTS_H_
#define TFPRUNE_KERNELS_WEIGHT_LISTS_H_

#include <cstdint>
#include <vector>

#include "packed_weights.h"

namespace tfprune {

// The nonzeros by block of filters, then block of channels, then whether sums
// begin there, then groups of filters with about as many.
class WeightLists : public PackedWeights {
 public:
  WeightLists(const Csr& weights, const ConvShape& shape,
              const LaneKernels& kernels, const Tuning& tuning,
              const Addresses& addresses);

  void Multiply(int64_t filter_block, const float* x,
                float* sums) const override;

 private:
  // Filters by channels, multiplied while the channels are in the cache.
  struct Block {
    MultiplyFn multiply;
    int64_t row_begin, row_end, entry;
  };
  using Filters = std::vector<std::vector<Entry>>;
  using Slots = std::vector<int32_t>;
  void PackFilters(const std::vector<Filters>& blocks, int64_t height);
  void PackBlock(const Filters& filters, Slots slots, MultiplyFn multiply);
  void PackRows(const Filters& filters, const int32_t* slots);

  const MultiplyFn multiply_, multiply_add_;
  const int rows_at_once_;
  const Entry nothing_;
  std::vector<Entry> entries_;
  std::vector<Row> rows_;
  std::vector<std::vector<Block>> blocks_;  // by block of filters
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_WEIGHT_LISTS_H_
