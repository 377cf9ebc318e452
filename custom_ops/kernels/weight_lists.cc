#include "weight_lists.h"

#include <algorithm>

#include "rounding.h"

namespace tfprune {

WeightLists::WeightLists(const Csr& weights, const ConvShape& shape,
                         const LaneKernels& kernels, const Tuning& tuning,
                         const Addresses& addresses)
    : multiply_(kernels.multiply[tuning.vectors]),
      multiply_add_(kernels.multiply_add[tuning.vectors]),
      rows_at_once_(RowsAtOnce(static_cast<int>(tuning.vectors))),
      nothing_({static_cast<int32_t>(shape.channels * addresses.plane), 0}) {
  const int64_t width =
      std::max<int64_t>(DivideUp(shape.channels, tuning.channel_block), 1);
  for (int64_t begin = 0; begin < shape.filters; begin += tuning.filter_block) {
    const int64_t end = std::min(begin + tuning.filter_block, shape.filters);
    std::vector<Filters> filters(width, Filters(end - begin));
    ForEachNonzero(
        weights, shape, addresses, begin, end,
        [&](int64_t filter, int64_t channel, int64_t offset, int64_t index) {
          filters[channel / tuning.channel_block][filter - begin].push_back(
              {static_cast<int32_t>(offset), ValueAt(weights, index)});
        });
    blocks_.emplace_back();
    for (int64_t i = 0; i < width; ++i) PackBlock(filters[i], i > 0);
  }
}

// Filters in the order of their counts, so that those that take turns differ
// little. All sums begin with the first block, be it with nothing.
void WeightLists::PackBlock(const Filters& filters, bool goes_on) {
  std::vector<int32_t> slots;
  for (size_t slot = 0; slot < filters.size(); ++slot)
    if (!goes_on || !filters[slot].empty())
      slots.push_back(static_cast<int32_t>(slot));
  if (slots.empty()) return;
  std::stable_sort(slots.begin(), slots.end(), [&](int32_t a, int32_t b) {
    return filters[a].size() < filters[b].size();
  });
  // Who comes several times at once has the same sum each time.
  const int64_t rows = slots.size();
  slots.insert(slots.begin(), RoundUp(rows, rows_at_once_) - rows, slots[0]);
  Block block = {static_cast<int64_t>(rows_.size()), 0,
                 static_cast<int64_t>(entries_.size())};
  for (size_t i = 0; i < slots.size(); i += rows_at_once_)
    PackRows(filters, &slots[i]);
  block.row_end = rows_.size();
  blocks_.back().push_back(block);
}

// The last of the filters has the most entries, others as many by nothing.
void WeightLists::PackRows(const Filters& filters, const int32_t* slots) {
  const size_t count = filters[slots[rows_at_once_ - 1]].size();
  for (int r = 0; r < rows_at_once_; ++r)
    rows_.push_back({slots[r], static_cast<int32_t>(count)});
  for (size_t i = 0; i < count; ++i)
    for (int r = 0; r < rows_at_once_; ++r) {
      const std::vector<Entry>& entries = filters[slots[r]];
      entries_.push_back(i < entries.size() ? entries[i] : nothing_);
    }
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
