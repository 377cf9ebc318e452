// The inner loops of sparse products, as each instruction set has them.
//
// Vectors do not hold neighbours: lane l of a vector is a position in strip l
// of the output, so that every tap of every filter is a whole vector away and
// all loads are aligned. What is unusual about a convolution (strides,
// dilations, padding, groups) is settled when weights are packed. Depthwise
// convolutions alone take neighbouring channels as they are.
//
// Reference: Park et al. Faster CNNs with Direct Sparse Convolutions and
// Guided Pruning. ICLR 2017 (the sparse filter as a list of addresses).

#ifndef TFPRUNE_KERNELS_LANE_KERNELS_H_
#define TFPRUNE_KERNELS_LANE_KERNELS_H_

#include <cstdint>

#include "conv_shape.h"
#include "csr.h"
#include "rounding.h"

namespace tfprune {

constexpr int kMostVectors = 14;

// The nonzeros of one filter in one block of channels.
struct Row {
  int32_t slot;   // of the filter among those summed up together
  int32_t count;  // of entries, those that are filled up included
};

// Sums that wait for each other cannot keep the multipliers busy: where a
// filter has few, so many rows, all of which there must be, take turns. They
// have as many entries each, side by side: first all rows' first ones. A row
// may come several times at once.
constexpr int RowsAtOnce(int vectors) {
  return vectors >= 8 ? 1 : (7 + vectors) / vectors;
}

// Where what a weight multiplies lies, in pairs of floats: that is what 16 bits
// reach far with, and what addresses count by.
constexpr int64_t kOffsetUnit = 2;

// sums[row.slot][vectors][lanes] = or += the sum of value * x[offset ...]
using MultiplyFn = void (*)(const Row* row, const Row* end, const float* values,
                            const void* offsets, const float* x, float* sums);

// By the number of vectors, from 1: for sums that begin, and that go on.
struct MultiplyFns {
  MultiplyFn begin[kMostVectors + 1];
  MultiplyFn go_on[kMostVectors + 1];
};

// Copies pixels into channel planes of vectors:
// to[channel * plane + position * lanes + lane].
struct PackArgs {
  const float* from = nullptr;  // pixels of `channels` floats
  int64_t channels = 0;
  const int32_t* pixels = nullptr;  // pixel of (lane, position), -1 for zeros
  int64_t strip = 0;      // distance from a lane's first to the next one's
  int64_t positions = 0;  // how many of each strip
  int64_t limit = 0;      // pixels from here on are zeros, too
  const float* zeros = nullptr;  // `channels` of them
  float* to = nullptr;
  int64_t plane = 0;  // in floats
  int64_t ahead = 0;  // floats from what is read to what is prefetched; 0: none
};
using PackFn = void (*)(const PackArgs& args);

// Finishes sums and stores them as pixels of `pitch` floats.
struct StoreArgs {
  // [filters, rounded up to lanes][positions][lanes]
  const float* sums = nullptr;
  int64_t positions = 0;
  int64_t filters = 0;
  const int32_t* pixels = nullptr;  // pixel of (lane, position), -1 for none
  int64_t strip = 0;  // distance from a lane's first to the next one's
  int64_t limit = 0;  // pixels from here on are not stored
  const float* bias = nullptr;      // of the first filter
  const float* residual = nullptr;  // of pixel 0 and the first filter, or null
  Activation activation = Activation::kNone;
  float* to = nullptr;  // of pixel 0 and the first filter
  int64_t pitch = 0;    // floats of a pixel
  // Stores bypass the caches; only if all addresses are multiples of 64.
  bool stream = false;
  // Floats from the residual that is read to the one prefetched; 0: none.
  int64_t ahead = 0;
};
using StoreFn = void (*)(const StoreArgs& args);

constexpr int kSliceRows = 8;

// Slices of rows, their n-th nonzeros side by side.
struct SlicedRows {
  // Of slices: their first nonzeros, and the end; multiples of kSliceRows.
  const int64_t* offsets;
  const int32_t* rows;  // kSliceRows of each, -1 for none
  const void* columns;
  bool short_columns;  // uint16_t, else int32_t
  const void* values;
  Dtype dtype;
};

// y[row] = activation(sum of values[i] * x[columns[i]] + bias[row] +
// residual[row]) for some slices; bias and residual may be null. A column may
// be the one behind the last: x has one more element, 0.
using MultiplyVectorFn = void (*)(const SlicedRows& rows, int64_t begin,
                                  int64_t end, const float* x,
                                  const float* bias, const float* residual,
                                  Activation activation, float* y);

// Neighbouring pixels of a convolution of each channel by itself; distances are
// in floats.
struct DepthwiseArgs {
  const float* from = nullptr;     // input of the first pixel's first tap
  int64_t step = 0;                // from one pixel to the next
  int64_t rows = 0;                // of taps
  int64_t row = 0;                 // from one of them to the next, in the input
  int64_t columns = 0;             // of taps
  int64_t column = 0;              // from one of them to the next, in the input
  const float* weights = nullptr;  // of the first tap, on a cache line
  int64_t weight_row = 0;          // from one row of taps to the next
  int64_t weight = 0;              // from one tap of a row to the next
  int64_t channels = 0;
  const float* bias = nullptr;      // of all channels
  const float* residual = nullptr;  // of the first pixel, or null
  Activation activation = Activation::kNone;
  float* to = nullptr;  // of the first pixel; the next ones follow it
};
using DepthwiseFn = void (*)(const DepthwiseArgs& args);

constexpr int kMostDepthwisePixels = 8;

// Attention of some rows of queries to all keys, of one head; rows are `pitch`
// floats apart.
struct AttendArgs {
  const float* query = nullptr;
  int64_t query_pitch = 0;
  int64_t rows = 0;
  const float* key = nullptr;
  int64_t key_pitch = 0;
  int64_t keys = 0;
  int64_t depth = 0;  // of queries and keys
  const float* value = nullptr;
  int64_t value_pitch = 0;
  int64_t value_depth = 0;
  // Whether a key is seen is mask[row * mask_row + key * mask_key]; null: yes.
  const uint8_t* mask = nullptr;
  int64_t mask_row = 0;
  int64_t mask_key = 0;
  bool causal = false;  // rows see keys up to their own number only
  int64_t first = 0;    // number of the first row
  float scale = 1;
  float* to = nullptr;
  int64_t to_pitch = 0;
  float* scratch = nullptr;  // `AttendFloats`, on a cache line
};
using AttendFn = void (*)(const AttendArgs& args);

constexpr int kAttendRows = 6;

// Keys and values in panels, and scores and sums of some rows.
inline int64_t AttendFloats(int64_t keys, int64_t depth, int64_t value_depth,
                            int lanes) {
  const int64_t key_lanes = RoundUp(keys, lanes);
  const int64_t value_lanes = RoundUp(value_depth, lanes);
  return RoundUp(key_lanes * depth + value_lanes * keys +
                     kAttendRows * (key_lanes + value_lanes),
                 16);
}

// Rows less their mean over their standard deviation, times gamma, plus beta.
// Rows that are not centered count as if their mean were 0.
struct NormalizeArgs {
  const float* from = nullptr;
  int64_t rows = 0;
  int64_t width = 0;
  const float* gamma = nullptr;  // null: 1
  const float* beta = nullptr;   // null: 0
  float epsilon = 0;             // added to the variance
  bool centered = true;
  float* to = nullptr;
};
using NormalizeFn = void (*)(const NormalizeArgs& args);

// B^T d B or A^T z A of `count` tiles of vectors, `pitch` apart, in place.
// Entry (y, x) is at data[(y * rows or columns of the matrix + x) * step].
using TransformFn = void (*)(float* data, int64_t step, int64_t count,
                             int64_t pitch);

struct WinogradTransforms {
  TransformFn inputs, outputs;
};

// What an instruction set brings along.
struct LaneKernels {
  const char* name;
  bool (*runs_here)();
  int lanes;
  int most_vectors;     // of a tile
  bool generates_code;  // for each block of weights, instead of the next two
  MultiplyFns multiply_near;  // by offsets of 16 bits
  MultiplyFns multiply_far;   // by offsets of 32 bits
  PackFn pack;
  StoreFn store;
  MultiplyVectorFn multiply_vector;
  DepthwiseFn depthwise[kMostDepthwisePixels + 1];  // by the number of pixels
  WinogradTransforms winograd3, winograd5;  // of filters of 3x3 and 5x5 weights
  AttendFn attend;
  NormalizeFn normalize;
};

// All that were compiled, the fastest first.
struct LaneKernelsList {
  const LaneKernels* const* begin_;
  const LaneKernels* const* end_;
  const LaneKernels* const* begin() const { return begin_; }
  const LaneKernels* const* end() const { return end_; }
};
LaneKernelsList AllLaneKernels();

// The best ones of this CPU for a convolution with so many nonzeros;
// `TFPRUNE_ISA` may name others that it runs.
const LaneKernels& BestLaneKernels(const ConvShape& shape, int64_t nonzeros);

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_LANE_KERNELS_H_
