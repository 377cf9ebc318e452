#include "tuning.h"

#include <algorithm>
#include <limits>

#include "rounding.h"

namespace tfprune {
namespace {

// What of the caches a block of channels, sums, and a piece may take.
constexpr int64_t kL1Floats = 20 * 1024 / sizeof(float);
constexpr int64_t kSumsFloats = 32 * 1024 / sizeof(float);
constexpr int64_t kL2Floats = 256 * 1024 / sizeof(float);
// So few entries do not pay for fetching a filter's sums and putting them back.
constexpr double kEntriesThatPay = 12;
// Fewer positions than these do not pay for fetching the weights.
constexpr int64_t kPositionsThatPay = 4;
// Packing a vector costs about as much as so many multiplications of one.
constexpr double kPackingCost = 4;
// Below so many multiplications, waking a thread does not pay.
constexpr double kWorkThatPays = 1.5e6;

// As many channels as keep what a tile reads of them in the L1 cache, or more
// where these few hold next to nothing.
int64_t ChannelBlock(const ConvShape& shape, int64_t nonzeros, int64_t vectors,
                     int lanes) {
  const int64_t channels = std::max<int64_t>(shape.channels, 1);
  const int64_t reads =
      shape.kernel_height * (vectors + shape.kernel_width - 1) * lanes;
  const double entries = static_cast<double>(nonzeros) /
                         static_cast<double>(shape.filters * channels) *
                         shape.groups;
  const double pays = std::min<double>(kEntriesThatPay / entries, channels);
  return std::clamp<int64_t>(
      std::max(kL1Floats / reads, static_cast<int64_t>(pays)), 1, channels);
}

// Code reads most of a channel's lines again for the next position, if there
// are several taps: they should still be in the L1 cache then. If there is but
// one, nothing comes again before the next filters.
int64_t ChannelBlockOfCode(const ConvShape& shape, int64_t vectors, int lanes) {
  const int64_t taps = shape.kernel_height * shape.kernel_width;
  const int64_t fit =
      taps == 1 ? kL2Floats / (vectors * lanes) : kL1Floats / (taps * lanes);
  return std::clamp<int64_t>(fit, 1, std::max<int64_t>(shape.channels, 1));
}

// As few tiles as registers allow, but one for each thread where no taps make
// both read the same.
int64_t Vectors(const Layout& layout, int threads, const LaneKernels& kernels) {
  const int64_t needed = layout.strip();
  int64_t tiles = DivideUp(needed, kernels.most_vectors);
  const int64_t parts = DivideUp(threads, layout.groups());
  if (layout.halo() == 0 && needed >= parts * kPositionsThatPay)
    tiles = std::max(tiles, parts);
  return DivideUp(needed, tiles);
}

// Sums of lists are fetched for each block of channels, and should stay in the
// L1 cache.
int64_t MostFilters(int64_t vectors, const LaneKernels& kernels) {
  if (kernels.generates_code) return 256;
  const int64_t fit = kSumsFloats / (vectors * kernels.lanes);
  return std::max<int64_t>(fit / 16 * 16, 64);
}

// As many as fit into the L2 cache, but not so few that most of what is packed
// is their surroundings, nor so many that threads go without.
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

// In multiplications of vectors.
double Cost(const ConvShape& shape, const Layout& layout, const Tuning& tuning,
            int64_t nonzeros) {
  const int64_t pieces = DivideUp(TilesOfStrip(layout, tuning), tuning.tiles);
  const double positions = tuning.tiles * tuning.vectors;
  const double packed = (positions + layout.halo()) * layout.phases() *
                        static_cast<double>(shape.channels);
  return pieces * layout.groups() *
         (positions * nonzeros + kPackingCost * packed);
}

}  // namespace

int UsefulThreads(const ConvShape& shape, int64_t nonzeros, int threads) {
  const double work = 1.0 * nonzeros * shape.OutputPixels() +
                      kPackingCost * shape.channels * shape.InputPixels() +
                      kPackingCost * shape.filters * shape.OutputPixels();
  return work < kWorkThatPays ? 1 : std::max(threads, 1);
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
