#include "packed_weights.h"

#include <algorithm>
#include <utility>

#include "rounding.h"

namespace tfprune {

PackedWeights::PackedWeights(const Csr& weights, const ConvShape& shape,
                             const Tuning& tuning, const Addresses& addresses)
    : shape_(shape),
      channel_block_(tuning.channel_block),
      addresses_(addresses),
      entries_(weights.nonzeros) {
  for (int64_t begin = 0; begin < shape.filters; begin += tuning.filter_block) {
    const int64_t end = std::min(begin + tuning.filter_block, shape.filters);
    PackFilters(weights, {begin, end});
  }
}

template <class Function>
void PackedWeights::ForEach(const Csr& weights, Filters filters,
                            Function function) const {
  const int64_t height = filters.end - filters.begin;
  const int64_t in = shape_.channels / shape_.groups;
  const int64_t out = shape_.filters / shape_.groups;
  for (int64_t filter = filters.begin; filter < filters.end; ++filter) {
    const int64_t first = filter / out * in;
    for (int64_t i = weights.row_offsets[filter];
         i < weights.row_offsets[filter + 1]; ++i) {
      const int64_t column = weights.column_indices[i];
      const int64_t channel = first + column % in;
      const int64_t bucket =
          channel / channel_block_ * height + filter - filters.begin;
      function(bucket,
               addresses_.taps[column / in] + channel * addresses_.plane, i);
    }
  }
}

// Counts the nonzeros of every bucket, and then puts them there.
void PackedWeights::PackFilters(const Csr& weights, Filters filters) {
  const int64_t height = filters.end - filters.begin;
  const int64_t width =
      std::max<int64_t>(DivideUp(shape_.channels, channel_block_), 1);
  std::vector<int64_t> counts(height * width);
  ForEach(weights, filters,
          [&](int64_t bucket, int64_t, int64_t) { ++counts[bucket]; });
  std::vector<int64_t> next(counts.size());
  int64_t entry = weights.row_offsets[filters.begin];
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
  ForEach(weights, filters, [&](int64_t bucket, int64_t offset, int64_t i) {
    entries_[next[bucket]++] = {static_cast<int32_t>(offset),
                                ValueAt(weights, i)};
  });
}

void PackedWeights::Multiply(const LaneKernels& kernels, int64_t vectors,
                             int64_t filter_block, const float* x,
                             float* sums) const {
  MultiplyFn multiply = kernels.multiply[vectors];
  for (const Block& block : blocks_[filter_block]) {
    multiply(rows_.data() + block.row_begin, rows_.data() + block.row_end,
             entries_.data() + block.entry, x, sums);
    multiply = kernels.multiply_add[vectors];
  }
}

}  // namespace tfprune
