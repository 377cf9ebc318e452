// Tfprune>SparseWinogradConv2D: a convolution with sparse Winograd
// coefficients.

#include <algorithm>
#include <memory>

#include "kernel_api.h"
#include "packing_cache.h"
#include "winograd_conv.h"

namespace tfprune {
namespace {

enum : int { kX, kWeights, kBias = kWeights + kWeightInputs };

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
    const Weights weights(context, kWeights, Columns(x.dim(3)), status);
    if (!status.ok()) return;
    const Csr csr = weights.View();
    const ConvShape shape = Shape(x, csr.rows);
    const Input bias =
        Input::Optional(context, kBias, "bias", {csr.rows}, status);
    if (!status.ok()) return;
    const auto packed =
        FindOrPack(cache_,
                   {weights.stamp, csr.nonzeros, csr.rows, shape.batch,
                    shape.height, shape.width, shape.channels},
                   [&] { return Pack(csr, shape, status); });
    if (!status.ok()) return;
    float* y =
        Output(context,
               {shape.batch, shape.out_height, shape.out_width, shape.filters},
               status);
    if (!status.ok()) return;
    Epilogue epilogue;
    epilogue.bias = bias.empty() ? nullptr : bias.data<float>();
    epilogue.activation = activation_;
    if (!packed->Run(x.data<float>(), epilogue, y, PoolFor))
      status.Set(TF_RESOURCE_EXHAUSTED, "no memory for a convolution");
  }

 private:
  // -1, which no index fits, for more than there can be.
  int64_t Columns(int64_t channels) const {
    const int64_t size = kernel_ + 3;
    const int64_t in = channels / std::max<int64_t>(groups_, 1);
    return in >> 24 ? -1 : size * size * in;
  }

  ConvShape Shape(const Input& x, int64_t filters) const {
    ConvShape s;
    s.batch = x.dim(0);
    s.height = x.dim(1);
    s.width = x.dim(2);
    s.channels = x.dim(3);
    s.filters = filters;
    s.kernel_height = s.kernel_width = kernel_;
    s.groups = groups_;
    s.pad_top = s.pad_left = same_ ? kernel_ / 2 : 0;
    const int64_t lost = same_ ? 0 : kernel_ - 1;
    s.out_height = std::max<int64_t>(s.height - lost, 0);
    s.out_width = std::max<int64_t>(s.width - lost, 0);
    return s;
  }

  std::shared_ptr<const WinogradConv> Pack(const Csr& csr,
                                           const ConvShape& shape,
                                           Status& status) const {
    if (!status.Accept(CheckWinograd(shape, csr)) || !status.Accept(Check(csr)))
      return nullptr;
    std::shared_ptr<const WinogradConv> packed =
        WinogradConv::Pack(csr, shape, threads_);
    if (!packed)
      status.Set(TF_RESOURCE_EXHAUSTED, "no memory to pack sparse weights");
    return packed;
  }

  const int64_t kernel_;
  const bool same_;
  const int64_t groups_;
  const Activation activation_;
  const int threads_;
  PackingCache<WinogradConv> cache_;
};

// Height and width are not known here; the Python function sets them.
void InferShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle* x = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, kX, x, status);
  TF_ShapeInferenceContextWithRank(context, x, 4, x, status);
  if (TF_GetCode(status) == TF_OK)
    TF_ShapeInferenceContextSetUnknownShape(context, status);
  TF_DeleteShapeHandle(x);
}

[[maybe_unused]] const bool kRegistered = [] {
  TF_OpDefinitionBuilder* builder =
      TF_NewOpDefinitionBuilder("Tfprune>SparseWinogradConv2D");
  TF_OpDefinitionBuilderAddInput(builder, "x: float");
  AddWeights(builder);
  TF_OpDefinitionBuilderAddInput(builder, "bias: float");
  TF_OpDefinitionBuilderAddOutput(builder, "y: float");
  for (const char* attribute :
       {"kernel_size: int = 3", "padding: {'SAME', 'VALID'} = 'VALID'",
        "groups: int = 1"})
    TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, InferShape);
  RegisterOp(builder);
  Register<SparseWinogradConv2DOp>("Tfprune>SparseWinogradConv2D");
  return true;
}();

}  // namespace
}  // namespace tfprune
