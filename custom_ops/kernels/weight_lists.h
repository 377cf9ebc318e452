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
  struct Entry {
    int32_t offset;  // in units of kOffsetUnit
    float value;
  };
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
  void Push(const Entry& entry);

  const int rows_at_once_;
  const Entry nothing_;  // has the greatest offset
  const bool is_near_;
  const MultiplyFn begin_, go_on_;
  std::vector<float> values_;
  std::vector<uint16_t> near_;  // offsets of the values, or these are in far_
  std::vector<int32_t> far_;
  std::vector<Row> rows_;
  std::vector<std::vector<Block>> blocks_;  // by block of filters
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_WEIGHT_LISTS_H_
