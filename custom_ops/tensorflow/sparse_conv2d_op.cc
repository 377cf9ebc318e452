// Tfprune>SparseConv2D: a convolution with sparse filters.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "convolution.h"
#include "convolution_op.h"
#include "depthwise_conv.h"
#include "kernel_api.h"
#include "sparse_conv.h"

namespace tfprune {
namespace {

enum : int { kResidual = kOwn };

// Two numbers, of height and width.
struct Pair {
  int64_t y = 1, x = 1;
};

Pair PairOf(TF_OpKernelConstruction* context, const char* name,
            Status& status) {
  const std::vector<int64_t> list = IntList(context, name, status);
  if (status.ok() && list.size() == 2) return {list[0], list[1]};
  status.Set(TF_INVALID_ARGUMENT, std::string(name) +
                                      " must have 2 numbers. Received: " +
                                      std::to_string(list.size()));
  return {};
}

// Padding before the input along an axis, and the number of outputs. Sizes are
// in [0, 2^31), or Check refuses them later.
struct Placement {
  int64_t before = 0, out = 0;
};

Placement Place(const std::string& padding, int64_t in, int64_t kernel,
                int64_t stride, int64_t dilation, int64_t before,
                int64_t behind) {
  constexpr int64_t kMost = int64_t{1} << 31;
  for (int64_t size : {kernel, stride, dilation})
    if (size < 1 || size > kMost) return {};
  const int64_t reach = (kernel - 1) * dilation + 1;
  if (padding == "SAME") {
    const int64_t out = (in + stride - 1) / stride;
    const int64_t all = std::max<int64_t>((out - 1) * stride + reach - in, 0);
    return {all / 2, out};
  }
  if (padding == "VALID") before = behind = 0;
  const int64_t room = in + before + behind - reach;
  return {before, room < 0 ? 0 : room / stride + 1};
}

class SparseConv2DOp {
 public:
  SparseConv2DOp(TF_OpKernelConstruction* context, Status& status)
      : kernel_(PairOf(context, "kernel_size", status)),
        strides_(PairOf(context, "strides", status)),
        dilations_(PairOf(context, "dilations", status)),
        padding_(String(context, "padding", status)),
        explicit_(IntList(context, "explicit_paddings", status)),
        groups_(Int(context, "groups", status)),
        pool_size_(IntList(context, "pool_size", status)),
        pool_strides_(PairOf(context, "pool_strides", status)),
        pool_padding_(String(context, "pool_padding", status)),
        activation_(ActivationOf(context, status)),
        threads_(Threads(context, status)) {
    const size_t wanted = padding_ == "EXPLICIT" ? 4 : 0;
    const auto outside = [](int64_t pad) { return pad < 0 || pad >> 31; };
    if (explicit_.size() != wanted ||
        std::any_of(explicit_.begin(), explicit_.end(), outside))
      status.Set(TF_INVALID_ARGUMENT,
                 "explicit_paddings must have 4 numbers from 0 on (top, "
                 "bottom, left, right) for padding EXPLICIT, and none for "
                 "others. Received: " +
                     std::to_string(explicit_.size()));
    if (!pool_size_.empty() && pool_size_.size() != 2)
      status.Set(TF_INVALID_ARGUMENT,
                 "pool_size must have 2 numbers, or none. Received: " +
                     std::to_string(pool_size_.size()));
    explicit_.resize(4);
  }

  void Compute(TF_OpKernelContext* context, Status& status) {
    const Input x(context, kX, "x", 4, status);
    if (!status.ok()) return;
    const int64_t in = x.dim(3) / std::max<int64_t>(groups_, 1);
    const Weights weights(context, Columns({kernel_.y, kernel_.x, in}), status);
    if (!status.ok()) return;
    const ConvShape shape = Shape(x, weights.rows());
    const Input bias =
        Input::Optional(context, kBias, "bias", {shape.filters}, status);
    Epilogue epilogue;
    epilogue.residual = ResidualOf(context, shape, status);
    if (!status.ok()) return;
    epilogue.bias = bias.floats();
    epilogue.activation = activation_;
    epilogue.pool = PoolOf(shape);
    const auto pack = [&](const Csr& csr) { return Pack(csr, shape); };
    const auto packed = FindOrPack(cache_, weights, shape, Check, pack, status);
    if (!status.ok() || !CheckPool(epilogue, shape, status)) return;
    Run(context, *packed, x, epilogue, OutputShape(epilogue.pool, shape),
        status, {kResidual});
  }

