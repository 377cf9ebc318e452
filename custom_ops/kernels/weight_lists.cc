#include "weight_lists.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "rounding.h"

namespace tfprune {
namespace {

int32_t UnitsOf(int64_t floats) {
  return static_cast<int32_t>(floats / kOffsetUnit);
}

const MultiplyFns& FnsOf(const LaneKernels& kernels, bool is_near) {
  return is_near ? kernels.multiply_near : kernels.multiply_far;
}

}  // namespace

WeightLists::WeightLists(const Csr& weights, const ConvShape& shape,
                         const LaneKernels& kernels, const Tuning& tuning,
                         const Addresses& addresses)
    : rows_at_once_(RowsAtOnce(static_cast<int>(tuning.vectors))),
      nothing_({UnitsOf(shape.channels * addresses.plane), 0}),
      is_near_(nothing_.offset <= std::numeric_limits<uint16_t>::max()),
      begin_(FnsOf(kernels, is_near_).begin[tuning.vectors]),
      go_on_(FnsOf(kernels, is_near_).go_on[tuning.vectors]) {
  values_.reserve(weights.nonzeros);
  const int64_t width = DivideUp(shape.channels, tuning.channel_block);
  for (int64_t begin = 0; begin < shape.filters; begin += tuning.filter_block) {
    const int64_t end = std::min(begin + tuning.filter_block, shape.filters);
    std::vector<Filters> blocks(width, Filters(end - begin));
    ForEachNonzero(
        weights, shape, addresses, begin, end,
        [&](int64_t filter, int64_t channel, int64_t offset, int64_t index) {
          blocks[channel / tuning.channel_block][filter - begin].push_back(
              {UnitsOf(offset), ValueAt(weights, index)});
        });
    PackFilters(blocks, end - begin);
  }
  values_.shrink_to_fit();
  near_.shrink_to_fit();
  far_.shrink_to_fit();
}

// A sum begins in the first block of channels in which its filter has entries.
// Sums of filters without any are set to zero at the end.
void WeightLists::PackFilters(const std::vector<Filters>& blocks,
                              int64_t height) {
  blocks_.emplace_back();
  std::vector<bool> has_begun(height);
  for (const Filters& filters : blocks) {
    Slots begin, go_on;
    for (int32_t slot = 0; slot < height; ++slot) {
      if (filters[slot].empty()) continue;
      (has_begun[slot] ? go_on : begin).push_back(slot);
      has_begun[slot] = true;
    }
    PackBlock(filters, std::move(begin), begin_);
    PackBlock(filters, std::move(go_on), go_on_);
  }
  Slots nowhere;
  for (int32_t slot = 0; slot < height; ++slot)
    if (!has_begun[slot]) nowhere.push_back(slot);
  PackBlock(Filters(height), std::move(nowhere), begin_);
}

// Filters sorted by their numbers of entries, so that rows processed together
// have about equally many.
void WeightLists::PackBlock(const Filters& filters, Slots slots,
                            MultiplyFn multiply) {
  if (slots.empty()) return;
  std::stable_sort(slots.begin(), slots.end(), [&](int32_t a, int32_t b) {
    return filters[a].size() < filters[b].size();
  });
  // A row that is repeated to fill up its group computes the same sum each
  // time.
  const int64_t rows = slots.size();
  slots.insert(slots.begin(), RoundUp(rows, rows_at_once_) - rows, slots[0]);
  Block block = {multiply, static_cast<int64_t>(rows_.size()), 0,
                 static_cast<int64_t>(values_.size())};
  for (size_t i = 0; i < slots.size(); i += rows_at_once_)
    PackRows(filters, &slots[i]);
  block.row_end = rows_.size();
  blocks_.back().push_back(block);
}

// The last filter of a group has the most entries; the others are filled up
// with zeros.
void WeightLists::PackRows(const Filters& filters, const int32_t* slots) {
  const size_t count = filters[slots[rows_at_once_ - 1]].size();
  for (int r = 0; r < rows_at_once_; ++r)
    rows_.push_back({slots[r], static_cast<int32_t>(count)});
  for (size_t i = 0; i < count; ++i)
    for (int r = 0; r < rows_at_once_; ++r) {
      const std::vector<Entry>& entries = filters[slots[r]];
      Push(i < entries.size() ? entries[i] : nothing_);
    }
}

void WeightLists::Push(const Entry& entry) {
  values_.push_back(entry.value);
  if (is_near_)
    near_.push_back(static_cast<uint16_t>(entry.offset));
  else
    far_.push_back(entry.offset);
}

void WeightLists::Multiply(int64_t filter_block, const float* x,
                           float* sums) const {
  for (const Block& block : blocks_[filter_block]) {
    const void* offsets;
    if (is_near_)
      offsets = near_.data() + block.entry;
    else
      offsets = far_.data() + block.entry;
    block.multiply(rows_.data() + block.row_begin, rows_.data() + block.row_end,
                   values_.data() + block.entry, offsets, x, sums);
  }
}

}  // namespace tfprune
