#include "layout.h"

#include <algorithm>

#include "rounding.h"

namespace tfprune {

Layout::Axis::Axis(int64_t in, int64_t out, int64_t kernel, int64_t stride,
                   int64_t dilation, int64_t pad)
    : in(in), out(out), stride(stride), dilation(dilation), pad(pad) {
  for (int64_t tap = 0; tap < kernel; ++tap)
    phases.push_back(tap * dilation % stride);
  std::sort(phases.begin(), phases.end());
  phases.erase(std::unique(phases.begin(), phases.end()), phases.end());
  most_shift = ShiftOf(kernel - 1);
  // Zeros behind one row may be those before the next, as far as all phases
  // have both.
  const int64_t size = out + most_shift;
  int64_t shared = most_shift;
  for (size_t phase = 0; phase < phases.size(); ++phase) {
    int64_t before = 0, behind = 0;
    while (before < shared && Input(before, phase) < 0) ++before;
    while (behind < shared && Input(size - 1 - behind, phase) >= in) ++behind;
    shared = std::min(before, behind);
  }
  pitch = size - shared;
}

int64_t Layout::Axis::PhaseOf(int64_t tap) const {
  const auto found =
      std::lower_bound(phases.begin(), phases.end(), tap * dilation % stride);
  return found - phases.begin();
}

Layout::Layout(const ConvShape& s, int64_t images, int64_t lanes)
    : batch_(s.batch),
      images_(images),
      lanes_(lanes),
      y_(s.height, s.out_height, s.kernel_height, s.stride_height,
         s.dilation_height, s.pad_top),
      x_(s.width, s.out_width, s.kernel_width, s.stride_width, s.dilation_width,
         s.pad_left),
      strip_(DivideUp((s.out_height - 1) * x_.pitch + s.out_width,
                      lanes / images)),
      halo_(y_.most_shift * x_.pitch + x_.most_shift) {}

int64_t Layout::groups() const { return DivideUp(batch_, images_); }

int64_t Layout::First(int64_t lane) const {
  return lane % (lanes_ / images_) * strip_;
}

int64_t Layout::PhaseOf(int64_t tap_y, int64_t tap_x) const {
  const int64_t columns = x_.phases.size();
  return y_.PhaseOf(tap_y) * columns + x_.PhaseOf(tap_x);
}

int64_t Layout::ShiftOf(int64_t tap_y, int64_t tap_x) const {
  return y_.ShiftOf(tap_y) * x_.pitch + x_.ShiftOf(tap_x);
}

std::vector<int32_t> Layout::InputPixels(int64_t phase, int64_t size) const {
  const int64_t columns = x_.phases.size();
  std::vector<int32_t> pixels;
  pixels.reserve(lanes_ * size);
  for (int64_t lane = 0; lane < lanes_; ++lane) {
    const int64_t image = lane / (lanes_ / images_);
    for (int64_t i = First(lane); i < First(lane) + size; ++i) {
      const int64_t y = y_.Input(i / x_.pitch, phase / columns);
      const int64_t x = x_.Input(i % x_.pitch, phase % columns);
      const bool inside = y >= 0 && y < y_.in && x >= 0 && x < x_.in;
      pixels.push_back(inside ? (image * y_.in + y) * x_.in + x : -1);
    }
  }
  return pixels;
}

std::vector<int32_t> Layout::OutputPixels(int64_t size) const {
  std::vector<int32_t> pixels;
  pixels.reserve(lanes_ * size);
  for (int64_t lane = 0; lane < lanes_; ++lane) {
    const int64_t image = lane / (lanes_ / images_);
    for (int64_t i = 0; i < size; ++i) {
      const int64_t y = (First(lane) + i) / x_.pitch;
      const int64_t x = (First(lane) + i) % x_.pitch;
      const bool inside = i < strip_ && y < y_.out && x < x_.out;
      pixels.push_back(inside ? (image * y_.out + y) * x_.out + x : -1);
    }
  }
  return pixels;
}

}  // namespace tfprune
