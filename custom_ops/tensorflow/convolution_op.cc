#include "convolution_op.h"

namespace tfprune {

int64_t Columns(std::initializer_list<int64_t> sizes) {
  int64_t columns = 1;
  for (int64_t size : sizes) {
    if (size < 0 || size >> 31) return -1;
    columns *= size;
    if (columns >> 31) return -1;
  }
  return columns;
}

ConvShape ShapeOf(const Input& images, int64_t filters, int64_t groups) {
  ConvShape shape;
  shape.batch = images.dim(0);
  shape.height = images.dim(1);
  shape.width = images.dim(2);
  shape.channels = images.dim(3);
  shape.filters = filters;
  shape.groups = groups;
  return shape;
}

}  // namespace tfprune
