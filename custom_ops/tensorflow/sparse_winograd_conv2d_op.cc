// Tfprune>SparseWinogradConv2D: a convolution with sparse Winograd
// coefficients.

#include <algorithm>
#include <string>

#include "convolution_op.h"
#include "kernel_api.h"
#include "winograd_conv.h"

namespace tfprune {
namespace {

class SparseWinogradConv2DOp {
 public:
  SparseWinogradConv2DOp(TF_OpKernelConstruction* context, Status& status)
      : kernel_(Int(context, "kernel_size", status)),
        same_(String(context, "padding", status) == "SAME"),
        groups_(Int(context, "groups", status)),
        activation_(ActivationOf(context, status)),
        threads_(Threads(context, status)) {
    if (kernel_ != 3 && kernel_ != 5)
      status.Set(TF_INVALID_ARGUMENT, "kernel_size must be 3 or 5. Received: " +
                                          std::to_string(kernel_));
  }

  void Compute(TF_OpKernelContext* context, Status& status) {
    const Input x(context, kX, "x", 4, status);
    if (!status.ok()) return;
    const int64_t in = x.dim(3) / std::max<int64_t>(groups_, 1);
    const int64_t size = kernel_ + 3;
    const Weights weights(context, Columns({size, size, in}), status);
    if (!status.ok()) return;
    const ConvShape shape = Shape(x, weights.rows());
    const Input bias =
        Input::Optional(context, kBias, "bias", {shape.filters}, status);
    if (!status.ok()) return;
    Epilogue epilogue;
    epilogue.bias = bias.floats();
    epilogue.activation = activation_;
    const auto pack = [&](const Csr& csr) {
      return WinogradConv::Pack(csr, shape, threads_);
    };
    const auto packed =
        FindOrPack(cache_, weights, shape, CheckWinograd, pack, status);
    if (!status.ok()) return;
    Run(context, *packed, x, epilogue,
        {shape.batch, shape.out_height, shape.out_width, shape.filters},
        status);
  }

 private:
  ConvShape Shape(const Input& x, int64_t filters) const {
    ConvShape s = ShapeOf(x, filters, groups_);
    s.kernel_height = s.kernel_width = kernel_;
    s.pad_top = s.pad_left = same_ ? kernel_ / 2 : 0;
    const int64_t lost = same_ ? 0 : kernel_ - 1;
    s.out_height = std::max<int64_t>(s.height - lost, 0);
    s.out_width = std::max<int64_t>(s.width - lost, 0);
    return s;
  }

  const int64_t kernel_;
  const bool same_;
  const int64_t groups_;
  const Activation activation_;
  const int threads_;
  PackingCache<WinogradConv> cache_;
};

[[maybe_unused]] const bool kRegistered = [] {
  TF_OpDefinitionBuilder* builder = NewOp("Tfprune>SparseWinogradConv2D");
  for (const char* attribute :
       {"kernel_size: int = 3", "padding: {'SAME', 'VALID'} = 'VALID'",
        "groups: int = 1"})
    TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, InferRank4);
  RegisterOp(builder);
  Register<SparseWinogradConv2DOp>("Tfprune>SparseWinogradConv2D");
  return true;
}();

}  // namespace
}  // namespace tfprune
