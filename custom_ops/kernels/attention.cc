#include "attention.h"

#include <algorithm>

#include "rounding.h"
#include "scratch.h"

namespace tfprune {
namespace {

constexpr int64_t kMostOfASize = (int64_t{1} << 31) - 1;
// Multiplications below which one thread is faster than several.
constexpr double kMinParallelMacs = 1e6;

double Macs(const Attention& a) {
  return 1.0 * a.batch * a.heads * a.queries * a.keys *
         (a.depth + a.value_depth);
}

// How many parts the queries of a head come in, for all threads to have some.
int64_t Parts(const Attention& a, int threads) {
  const int64_t most = DivideUp(a.queries, kAttendRows);
  return std::clamp<int64_t>(DivideUp(threads, a.batch * a.heads), 1, most);
}

void SetMask(const Attention& a, int64_t image, int64_t head,
             AttendArgs& args) {
  if (!a.mask) return;
  const int64_t* sizes = a.mask_sizes;
  const auto step = [&](int axis, int64_t pitch) {
    return sizes[axis] == 1 ? 0 : pitch;
  };
  args.mask_key = step(3, 1);
  args.mask_row = step(2, sizes[3]);
  args.mask = a.mask + head * step(1, sizes[2] * sizes[3]) +
              image * step(0, sizes[1] * sizes[2] * sizes[3]);
}

AttendArgs ArgsOf(const Attention& a, int64_t image, int64_t head) {
  AttendArgs args;
  const int64_t shared = head / (a.heads / a.key_heads);
  args.query_pitch = a.heads * a.depth;
  args.key_pitch = a.key_heads * a.depth;
  args.value_pitch = a.key_heads * a.value_depth;
  args.to_pitch = a.heads * a.value_depth;
  args.query = a.query + image * a.queries * args.query_pitch + head * a.depth;
  args.key = a.key + image * a.keys * args.key_pitch + shared * a.depth;
  args.value =
      a.value + image * a.keys * args.value_pitch + shared * a.value_depth;
  args.to = a.to + image * a.queries * args.to_pitch + head * a.value_depth;
  args.keys = a.keys;
  args.depth = a.depth;
  args.value_depth = a.value_depth;
  args.causal = a.causal;
  args.scale = a.scale;
  SetMask(a, image, head, args);
  return args;
}

void RestrictTo(int64_t begin, int64_t end, AttendArgs& args) {
  args.query += begin * args.query_pitch;
  args.to += begin * args.to_pitch;
  args.first = begin;
  args.rows = end - begin;
  if (args.mask) args.mask += begin * args.mask_row;
}

}  // namespace

std::string Attention::Check() const {
  if (key_heads < 1 || heads % key_heads)
    return "heads of queries must be a multiple of those of keys. Received: " +
           std::to_string(heads) + " and " + std::to_string(key_heads);
  for (int64_t size : {batch, queries, heads, depth, keys, value_depth})
    if (size > kMostOfASize)
      return "sizes must be below 2^31. Received: " + std::to_string(size);
  const int64_t sizes[] = {batch, heads, queries, keys};
  for (int axis = 0; mask && axis < 4; ++axis)
    if (mask_sizes[axis] != 1 && mask_sizes[axis] != sizes[axis])
      return "axis " + std::to_string(axis) + " of mask must have size 1 or " +
             std::to_string(sizes[axis]) +
             ". Received: " + std::to_string(mask_sizes[axis]);
  return "";
}

bool Attention::Run(int threads, const ParallelFor& parallel) const {
  ConvShape shape;
  shape.width = shape.out_width = queries;
  return Run(threads, parallel, BestLaneKernels(shape, 0));
}

bool Attention::Run(int threads, const ParallelFor& parallel,
                    const LaneKernels& kernels) const {
  const int64_t outputs = batch * queries * heads * value_depth;
  if (!keys) std::fill_n(to, outputs, 0.0f);
  if (!keys || !outputs) return true;
  if (Macs(*this) < kMinParallelMacs) threads = 1;
  const int64_t parts = Parts(*this, threads), share = DivideUp(queries, parts);
  const int64_t items = batch * heads * parts;
  threads = static_cast<int>(std::min<int64_t>(threads, items));
  const int64_t floats = AttendFloats(keys, depth, value_depth, kernels.lanes);
  float* scratch = Scratch(threads * floats);
  if (!scratch) return false;
  parallel(items, threads, [&](int64_t item, int slot) {
    AttendArgs args = ArgsOf(*this, item / parts / heads, item / parts % heads);
    const int64_t begin = std::min(item % parts * share, queries);
    RestrictTo(begin, std::min(begin + share, queries), args);
    args.scratch = scratch + slot * floats;
    kernels.attend(args);
  });
  return true;
}

}  // namespace tfprune
