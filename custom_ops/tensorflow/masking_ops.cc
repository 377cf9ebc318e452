// Tfprune>Where, Tfprune>Reveal, Tfprune>Hysteresis and
// Tfprune>ShownHysteresis: masks in a step of training.

#include <string>

#include "kernel_api.h"
#include "masking.h"
#include "parallel.h"

namespace tfprune {
namespace {

// Two inputs of one shape, which the output has, too.
void Match(const Input& one, const Input& other, const char* names,
           Status& status) {
  if (status.ok() && one.shape() != other.shape())
    status.Set(TF_INVALID_ARGUMENT,
               std::string(names) + " must have one shape. Received: " +
                   std::to_string(one.count()) + " and " +
                   std::to_string(other.count()) + " elements");
}

// Runs `where` of a mask and values that are input already.
void Select(TF_OpKernelContext* context, const Input& mask, const Input& one,
            const float* other, int threads, Status& status) {
  Where where;
  where.mask = mask.data<uint8_t>();
  where.one = one.data<float>();
  where.other = other;
  where.count = one.count();
  where.to = Output<float>(context, 0, one.shape(), {}, status);
  if (status.ok()) where.Run(threads, PoolFor);
}

class MaskingOp {
 public:
  MaskingOp(TF_OpKernelConstruction* context, Status& status)
      : threads_(Threads(context, status)) {}

 protected:
  const int threads_;
};

class WhereOp : public MaskingOp {
 public:
  using MaskingOp::MaskingOp;

  void Compute(TF_OpKernelContext* context, Status& status) {
    const Input mask(context, 0, status), one(context, 1, status);
    Match(mask, one, "mask and one", status);
    if (!status.ok()) return;
    const Input other =
        Input::Optional(context, 2, "other", one.shape(), status);
    if (status.ok())
      Select(context, mask, one, other.floats(), threads_, status);
  }
};

// What an op may write in place has one owner: two tensors in one place, of
// which one was kept since, are equal.
bool Share(const Input& one, const Input& other) {
  return one.data<float>() == other.data<float>();
}

class RevealOp : public MaskingOp {
 public:
  using MaskingOp::MaskingOp;

  void Compute(TF_OpKernelContext* context, Status& status) {
    const Input mask(context, 0, status), shown(context, 1, status);
    const Input hidden(context, 2, status);
    const Input left_shown(context, 3, status), left_hidden(context, 4, status);
    Match(mask, shown, "mask and shown", status);
    Match(shown, hidden, "shown and hidden", status);
    if (!status.ok()) return;
    if (Share(hidden, left_hidden)) {
      // A step began and did not end: the variable has what is learned.
      if (Share(left_shown, left_hidden)) return Return(context, shown, status);
      if (Share(shown, left_shown)) return Return(context, hidden, status);
    }
    Select(context, mask, shown, hidden.floats(), threads_, status);
  }

 private:
  static void Return(TF_OpKernelContext* context, const Input& input,
                     Status& status) {
    TF_SetOutput(context, 0, input.get(), status.get());
  }
};

template <bool kShows>
class HysteresisOp : public MaskingOp {
 public:
  using MaskingOp::MaskingOp;

  void Compute(TF_OpKernelContext* context, Status& status) {
    const Input weights(context, 0, status), kept(context, 1, status);
    Match(weights, kept, "weights and kept", status);
    const Input lower(context, 2, "lower", 0, status);
    const Input upper(context, 3, "upper", 0, status);
    if (!status.ok()) return;
    Hysteresis decide;
    decide.weights = weights.data<float>();
    decide.kept = kept.data<uint8_t>();
    decide.lower = *lower.floats();
    decide.upper = *upper.floats();
    decide.count = weights.count();
    decide.to = Output<uint8_t>(context, 0, weights.shape(), {}, status);
    if (kShows)
      decide.shown = Output<float>(context, 1, weights.shape(), {}, status);
    if (status.ok()) decide.Run(threads_, PoolFor);
  }
};

template <class Kernel>
bool Add(const char* name, std::initializer_list<const char*> inputs,
         std::initializer_list<const char*> outputs) {
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs)
    TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : outputs)
    TF_OpDefinitionBuilderAddOutput(builder, output);
  TF_OpDefinitionBuilderAddAttr(builder, "num_threads: int = 0");
  const auto shapes = outputs.size() == 1 ? ShapesOfFirst<1> : ShapesOfFirst<2>;
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, shapes);
  RegisterOp(builder);
  Register<Kernel>(name);
  return true;
}

constexpr std::initializer_list<const char*> kLimits = {
    "weights: float", "kept: bool", "lower: float", "upper: float"};

[[maybe_unused]] const bool kRegistered =
    Add<WhereOp>("Tfprune>Where", {"mask: bool", "one: float", "other: float"},
                 {"y: float"}) &&
    Add<RevealOp>("Tfprune>Reveal",
                  {"mask: bool", "shown: float", "hidden: float",
                   "left_shown: float", "left_hidden: float"},
                  {"y: float"}) &&
    Add<HysteresisOp<false>>("Tfprune>Hysteresis", kLimits, {"y: bool"}) &&
    Add<HysteresisOp<true>>("Tfprune>ShownHysteresis", kLimits,
                            {"mask: bool", "shown: float"});

}  // namespace
}  // namespace tfprune
