// How the pixels of a convolution are laid out in vectors.

#ifndef TFPRUNE_KERNELS_LAYOUT_H_
#define TFPRUNE_KERNELS_LAYOUT_H_

#include <cstdint>
#include <vector>

#include "conv_shape.h"

namespace tfprune {

// The output of an image, with the padding between rows, is one long line, cut
// into strips: one for each of the lanes that the image has. Strided
// convolutions read from several lines, one for each phase: every stride-th row
// and column from `phase` on. A tap of the kernel is then a phase and a shift
// along its line.
//
// Padding is shared: what is behind a row is what is before the next one.
class Layout {
 public:
  // `lanes` is a multiple of `images`, the images that share a vector.
  Layout(const ConvShape& shape, int64_t images, int64_t lanes);

  int64_t groups() const;  // of images
  // Positions of a lane.
  int64_t strip() const { return strip_; }
  // How much further taps look.
  int64_t halo() const { return halo_; }
  int64_t phases() const { return y_.phases.size() * x_.phases.size(); }

  int64_t PhaseOf(int64_t tap_y, int64_t tap_x) const;
  int64_t ShiftOf(int64_t tap_y, int64_t tap_x) const;

  // For `size` positions of each lane in a phase the input pixel, -1 for zeros.
  std::vector<int32_t> InputPixels(int64_t phase, int64_t size) const;
  // For `size` positions of each lane the output pixel, -1 for none.
  std::vector<int32_t> OutputPixels(int64_t size) const;

 private:
  // One of the two dimensions of an image.
  struct Axis {
    Axis(int64_t in, int64_t out, int64_t kernel, int64_t stride,
         int64_t dilation, int64_t pad);
    int64_t PhaseOf(int64_t tap) const;
    int64_t ShiftOf(int64_t tap) const { return tap * dilation / stride; }
    int64_t Input(int64_t position, int64_t phase) const {
      return position * stride + phases[phase] - pad;
    }

    int64_t in, out, stride, dilation, pad;
    std::vector<int64_t> phases;  // where they begin, below the stride
    int64_t most_shift, pitch;
  };

  // Where a lane's strip begins in the line of its image.
  int64_t First(int64_t lane) const;

  int64_t batch_, images_, lanes_;
  Axis y_, x_;
  int64_t strip_, halo_;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_LAYOUT_H_
