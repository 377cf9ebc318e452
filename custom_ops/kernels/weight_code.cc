#include "weight_code.h"

#if defined(__x86_64__)

#include <algorithm>

#include "assembler.h"
#include "rounding.h"

namespace tfprune {
namespace {

constexpr int kLanes = 16;
constexpr int kVectorBytes = kLanes * sizeof(float);
constexpr size_t kLine = 64;
// Registers: the last one holds the input, the others sums.
constexpr int kMostSums = 31;
constexpr int kInput = 31;
// Bytes that 8-bit offsets of floats reach, in both directions.
constexpr int32_t kReach = 128 * sizeof(float);

constexpr auto kX = Assembler::kFirst;
constexpr auto kWeights = Assembler::kSecond;
constexpr auto kSums = Assembler::kThird;

struct Nonzero {
  int32_t offset;  // of what it multiplies, in floats
  int32_t sum;
  float value;
};

// Filters whose sums are in registers at the same time.
struct Group {
  int size;
  int64_t sums;                              // where they begin, in floats
  std::vector<std::vector<Nonzero>> blocks;  // of channels, by offset
};

}  // namespace

class WeightCode::Compiler {
 public:
  Compiler(WeightCode* to, const Csr& weights, const ConvShape& shape,
           const Tuning& tuning, const Addresses& addresses)
      : to_(*to),
        weights_(weights),
        shape_(shape),
        tuning_(tuning),
        addresses_(addresses) {}

  // Compiles a block of filters. All groups of it do a block of channels before
  // the next one, so that its input is fetched into the cache only once.
  void Block(int64_t begin, int64_t end) {
    to_.functions_.emplace_back();
    const int64_t count = DivideUp(end - begin, kMostSums);
    const int64_t step = DivideUp(end - begin, count);
    std::vector<Group> groups;
    for (int64_t from = begin; from < end; from += step)
      groups.push_back(MakeGroup(from, std::min(from + step, end),
                                 (from - begin) * tuning_.vectors * kLanes));
    for (size_t block = 0; block < groups[0].blocks.size(); ++block)
      for (const Group& group : groups)
        if (block == 0 || !group.blocks[block].empty())
          Emit(group, group.blocks[block], block > 0);
  }

  const std::vector<uint8_t>& code() const { return assembler_.code(); }

 private:
  Group MakeGroup(int64_t begin, int64_t end, int64_t sums) {
    Group group = {static_cast<int>(end - begin), sums, {}};
    auto& blocks = group.blocks;
    blocks.resize(
        std::max<int64_t>(DivideUp(shape_.channels, tuning_.channel_block), 1));
    ForEachNonzero(
        weights_, shape_, addresses_, begin, end,
        [&](int64_t filter, int64_t channel, int64_t offset, int64_t index) {
          blocks[channel / tuning_.channel_block].push_back(
              {static_cast<int32_t>(offset),
               static_cast<int32_t>(filter - begin), ValueAt(weights_, index)});
        });
    for (auto& block : blocks)
      std::stable_sort(block.begin(), block.end(),
                       [](const Nonzero& a, const Nonzero& b) {
                         return a.offset < b.offset;
                       });
    return group;
  }

  // A function of one position of a tile.
  void Emit(const Group& group, const std::vector<Nonzero>& nonzeros,
            bool goes_on) {
    Function function = {assembler_.position(), 0,
                         static_cast<int64_t>(to_.weights_.size()), group.sums};
    const int32_t pitch = static_cast<int32_t>(tuning_.vectors) * kVectorBytes;
    for (int i = 0; i < group.size; ++i)
      goes_on ? assembler_.Load(i, kSums, i * pitch) : assembler_.Zero(i);
    EmitProducts(nonzeros);
    for (int i = 0; i < group.size; ++i) assembler_.Store(i, kSums, i * pitch);
    assembler_.Return();
    function.end = assembler_.position();
    to_.functions_.back().push_back(function);
  }

  void EmitProducts(const std::vector<Nonzero>& nonzeros) {
    int32_t loaded = -1, weight = 0, base = 0;
    for (const Nonzero& nonzero : nonzeros) {
      if (nonzero.offset != loaded)
        assembler_.Load(kInput, kX, nonzero.offset * sizeof(float));
      loaded = nonzero.offset;
      if (weight - base >= kReach) {
        assembler_.Advance(kWeights, 2 * kReach);
        base += 2 * kReach;
      }
      assembler_.MultiplyAdd(nonzero.sum, kInput, kWeights, weight - base);
      to_.weights_.push_back(nonzero.value);
      weight += sizeof(float);
    }
  }

  WeightCode& to_;
  const Csr& weights_;
  const ConvShape& shape_;
  const Tuning& tuning_;
  const Addresses& addresses_;
  Assembler assembler_;
};

WeightCode::WeightCode(const Csr& weights, const ConvShape& shape,
                       const Tuning& tuning, const Addresses& addresses)
    : vectors_(tuning.vectors) {
  weights_.reserve(weights.nonzeros);
  Compiler compiler(this, weights, shape, tuning, addresses);
  for (int64_t begin = 0; begin < shape.filters; begin += tuning.filter_block)
    compiler.Block(begin, std::min(begin + tuning.filter_block, shape.filters));
  code_ = std::make_unique<ExecutableMemory>(compiler.code());
}

void WeightCode::Multiply(int64_t filter_block, const float* x,
                          float* sums) const {
  for (const Function& function : functions_[filter_block])
    Run(function, x, sums);
}

// Hardware does not prefetch code as it does data. So while a function runs, as
// many bytes of the code behind it are prefetched into the L2 cache, a share of
// them at each position, since only a few cache misses can be outstanding.
void WeightCode::Run(const Function& f, const float* x, float* sums) const {
  const auto run = reinterpret_cast<Code>(
      reinterpret_cast<uintptr_t>(code_->data()) + f.begin);
  const size_t end = std::min(2 * f.end - f.begin, code_->size());
  const size_t share = RoundUp(DivideUp(f.end - f.begin, vectors_), kLine);
  size_t ahead = f.end;
  for (int64_t v = 0; v < vectors_; ++v) {
    const size_t stop = std::min(ahead + share, end);
    for (; ahead < stop; ahead += kLine)
      __builtin_prefetch(code_->data() + ahead, 0, 2);
    run(x + v * kLanes, weights_.data() + f.weights,
        sums + f.sums + v * kLanes);
  }
}

}  // namespace tfprune

#endif  // defined(__x86_64__)
