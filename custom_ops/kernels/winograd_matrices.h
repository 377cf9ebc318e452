// The matrices of Winograd convolutions with output tiles of 4x4 pixels:
//
//   output tile = A^T [ coefficients * (B^T d B) ] A
//
// d is the M x M pixels of input that the tile depends on.
//
// Reference: Lavin, Gray. Fast Algorithms for Convolutional Neural Networks.
// CVPR 2016.

#ifndef TFPRUNE_KERNELS_WINOGRAD_MATRICES_H_
#define TFPRUNE_KERNELS_WINOGRAD_MATRICES_H_

namespace tfprune {

constexpr int kWinogradTile = 4;

// B for filters of kKernel x kKernel weights.
template <int kKernel>
struct WinogradInputs;
// A.
template <int kKernel>
struct WinogradOutputs;

template <>
struct WinogradInputs<3> {
  static constexpr int kRows = 6, kColumns = 6;
  static constexpr float kMatrix[kRows][kColumns] = {
      {4, 0, 0, 0, 0, 0},    {0, -4, 4, -2, 2, 4}, {-5, -4, -4, -1, -1, 0},
      {0, 1, -1, 2, -2, -5}, {1, 1, 1, 1, 1, 0},   {0, 0, 0, 0, 0, 1}};
};

template <>
struct WinogradOutputs<3> {
  static constexpr int kRows = 6, kColumns = 4;
  static constexpr float kMatrix[kRows][kColumns] = {
      {1, 0, 0, 0}, {1, 1, 1, 1},   {1, -1, 1, -1},
      {1, 2, 4, 8}, {1, -2, 4, -8}, {0, 0, 0, 1}};
};

template <>
struct WinogradInputs<5> {
  static constexpr int kRows = 8, kColumns = 8;
  static constexpr float kMatrix[kRows][kColumns] = {
      {1, 0, 0, 0, 0, 0, 0, 0},
      {0, 1, -1, 0.5f, -0.5f, 2, -2, -1},
      {-5.25f, 1, 1, 0.25f, 0.25f, 4, 4, 0},
      {0, -4.25f, 4.25f, -2.5f, 2.5f, -2.5f, 2.5f, 5.25f},
      {5.25f, -4.25f, -4.25f, -1.25f, -1.25f, -5, -5, 0},
      {0, 1, -1, 2, -2, 0.5f, -0.5f, -5.25f},
      {-1, 1, 1, 1, 1, 1, 1, 0},
      {0, 0, 0, 0, 0, 0, 0, 1}};
};

template <>
struct WinogradOutputs<5> {
  static constexpr int kRows = 8, kColumns = 4;
  static constexpr float kMatrix[kRows][kColumns] = {
      {1, 0, 0, 0},   {1, 1, 1, 1}, {1, -1, 1, -1}, {1, 2, 4, 8},
      {1, -2, 4, -8}, {8, 4, 2, 1}, {8, -4, 2, -1}, {0, 0, 0, 1}};
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_WINOGRAD_MATRICES_H_
