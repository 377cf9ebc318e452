#include "normalization.h"

#include <algorithm>

#include "rounding.h"

namespace tfprune {
namespace {

// Floats that a thread gets at least.
constexpr int64_t kShare = 16 * 1024;

}  // namespace

void NormalizeRows(const NormalizeArgs& args, int threads,
                   const ParallelFor& parallel) {
  ConvShape shape;
  shape.width = shape.out_width = args.rows;
  NormalizeRows(args, threads, parallel, BestLaneKernels(shape, 0));
}

void NormalizeRows(const NormalizeArgs& args, int threads,
                   const ParallelFor& parallel, const LaneKernels& kernels) {
  const int64_t parts = std::clamp<int64_t>(args.rows * args.width / kShare, 1,
                                            std::max(threads, 1));
  const int64_t share = DivideUp(args.rows, parts);
  parallel(parts, static_cast<int>(parts), [&](int64_t part, int) {
    NormalizeArgs own = args;
    const int64_t begin = std::min(part * share, args.rows);
    own.from += begin * args.width;
    own.to += begin * args.width;
    own.rows = std::min(share, args.rows - begin);
    kernels.normalize(own);
  });
}

}  // namespace tfprune
