// Every implementation on the layers of a shape file, one thread:
//
//   make -C custom_ops bench SPARSITY=0.9 BATCH=1
//
// For each: how many times faster than the reference loops, and how near to
// the pace of the best inner loop on data that never leaves the L1 cache.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "problems.h"
#include "reference.h"
#include "sparse_conv.h"

namespace tfprune {
namespace {

double Seconds(int repeats, const std::function<void()>& work) {
  double least = 1e9;
  for (int i = 0; i < repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - begin;
    least = std::min(least, taken.count());
  }
  return least;
}

// Multiplications per second of an inner loop on data in the L1 cache.
double Pace(const LaneKernels& kernels) {
  const int vectors = std::min(kernels.most_vectors, 12);
  const std::vector<float> values(1 << 16, 1e-9f);
  const std::vector<int32_t> offsets(values.size(), 0);
  const size_t count = RowsAtOnce(vectors);
  const std::vector<Row> rows(
      count, Row{0, static_cast<int32_t>(values.size() / count)});
  std::vector<float> memory(2 * 16 * kMostVectors + 16);
  float* x = memory.data();
  while (reinterpret_cast<uintptr_t>(x) % 64) ++x;
  const double seconds = Seconds(50, [&] {
    kernels.multiply_far.begin[vectors](rows.data(), rows.data() + count,
                                        values.data(), offsets.data(), x,
                                        x + 16 * kMostVectors);
  });
  return values.size() * vectors * kernels.lanes / seconds;
}

void Measure(const std::string& name, const ConvShape& shape, double sparsity,
             double pace) {
  std::mt19937 random(1);
  const Matrix matrix = RandomMatrix(
      shape.filters,
      shape.kernel_height * shape.kernel_width * shape.channels / shape.groups,
      sparsity, random);
  const auto input = RandomFloats(shape.InputPixels() * shape.channels, random);
  std::vector<float> output(shape.OutputPixels() * shape.filters);
  const double reference = Seconds(1, [&] {
    ReferenceConv(matrix.View(), shape, input.data(), {}, output.data());
  });
  std::printf("%-22s", name.c_str());
  for (const LaneKernels* kernels : AllLaneKernels()) {
    if (!kernels->runs_here()) continue;
    const auto conv = SparseConv::Pack(matrix.View(), shape, 1, *kernels);
    const double seconds = Seconds(
        200, [&] { conv->Run(input.data(), {}, output.data(), SerialFor); });
    const double work =
        static_cast<double>(matrix.values.size()) * shape.OutputPixels();
    std::printf("  %s %5.0fx %3.0f%%", kernels->name, reference / seconds,
                100 * work / pace / seconds);
  }
  std::printf("\n");
}

int Main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::ifstream file(argv[1]);
  const double sparsity = std::atof(argv[2]);
  double pace = 0;
  for (const LaneKernels* kernels : AllLaneKernels())
    if (kernels->runs_here() && !kernels->generates_code)
      pace = std::max(pace, Pace(*kernels));
  std::printf(
      "%.0f%% sparse, batch %s: times the reference, %% of the pace in L1\n",
      100 * sparsity, argv[3]);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line.substr(0, line.find('#')));
    std::string name, padding;
    ConvShape s;
    s.batch = std::atoll(argv[3]);
    if (!(fields >> name >> s.channels >> s.height >> s.filters >>
          s.kernel_height >> s.stride_height >> s.groups >> padding))
      continue;
    s.width = s.height;
    s.kernel_width = s.kernel_height;
    s.stride_width = s.stride_height;
    Measure(name,
            Padded(s, padding == "SAME" ? Padding::kSame : Padding::kValid),
            sparsity, pace);
  }
  return 0;
}

}  // namespace
}  // namespace tfprune

int main(int argc, char** argv) { return tfprune::Main(argc, argv); }
