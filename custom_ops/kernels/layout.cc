#include "layout.h"

#include <algorithm>

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

Layout::Layout(const ConvShape& s, int64_t images)
    : batch_(s.batch),
      images_(images),
      y_(s.height, s.out_height, s.kernel_height, s.stride_height,
         s.dilation_height, s.pad_top),
      x_(s.width, s.out_width, s.kernel_width, s.stride_width, s.dilation_width,
         s.pad_left),
      length_(((images - 1) * y_.pitch + s.out_height - 1) * x_.pitch +
              s.out_width),
      halo_(y_.most_shift * x_.pitch + x_.most_shift) {}

int64_t Layout::groups() const { return (batch_ + images_ - 1) / images_; }

int64_t Layout::PhaseOf(int64_t tap_y, int64_t tap_x) const {
  const int64_t columns = x_.phases.size();
  return y_.PhaseOf(tap_y) * columns + x_.PhaseOf(tap_x);
}

int64_t Layout::ShiftOf(int64_t tap_y, int64_t tap_x) const {
  return y_.ShiftOf(tap_y) * x_.pitch + x_.ShiftOf(tap_x);
}

std::vector<int32_t> Layout::InputPixels(int64_t phase, int64_t size) const {
  const int64_t columns = x_.phases.size();
  std::vector<int32_t> pixels(size, -1);
  for (int64_t i = 0; i < size; ++i) {
    const int64_t row = i / x_.pitch, image = row / y_.pitch;
    const int64_t y = y_.Input(row % y_.pitch, phase / columns);
    const int64_t x = x_.Input(i % x_.pitch, phase % columns);
    const bool inside =
        image < images_ && y >= 0 && y < y_.in && x >= 0 && x < x_.in;
    if (inside) pixels[i] = (image * y_.in + y) * x_.in + x;
  }
  return pixels;
}

std::vector<int32_t> Layout::OutputPixels(int64_t size) const {
  std::vector<int32_t> pixels(size, -1);
  for (int64_t i = 0; i < size; ++i) {
    const int64_t row = i / x_.pitch, image = row / y_.pitch;
    const int64_t y = row % y_.pitch, x = i % x_.pitch;
    if (image < images_ && y < y_.out && x < x_.out)
      pixels[i] = (image * y_.out + y) * x_.out + x;
  }
  return pixels;
}

}  // namespace tfprune
