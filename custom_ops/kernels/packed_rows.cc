#include "packed_rows.h"

#include <algorithm>
#include <numeric>

#include "rounding.h"

namespace tfprune {

PackedRows::PackedRows(const Csr& weights)
    : short_columns_(weights.columns < 1 << 16), dtype_(weights.dtype) {
  const auto length = [&](int64_t row) {
    return weights.row_offsets[row + 1] - weights.row_offsets[row];
  };
  rows_.resize(weights.rows);
  std::iota(rows_.begin(), rows_.end(), 0);
  std::stable_sort(rows_.begin(), rows_.end(),
                   [&](int32_t a, int32_t b) { return length(a) > length(b); });
  rows_.resize(RoundUp(weights.rows, kSliceRows), -1);
  offsets_.push_back(0);
  // The first row of a slice is its longest one.
  for (size_t i = 0; i < rows_.size(); i += kSliceRows)
    offsets_.push_back(offsets_.back() + length(rows_[i]) * kSliceRows);
  if (short_columns_)
    PackColumns<uint16_t>(weights);
  else
    PackColumns<int32_t>(weights);
  if (dtype_ == Dtype::kFloat)
    PackValues<float>(weights);
  else
    PackValues<uint16_t>(weights);
}

template <class Function>
void PackedRows::ForEach(const Csr& weights, Function function) const {
  for (size_t i = 0; i < rows_.size(); ++i) {
    const int64_t slice = i / kSliceRows, lane = i % kSliceRows;
    int64_t from = 0, end = 0;
    if (rows_[i] >= 0) {
      from = weights.row_offsets[rows_[i]];
      end = weights.row_offsets[rows_[i] + 1];
    }
    for (int64_t to = offsets_[slice] + lane; to < offsets_[slice + 1];
         to += kSliceRows, ++from)
      function(to, from < end ? from : -1);
  }
}

// Behind the end of a row there is a zero times the zero behind the vector.
template <class Column>
void PackedRows::PackColumns(const Csr& weights) {
  columns_.resize(offsets_.back() * sizeof(Column));
  Column* columns = reinterpret_cast<Column*>(columns_.data());
  ForEach(weights, [&](int64_t to, int64_t from) {
    columns[to] = static_cast<Column>(from < 0 ? weights.columns
                                               : weights.column_indices[from]);
  });
}

template <class Value>
void PackedRows::PackValues(const Csr& weights) {
  values_.resize(offsets_.back() * sizeof(Value));
  Value* values = reinterpret_cast<Value*>(values_.data());
  const Value* given = static_cast<const Value*>(weights.values);
  ForEach(weights, [&](int64_t to, int64_t from) {
    values[to] = from < 0 ? Value{0} : given[from];
  });
}

SlicedRows PackedRows::View() const {
  return {offsets_.data(), rows_.data(),   columns_.data(),
          short_columns_,  values_.data(), dtype_};
}

std::vector<int64_t> PackedRows::Shares(int parts) const {
  std::vector<int64_t> shares;
  for (int64_t i = 0; i <= parts; ++i) {
    const int64_t work = offsets_.back() * i / parts;
    const auto slice =
        std::lower_bound(offsets_.begin(), offsets_.end() - 1, work);
    shares.push_back(slice - offsets_.begin());
  }
  shares.front() = 0;
  shares.back() = offsets_.size() - 1;
  return shares;
}

}  // namespace tfprune
