#include "conv_shape.h"

#include <limits>
#include <tuple>
#include <utility>

namespace tfprune {
namespace {

constexpr int64_t kMost = std::numeric_limits<int32_t>::max();

std::string Complain(const std::string& name, const std::string& expected,
                     int64_t received) {
  return name + " must be " + expected +
         ". Received: " + std::to_string(received);
}

// Multiplies sizes that are in [0, 2^31); kMost + 1 stands for more.
int64_t Product(std::initializer_list<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes) {
    if (size == 0) return 0;
    product = product > kMost / size ? kMost + 1 : product * size;
  }
  return product;
}

// Output pixel `out - 1` must begin within the padded input: what lies behind
// that reads nothing but zeros, and is a mistake.
std::string CheckAxis(const std::string& axis, int64_t in, int64_t kernel,
                      int64_t stride, int64_t dilation, int64_t pad,
                      int64_t out) {
  if (kernel < 1 || kernel > kMost)
    return Complain("kernel " + axis, "1 or more", kernel);
  if (stride < 1 || stride > kMost)
    return Complain("stride " + axis, "1 or more", stride);
  if (dilation < 1 || dilation > kMost)
    return Complain("dilation " + axis, "1 or more", dilation);
  const int64_t reach = Product({kernel - 1, dilation}) + 1;
  if (reach > kMost)
    return Complain("dilated kernel " + axis, "less than 2^31", reach);
  if (pad < 0 || pad >= reach)
    return Complain("padding " + axis,
                    "from 0 to less than the kernel's " + std::to_string(reach),
                    pad);
  // Up to as much padding at the end.
  const int64_t room = in + pad + reach - 1;
  const int64_t most = room < reach ? 0 : (room - reach) / stride + 1;
  if (out < 0 || out > most)
    return Complain("output " + axis,
                    "from 0 to the " + std::to_string(most) +
                        " that input and padding have room for",
                    out);
  return "";
}

}  // namespace

bool IsPointwise(const ConvShape& s) {
  return s.kernel_height * s.kernel_width == 1 &&
         s.stride_height * s.stride_width == 1 && s.out_height == s.height &&
         s.out_width == s.width;
}

std::string Check(const ConvShape& s, const Csr& weights) {
  const std::pair<const char*, int64_t> sizes[] = {
      {"batch", s.batch},           {"height", s.height},
      {"width", s.width},           {"channels", s.channels},
      {"filters", s.filters},       {"output height", s.out_height},
      {"output width", s.out_width}};
  for (const auto& [name, size] : sizes) {
    if (size < 0 || size > kMost)
      return Complain(name, "from 0 to 2^31 - 1", size);
  }
  std::string problem =
      CheckAxis("height", s.height, s.kernel_height, s.stride_height,
                s.dilation_height, s.pad_top, s.out_height);
  if (problem.empty())
    problem = CheckAxis("width", s.width, s.kernel_width, s.stride_width,
                        s.dilation_width, s.pad_left, s.out_width);
  if (!problem.empty()) return problem;
  if (s.groups < 1 || s.channels % s.groups || s.filters % s.groups)
    return Complain("groups", "a divisor of channels and filters", s.groups);
  // Pixels are counted in 32 bits, padded ones included.
  const int64_t padded =
      Product({s.batch, s.height + 2 * s.kernel_height * s.dilation_height,
               s.width + 2 * s.kernel_width * s.dilation_width});
  if (padded > kMost)
    return Complain("batch * height * width", "less than 2^31", padded);
  if (weights.rows != s.filters)
    return Complain("rows of the weights",
                    "the number of filters, " + std::to_string(s.filters),
                    weights.rows);
  const int64_t columns =
      Product({s.kernel_height, s.kernel_width, s.channels / s.groups});
  if (weights.columns != columns)
    return Complain("columns of the weights",
                    "kernel height * kernel width * channels / groups, " +
                        std::to_string(columns),
                    weights.columns);
  return "";
}

std::string Check(const PoolShape& p, const ConvShape& shape) {
  const std::tuple<const char*, int64_t, int64_t, int64_t, int64_t, int64_t>
      axes[] = {{"height", shape.out_height, p.height, p.stride_height,
                 p.pad_top, p.out_height},
                {"width", shape.out_width, p.width, p.stride_width, p.pad_left,
                 p.out_width}};
  for (const auto& [axis, in, window, stride, pad, out] : axes) {
    const std::string name = std::string("pooling ") + axis;
    std::string problem = CheckAxis(name, in, window, stride, 1, pad, out);
    if (!problem.empty()) return problem;
    // The last window must have something to take the maximum of.
    if (out > 0 && (out - 1) * stride - pad >= in)
      return Complain("output " + name, "windows that touch the input", out);
  }
  return "";
}

}  // namespace tfprune
