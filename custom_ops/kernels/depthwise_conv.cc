#include "depthwise_conv.h"

#include <algorithm>
#include <new>

#include "rounding.h"
#include "tuning.h"

namespace tfprune {
namespace {

constexpr int64_t kLine = 64 / sizeof(float);
constexpr int64_t kFewestChannels = 8;
// Zeros are stored and multiplied, too: what is larger than 7x7 may have many.
constexpr int64_t kMostTaps = 64;
// Rows are handed out in so many parts for each thread.
constexpr int64_t kPartsOfThread = 4;

// The taps along an axis that meet the input, of a window that begins at
// `start`.
struct Taps {
  int64_t begin, end;
};

Taps Meeting(int64_t start, int64_t size, int64_t dilation, int64_t in) {
  const int64_t begin = start < 0 ? DivideUp(-start, dilation) : 0;
  const int64_t end = start < in ? DivideUp(in - start, dilation) : 0;
  return {std::min(begin, size), std::clamp(end, std::min(begin, size), size)};
}

}  // namespace

struct DepthwiseConv::Job {
  const float* input;
  const Epilogue& epilogue;
  float* output;
};

bool DepthwiseConv::Fits(const ConvShape& s) {
  return s.groups == s.channels && s.filters == s.channels &&
         s.channels >= kFewestChannels &&
         s.kernel_height * s.kernel_width <= kMostTaps;
}

std::unique_ptr<const DepthwiseConv> DepthwiseConv::Pack(const Csr& weights,
                                                         const ConvShape& shape,
                                                         int threads) {
  return Pack(weights, shape, threads,
              BestLaneKernels(shape, weights.nonzeros));
}

std::unique_ptr<const DepthwiseConv> DepthwiseConv::Pack(
    const Csr& weights, const ConvShape& shape, int threads,
    const LaneKernels& kernels) {
  try {
    return std::unique_ptr<const DepthwiseConv>(
        new DepthwiseConv(weights, shape, threads, kernels));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

DepthwiseConv::DepthwiseConv(const Csr& weights, const ConvShape& shape,
                             int threads, const LaneKernels& kernels)
    : shape_(shape),
      kernels_(kernels),
      threads_(UsefulThreads(shape, weights.nonzeros, threads)),
      pitch_(RoundUp(shape.channels, kLine)),
      memory_(shape.kernel_height * shape.kernel_width * pitch_ + kLine),
      no_bias_(shape.channels) {
  const auto address = reinterpret_cast<uintptr_t>(memory_.data());
  weights_ = memory_.data() + (RoundUp(address, 64) - address) / sizeof(float);
  for (int64_t filter = 0; filter < shape.filters; ++filter)
    for (int64_t i = weights.row_offsets[filter];
         i < weights.row_offsets[filter + 1]; ++i)
      weights_[weights.column_indices[i] * pitch_ + filter] +=
          ValueAt(weights, i);
}

bool DepthwiseConv::Run(const float* input, const Epilogue& epilogue,
                        float* output, const ParallelFor& parallel_for) const {
  if (shape_.OutputPixels() * shape_.channels == 0) return true;
  const Job job = {input, epilogue, output};
  const int64_t rows = shape_.batch * shape_.out_height;
  const int64_t parts =
      threads_ > 1 ? std::min(rows, threads_ * kPartsOfThread) : 1;
  parallel_for(parts, threads_, [&](int64_t part, int) {
    for (int64_t row = part * rows / parts; row < (part + 1) * rows / parts;
         ++row)
      RunRow(job, row);
  });
  return true;
}

// Pixels whose windows lie within the input are many at a time; the others,
// which have fewer taps, one by one.
void DepthwiseConv::RunRow(const Job& job, int64_t row) const {
  const ConvShape& s = shape_;
  const int64_t reach = (s.kernel_width - 1) * s.dilation_width + 1;
  const int64_t room = s.width + s.pad_left - reach;
  const int64_t begin =
      std::min(DivideUp(s.pad_left, s.stride_width), s.out_width);
  const int64_t end = room < 0 ? 0 : room / s.stride_width + 1;
  const int64_t middle = std::clamp(end, begin, s.out_width);
  Span span = {row / s.out_height, row % s.out_height, 0, 0};
  for (int64_t x = 0; x < s.out_width; x = span.end) {
    const int64_t many = std::min<int64_t>(middle - x, kMostDepthwisePixels);
    span.begin = x;
    span.end = x < begin || x >= middle ? x + 1 : x + many;
    RunSpan(job, span);
  }
}

void DepthwiseConv::RunSpan(const Job& job, const Span& span) const {
  const ConvShape& s = shape_;
  const Epilogue& e = job.epilogue;
  const int64_t y = span.y * s.stride_height - s.pad_top;
  const int64_t x = span.begin * s.stride_width - s.pad_left;
  const Taps down = Meeting(y, s.kernel_height, s.dilation_height, s.height);
  const Taps across = Meeting(x, s.kernel_width, s.dilation_width, s.width);
  const int64_t line = s.width * s.channels;
  const int64_t first =
      (span.image * s.height + y + down.begin * s.dilation_height) * line +
      (x + across.begin * s.dilation_width) * s.channels;
  const bool meets = down.begin < down.end && across.begin < across.end;
  const int64_t pixel =
      (span.image * s.out_height + span.y) * s.out_width + span.begin;
  const int64_t at = pixel * s.channels;
  DepthwiseArgs args;
  args.from = job.input + (meets ? first : 0);
  args.step = s.stride_width * s.channels;
  args.rows = down.end - down.begin;
  args.row = s.dilation_height * line;
  args.columns = across.end - across.begin;
  args.column = s.dilation_width * s.channels;
  args.weights =
      weights_ + (down.begin * s.kernel_width + across.begin) * pitch_;
  args.weight_row = s.kernel_width * pitch_;
  args.weight = pitch_;
  args.channels = s.channels;
  args.bias = e.bias ? e.bias : no_bias_.data();
  args.residual = e.residual ? e.residual + at : nullptr;
  args.activation = e.activation;
  args.to = job.output + at;
  kernels_.depthwise[span.end - span.begin](args);
}

}  // namespace tfprune
