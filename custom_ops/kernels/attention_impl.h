// Attention, written once as the loops of lane_kernels_impl.h are, which
// include this.

#ifndef TFPRUNE_KERNELS_ATTENTION_IMPL_H_
#define TFPRUNE_KERNELS_ATTENTION_IMPL_H_

#include <cstdint>

#include "elementary_impl.h"
#include "lane_kernels.h"

namespace tfprune {
namespace {

// What is multiplied by lies in panels: all rows of some vectors of columns,
// then those of the next ones.
template <class Isa>
constexpr int kPanelVectors = Isa::kLanes == 16 ? 4 : 2;

template <class Isa>
inline int64_t VectorsOf(int64_t floats) {
  return (floats + Isa::kLanes - 1) / Isa::kLanes;
}

// to[row] = from[row] times a panel of `depth` rows; as many sums as registers
// hold.
template <class Isa, int kVectors>
void MultiplyPanel(const float* const* from, const float* panel, int64_t depth,
                   float* to, int64_t pitch) {
  typename Isa::Vector sums[kAttendRows][kVectors] = {};
  for (int64_t i = 0; i < depth; ++i, panel += kVectors * Isa::kLanes) {
    typename Isa::Vector columns[kVectors];
    TFPRUNE_UNROLL
    for (int v = 0; v < kVectors; ++v)
      columns[v] = Isa::Load(panel + v * Isa::kLanes);
    TFPRUNE_UNROLL
    for (int r = 0; r < kAttendRows; ++r) {
      const auto x = Isa::Broadcast(from[r][i]);
      TFPRUNE_UNROLL
      for (int v = 0; v < kVectors; ++v)
        sums[r][v] = Isa::MultiplyAdd(x, columns[v], sums[r][v]);
    }
  }
  TFPRUNE_UNROLL
  for (int r = 0; r < kAttendRows; ++r) {
    TFPRUNE_UNROLL
    for (int v = 0; v < kVectors; ++v)
      Isa::Store(to + r * pitch + v * Isa::kLanes, sums[r][v]);
  }
}

// kAttendRows rows times panels of `vectors` vectors in all, of whose `stored`
// rows the first `depth` count.
template <class Isa>
void MultiplyPanels(const float* const* from, const float* panels,
                    int64_t depth, int64_t stored, int64_t vectors, float* to,
                    int64_t pitch) {
  constexpr int kMost = kPanelVectors<Isa>;
  for (; vectors >= kMost; vectors -= kMost) {
    MultiplyPanel<Isa, kMost>(from, panels, depth, to, pitch);
    panels += stored * kMost * Isa::kLanes;
    to += kMost * Isa::kLanes;
  }
  if constexpr (kMost > 2)
    if (vectors == 3) MultiplyPanel<Isa, 3>(from, panels, depth, to, pitch);
  if (vectors == 2) MultiplyPanel<Isa, 2>(from, panels, depth, to, pitch);
  if (vectors == 1) MultiplyPanel<Isa, 1>(from, panels, depth, to, pitch);
}

// Where vector `v` of row 0 is in panels of `rows` rows, and how far the next
// row is.
template <class Isa>
inline float* InPanels(float* panels, int64_t rows, int64_t vectors, int64_t v,
                       int64_t* step) {
  constexpr int kMost = kPanelVectors<Isa>;
  const int64_t first = v / kMost * kMost;
  const int64_t width = vectors - first < kMost ? vectors - first : kMost;
  *step = width * Isa::kLanes;
  return panels + (rows * first + (v - first)) * Isa::kLanes;
}

// Keys become columns: some channels of kLanes keys at a time.
template <class Isa>
void PackKeys(const AttendArgs& a, float* panels) {
  const int64_t vectors = VectorsOf<Isa>(a.keys);
  for (int64_t v = 0; v < vectors; ++v) {
    int64_t step;
    float* to = InPanels<Isa>(panels, a.depth, vectors, v, &step);
    for (int64_t channel = 0; channel < a.depth; channel += Isa::kLanes) {
      const int64_t left = a.depth - channel;
      const int some =
          static_cast<int>(left < Isa::kLanes ? left : Isa::kLanes);
      typename Isa::Vector rows[Isa::kLanes];
      TFPRUNE_UNROLL
      for (int i = 0; i < Isa::kLanes; ++i) {
        const int64_t key = v * Isa::kLanes + i;
        rows[i] = key < a.keys
                      ? Isa::LoadSome(a.key + key * a.key_pitch + channel, some)
                      : Isa::Broadcast(0);
      }
      Isa::Transpose(rows);
      for (int i = 0; i < some; ++i)
        Isa::Store(to + (channel + i) * step, rows[i]);
    }
  }
}

template <class Isa>
void PackValues(const AttendArgs& a, float* panels) {
  const int64_t vectors = VectorsOf<Isa>(a.value_depth);
  for (int64_t v = 0; v < vectors; ++v) {
    int64_t step;
    float* to = InPanels<Isa>(panels, a.keys, vectors, v, &step);
    const int64_t left = a.value_depth - v * Isa::kLanes;
    const int some = static_cast<int>(left < Isa::kLanes ? left : Isa::kLanes);
    const float* from = a.value + v * Isa::kLanes;
    for (int64_t key = 0; key < a.keys; ++key)
      Isa::Store(to + key * step,
                 Isa::LoadSome(from + key * a.value_pitch, some));
  }
}

// What is not seen gets the same low score as in Keras, -0.7 of the greatest
// number: a row that sees nothing has the mean of all values.
constexpr float kUnseen = -2.3819763e38f;

// Where keys are next to each other, loops over them are loops of vectors.
inline void HideByMask(const uint8_t* mask, int64_t step, int64_t keys,
                       float* scores) {
  if (step == 1) {
    for (int64_t i = 0; i < keys; ++i)
      scores[i] = mask[i] ? scores[i] : kUnseen;
  } else if (!*mask) {
    for (int64_t i = 0; i < keys; ++i) scores[i] = kUnseen;
  }
}

inline void Hide(const AttendArgs& a, int64_t row, int64_t keys,
                 float* scores) {
  if (a.mask) HideByMask(a.mask + row * a.mask_row, a.mask_key, keys, scores);
  if (a.causal)
    for (int64_t i = a.first + row + 1; i < keys; ++i) scores[i] = kUnseen;
}

// Turns scores into shares of a sum, which is returned. What is not seen has
// none, where anything is.
template <class Isa>
float Exponentiate(float* scores, int64_t keys) {
  const int64_t whole = keys / Isa::kLanes * Isa::kLanes;
  auto most = Isa::Broadcast(-__builtin_inff());
  for (int64_t i = 0; i < whole; i += Isa::kLanes)
    most = Isa::Max(Isa::Load(scores + i), most);
  alignas(64) float lanes[Isa::kLanes];
  Isa::Store(lanes, most);
  float peak = lanes[0];
  for (int i = 1; i < Isa::kLanes; ++i)
    peak = lanes[i] > peak ? lanes[i] : peak;
  for (int64_t i = whole; i < keys; ++i)
    peak = scores[i] > peak ? scores[i] : peak;
  const auto less = Isa::Broadcast(-peak);
  const auto nothing = Isa::Multiply(
      Exp<Isa>(Isa::Broadcast(-__builtin_inff())), Isa::Broadcast(-1.0f));
  const auto share = [&](int64_t i) {
    const auto x =
        Isa::Add(Exp<Isa>(Isa::Add(Isa::Load(scores + i), less)), nothing);
    Isa::Store(scores + i, x);
    return x;
  };
  auto sum = Isa::Broadcast(0);
  for (int64_t i = 0; i < whole; i += Isa::kLanes)
    sum = Isa::Add(sum, share(i));
  if (whole < keys) share(whole);
  Isa::Store(lanes, sum);
  float total = 0;
  for (int i = 0; i < Isa::kLanes; ++i) total += lanes[i];
  for (int64_t i = whole; i < keys; ++i) total += scores[i];
  return total;
}

// Up to kAttendRows rows: those that are too many repeat the last one.
template <class Isa>
void AttendRows(const AttendArgs& a, int64_t row, const float* key_panels,
                const float* value_panels, float* scores) {
  const int64_t pitch = VectorsOf<Isa>(a.keys) * Isa::kLanes;
  const int64_t left = a.rows - row;
  const int64_t rows = left < kAttendRows ? left : kAttendRows;
  // Later keys are seen by a row only if it has nothing else to see.
  const int64_t seen = a.first + row + rows;
  const int64_t keys = a.causal && !a.mask && seen < a.keys ? seen : a.keys;
  constexpr int64_t kPanel = kPanelVectors<Isa> * Isa::kLanes;
  const int64_t panels = (keys + kPanel - 1) / kPanel * kPanel;
  const float *from[kAttendRows], *shares[kAttendRows];
  for (int64_t r = 0; r < kAttendRows; ++r) {
    from[r] = a.query + (row + (r < rows ? r : rows - 1)) * a.query_pitch;
    shares[r] = scores + r * pitch;
  }
  MultiplyPanels<Isa>(from, key_panels, a.depth, a.depth,
                      (panels < pitch ? panels : pitch) / Isa::kLanes, scores,
                      pitch);
  float totals[kAttendRows];
  const float scale = a.scale;
  for (int64_t r = 0; r < rows; ++r) {
    float* own = scores + r * pitch;
    for (int64_t i = 0; i < keys; ++i) own[i] *= scale;
    Hide(a, row + r, keys, own);
    totals[r] = Exponentiate<Isa>(own, keys);
  }
  float* sums = scores + kAttendRows * pitch;
  const int64_t vectors = VectorsOf<Isa>(a.value_depth);
  MultiplyPanels<Isa>(shares, value_panels, keys, a.keys, vectors, sums,
                      vectors * Isa::kLanes);
  for (int64_t r = 0; r < rows; ++r) {
    const auto factor = Isa::Broadcast(1 / totals[r]);
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t at = v * Isa::kLanes, rest = a.value_depth - at;
      const auto own = Isa::Load(sums + r * vectors * Isa::kLanes + at);
      Isa::StoreSome(a.to + (row + r) * a.to_pitch + at,
                     Isa::Multiply(own, factor),
                     static_cast<int>(rest < Isa::kLanes ? rest : Isa::kLanes));
    }
  }
}

template <class Isa>
void Attend(const AttendArgs& a) {
  float* keys = a.scratch;
  float* values = keys + VectorsOf<Isa>(a.keys) * Isa::kLanes * a.depth;
  float* scores = values + VectorsOf<Isa>(a.value_depth) * Isa::kLanes * a.keys;
  PackKeys<Isa>(a, keys);
  PackValues<Isa>(a, values);
  for (int64_t row = 0; row < a.rows; row += kAttendRows)
    AttendRows<Isa>(a, row, keys, values, scores);
}

}  // namespace
}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_ATTENTION_IMPL_H_
