// Tfprune>Normalize: layer normalization over the last axis, in one pass.

#include "kernel_api.h"
#include "normalization.h"

namespace tfprune {
namespace {

class NormalizeOp {
 public:
  NormalizeOp(TF_OpKernelConstruction* context, Status& status)
      : threads_(Threads(context, status)),
        epsilon_(Float(context, "epsilon", status)),
        centered_(Int(context, "centered", status) != 0) {}

  void Compute(TF_OpKernelContext* context, Status& status) {
    const Input x = Input::Rows(context, 0, "x", status);
    if (!status.ok()) return;
    const std::vector<int64_t> width = {x.width()};
    const Input gamma = Input::Optional(context, 1, "gamma", width, status);
    const Input beta = Input::Optional(context, 2, "beta", width, status);
    if (!status.ok()) return;
    NormalizeArgs args;
    args.from = x.data<float>();
    args.rows = x.rows();
    args.width = x.width();
    args.gamma = gamma.floats();
    args.beta = beta.floats();
    args.epsilon = epsilon_;
    args.centered = centered_;
    args.to = Output<float>(context, 0, x.shape(), {}, status);
    if (status.ok()) NormalizeRows(args, threads_, PoolFor);
  }

 private:
  const int threads_;
  const float epsilon_;
  const bool centered_;
};

[[maybe_unused]] const bool kRegistered = [] {
  TF_OpDefinitionBuilder* builder =
      TF_NewOpDefinitionBuilder("Tfprune>Normalize");
  for (const char* input : {"x: float", "gamma: float", "beta: float"})
    TF_OpDefinitionBuilderAddInput(builder, input);
  TF_OpDefinitionBuilderAddOutput(builder, "y: float");
  for (const char* attribute :
       {"epsilon: float", "centered: int = 1", "num_threads: int = 0"})
    TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, ShapesOfFirst<1>);
  RegisterOp(builder);
  Register<NormalizeOp>("Tfprune>Normalize");
  return true;
}();

}  // namespace
}  // namespace tfprune