 private:
  std::unique_ptr<const Convolution> Pack(const Csr& weights,
                                          const ConvShape& shape) const {
    if (DepthwiseConv::Fits(shape) && pool_size_.empty())
      return DepthwiseConv::Pack(weights, shape, threads_);
    return SparseConv::Pack(weights, shape, threads_);
  }

  // The context alone owns the result, so that the output may take its memory.
  static const float* ResidualOf(TF_OpKernelContext* context,
                                 const ConvShape& s, Status& status) {
    const Input residual = Input::Optional(
        context, kResidual, "residual",
        {s.batch, s.out_height, s.out_width, s.filters}, status);
    return status.ok() ? residual.floats() : nullptr;
  }

  ConvShape Shape(const Input& x, int64_t filters) const {
    ConvShape s = ShapeOf(x, filters, groups_);
    s.kernel_height = kernel_.y;
    s.kernel_width = kernel_.x;
    s.stride_height = strides_.y;
    s.stride_width = strides_.x;
    s.dilation_height = dilations_.y;
    s.dilation_width = dilations_.x;
    const Placement y = Place(padding_, s.height, kernel_.y, strides_.y,
                              dilations_.y, explicit_[0], explicit_[1]);
    const Placement at = Place(padding_, s.width, kernel_.x, strides_.x,
                               dilations_.x, explicit_[2], explicit_[3]);
    s.pad_top = y.before;
    s.out_height = y.out;
    s.pad_left = at.before;
    s.out_width = at.out;
    return s;
  }

  PoolShape PoolOf(const ConvShape& s) const {
    PoolShape pool;
    if (pool_size_.empty()) return pool;
    const Placement y = Place(pool_padding_, s.out_height, pool_size_[0],
                              pool_strides_.y, 1, 0, 0);
    const Placement x = Place(pool_padding_, s.out_width, pool_size_[1],
                              pool_strides_.x, 1, 0, 0);
    pool.height = pool_size_[0];
    pool.width = pool_size_[1];
    pool.stride_height = pool_strides_.y;
    pool.stride_width = pool_strides_.x;
    pool.pad_top = y.before;
    pool.pad_left = x.before;
    pool.out_height = y.out;
    pool.out_width = x.out;
    return pool;
  }

  bool CheckPool(const Epilogue& epilogue, const ConvShape& shape,
                 Status& status) const {
    if (pool_size_.empty()) return true;
    if (epilogue.residual)
      return status.Accept(
          "residual must be left out where pool_size is given. Received: both");
    return status.Accept(Check(epilogue.pool, shape));
  }

  std::vector<int64_t> OutputShape(const PoolShape& pool,
                                   const ConvShape& s) const {
    if (pool_size_.empty())
      return {s.batch, s.out_height, s.out_width, s.filters};
    return {s.batch, pool.out_height, pool.out_width, s.filters};
  }

  const Pair kernel_, strides_, dilations_;
  const std::string padding_;
  std::vector<int64_t> explicit_;  // top, bottom, left, right
  const int64_t groups_;
  const std::vector<int64_t> pool_size_;
  const Pair pool_strides_;
  const std::string pool_padding_;
  const Activation activation_;
  const int threads_;
  PackingCache<Convolution> cache_;
};

[[maybe_unused]] const bool kRegistered = [] {
  TF_OpDefinitionBuilder* builder = NewOp("Tfprune>SparseConv2D");
  TF_OpDefinitionBuilderAddInput(builder, "residual: float");
  for (const char* attribute :
       {"kernel_size: list(int)", "strides: list(int) = [1, 1]",
        "dilations: list(int) = [1, 1]",
        "padding: {'SAME', 'VALID', 'EXPLICIT'} = 'VALID'",
        "explicit_paddings: list(int) = []", "groups: int = 1",
        "pool_size: list(int) = []", "pool_strides: list(int) = [1, 1]",
        "pool_padding: {'SAME', 'VALID'} = 'VALID'"})
    TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, InferRank4);
  RegisterOp(builder);
  Register<SparseConv2DOp>("Tfprune>SparseConv2D");
  return true;
}();

}  // namespace
}  // namespace tfprune
