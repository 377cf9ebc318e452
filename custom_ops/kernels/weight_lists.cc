#include "weight_lists.h"

#include <algorithm>
#include <utility>

#include "rounding.h"

namespace tfprune {

struct WeightLists::Source {
  const Csr& weights;
  const ConvShape& shape;
  const Addresses& addresses;
  int64_t channel_block;

  // Calls function(bucket, offset, index); a bucket is a filter in a block of
  // channels.
  template <class Function>
  void ForEach(int64_t begin, int64_t end, Function function) const {
    ForEachNonzero(
        weights, shape, addresses, begin, end,
        [&](int64_t filter, int64_t channel, int64_t offset, int64_t index) {
          function(channel / channel_block * (end - begin) + filter - begin,
                   offset, index);
        });
  }
};

WeightLists::WeightLists(const Csr& weights, const ConvShape& shape,
                         const LaneKernels& kernels, const Tuning& tuning,
                         const Addresses& addresses)
    : multiply_(kernels.multiply[tuning.vectors]),
      multiply_add_(kernels.multiply_add[tuning.vectors]),
      entries_(weights.nonzeros) {
  const Source source = {weights, shape, addresses, tuning.channel_block};
  for (int64_t begin = 0; begin < shape.filters; begin += tuning.filter_block)
    PackFilters(source, begin,
                std::min(begin + tuning.filter_block, shape.filters));
}

// Counts the nonzeros of every bucket, and then puts them there.
void WeightLists::PackFilters(const Source& source, int64_t begin,
                              int64_t end) {
  const int64_t height = end - begin;
  const int64_t width = std::max<int64_t>(
      DivideUp(source.shape.channels, source.channel_block), 1);
  std::vector<int64_t> counts(height * width);
  source.ForEach(begin, end,
                 [&](int64_t bucket, int64_t, int64_t) { ++counts[bucket]; });
  std::vector<int64_t> next(counts.size());
  int64_t entry = source.weights.row_offsets[begin];
  std::vector<Block> blocks;
  for (int64_t column = 0; column < width; ++column) {
    Block block = {static_cast<int64_t>(rows_.size()), 0, entry};
    for (int64_t slot = 0; slot < height; ++slot) {
      const int64_t count = counts[column * height + slot];
      next[column * height + slot] = entry;
      entry += count;
      // All sums begin with the first block, be it with nothing.
      if (count || column == 0)
        rows_.push_back(
            {static_cast<int32_t>(slot), static_cast<int32_t>(count)});
    }
    block.row_end = rows_.size();
    if (block.row_end > block.row_begin) blocks.push_back(block);
  }
  blocks_.push_back(std::move(blocks));
  source.ForEach(begin, end, [&](int64_t bucket, int64_t offset, int64_t i) {
    entries_[next[bucket]++] = {static_cast<int32_t>(offset),
                                ValueAt(source.weights, i)};
  });
}

void WeightLists::Multiply(int64_t filter_block, const float* x,
                           float* sums) const {
  MultiplyFn multiply = multiply_;
  for (const Block& block : blocks_[filter_block]) {
    multiply(rows_.data() + block.row_begin, rows_.data() + block.row_end,
             entries_.data() + block.entry, x, sums);
    multiply = multiply_add_;
  }
}

}  // namespace tfprune
