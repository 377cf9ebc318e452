#include "tuning.h"

#include <algorithm>
#include <limits>

#include "rounding.h"

namespace tfprune {
namespace {

// Floats that a block of channels, the sums of a tile, and a packed piece may
// take of the caches.
constexpr int64_t kL1Floats = 20 * 1024 / sizeof(float);
constexpr int64_t kSumsFloats = 32 * 1024 / sizeof(float);
constexpr int64_t kL2Floats = 256 * 1024 / sizeof(float);
// Entries of a filter in a block of channels, below which loading and storing
// its sums costs more than the products.
constexpr double kMinEntries = 12;
// Positions of a tile, below which loading the weights costs more than the
// products.
constexpr int64_t kMinPositions = 4;
// Cost of packing a vector, in multiply-adds of a vector.
constexpr double kPackingCost = 4;
// Multiply-adds of a run, below which one thread is faster than several.
constexpr double kMinParallelMacs = 1.5e6;
// Multiply-adds that are worth a thread which is awake.
constexpr double kMinShare = 0.1e6;

// Returns as many channels as keep the input of a tile in the L1 cache, or more
// where a filter would have fewer than `kMinEntries` entries in them.
int64_t ChannelBlock(const ConvShape& shape, int64_t nonzeros, int64_t vectors,
                     int lanes) {
  const int64_t channels = std::max<int64_t>(shape.channels, 1);
  const int64_t reads =
      shape.kernel_height * (vectors + shape.kernel_width - 1) * lanes;
  const double entries = static_cast<double>(nonzeros) /
                         static_cast<double>(shape.filters * channels) *
                         shape.groups;
  const double pays = std::min<double>(kMinEntries / entries, channels);
  return std::clamp<int64_t>(
      std::max(kL1Floats / reads, static_cast<int64_t>(pays)), 1, channels);
}

// The same for generated code. With several taps, it reads most cache lines of
// a channel again at the next position, so they should stay in the L1 cache.
// With one tap, lines are reused by the next filters only.
int64_t ChannelBlockOfCode(const ConvShape& shape, int64_t vectors, int lanes) {
  const int64_t taps = shape.kernel_height * shape.kernel_width;
  const int64_t fit =
      taps == 1 ? kL2Floats / (vectors * lanes) : kL1Floats / (taps * lanes);
  return std::clamp<int64_t>(fit, 1, std::max<int64_t>(shape.channels, 1));
}

// Returns the vectors of a tile: as few tiles as registers allow, but at least
// one for each thread where tiles have no halo that both would read.
int64_t Vectors(const Layout& layout, int threads, const LaneKernels& kernels) {
  const int64_t needed = layout.strip();
  int64_t tiles = DivideUp(needed, kernels.most_vectors);
  const int64_t parts = DivideUp(threads, layout.groups());
  if (layout.halo() == 0 && needed >= parts * kMinPositions)
    tiles = std::max(tiles, parts);
  return DivideUp(needed, tiles);
}

// Returns the most filters of a block. Lists load and store the sums of a block
// of filters for each block of channels, so these should stay in the L1 cache.
int64_t MostFilters(int64_t vectors, const LaneKernels& kernels) {
  if (kernels.generates_code) return 256;
  const int64_t fit = kSumsFloats / (vectors * kernels.lanes);
  return std::max<int64_t>(fit / 16 * 16, 64);
}

// Returns as many tiles as fit into the L2 cache, but not so few that the halo
// is most of what is packed, nor so many that some threads have no piece.
int64_t TilesOfPiece(const ConvShape& shape, const Layout& layout,
                     const Tuning& tuning, int threads, int lanes) {
  const int64_t tiles = TilesOfStrip(layout, tuning);
  const int64_t position =
      std::max<int64_t>(shape.channels * layout.phases() * lanes, 1);
  const int64_t fit = (kL2Floats / position - layout.halo()) / tuning.vectors;
  const int64_t worth = DivideUp(2 * layout.halo(), tuning.vectors);
  int64_t most = std::max<int64_t>({1, fit, worth});
  if (layout.groups() < threads)
    most = std::min(most, DivideUp(tiles, threads));
  return DivideUp(tiles, DivideUp(tiles, most));
}

// Returns the cost of a run, in multiply-adds of a vector.
double Cost(const ConvShape& shape, const Layout& layout, const Tuning& tuning,
            int64_t nonzeros) {
  const int64_t pieces = DivideUp(TilesOfStrip(layout, tuning), tuning.tiles);
  const double positions = tuning.tiles * tuning.vectors;
  const double packed = (positions + layout.halo()) * layout.phases() *
                        static_cast<double>(shape.channels);
  return pieces * layout.groups() *
         (positions * nonzeros + kPackingCost * packed);
}

// Returns multiply-adds of a run, packing and storing counted.
double Work(const ConvShape& shape, int64_t nonzeros) {
  return 1.0 * nonzeros * shape.OutputPixels() +
         kPackingCost * shape.channels * shape.InputPixels() +
         kPackingCost * shape.filters * shape.OutputPixels();
}

}  // namespace

int UsefulThreads(const ConvShape& shape, int64_t nonzeros, int threads) {
  const double work = Work(shape, nonzeros);
  return work < kMinParallelMacs ? 1 : std::max(threads, 1);
}

int ThreadsAwake(const ConvShape& shape, int64_t nonzeros, int threads) {
  const double work = Work(shape, nonzeros);
  if (!IsPointwise(shape) || work >= kMinParallelMacs) return 1;
  return std::clamp(static_cast<int>(work / kMinShare), 1,
                    std::max(threads, 1));
}

int64_t FilterBlock(const ConvShape& shape, int threads, int64_t most) {
  const int64_t share = DivideUp(shape.filters, threads);
  return RoundUp(DivideUp(share, DivideUp(share, most)), 16);
}

int64_t TilesOfStrip(const Layout& layout, const Tuning& tuning) {
  return DivideUp(layout.strip(), tuning.vectors);
}

Tuning Tune(const ConvShape& shape, int64_t nonzeros, int threads,
            const LaneKernels& kernels, const Tuning& wanted) {
  Tuning best;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t images = 1; images <= kernels.lanes; images *= 2) {
    if (images > 1 && images >= 2 * shape.batch) break;
    Tuning tuning = wanted;
    if (!wanted.images) tuning.images = images;
    const Layout layout(shape, tuning.images, kernels.lanes);
    if (!wanted.vectors) tuning.vectors = Vectors(layout, threads, kernels);
    if (!wanted.tiles)
      tuning.tiles =
          TilesOfPiece(shape, layout, tuning, threads, kernels.lanes);
    if (!wanted.channel_block)
      tuning.channel_block =
          kernels.generates_code
              ? ChannelBlockOfCode(shape, tuning.vectors, kernels.lanes)
              : ChannelBlock(shape, nonzeros, tuning.vectors, kernels.lanes);
    if (!wanted.filter_block)
      tuning.filter_block =
          FilterBlock(shape, threads, MostFilters(tuning.vectors, kernels));
    const double cost = Cost(shape, layout, tuning, nonzeros);
    if (cost >= least) continue;
    least = cost;
    best = tuning;
  }
  return best;
}

}  // namespace tfprune
