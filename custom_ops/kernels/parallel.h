// Loops over several threads.

#ifndef TFPRUNE_KERNELS_PARALLEL_H_
#define TFPRUNE_KERNELS_PARALLEL_H_

#include <cstdint>
#include <functional>

namespace tfprune {

// Calls work(item, slot) once for every item in [0, items), in any order and
// on up to `threads` threads, of which one is the caller's; returns when all
// are done. Calls at the same time have different slots in [0, threads).
using ParallelFor = std::function<void(
    int64_t items, int threads,
    const std::function<void(int64_t item, int slot)>& work)>;

// Runs everything on the caller's thread.
void SerialFor(int64_t items, int threads,
               const std::function<void(int64_t, int)>& work);

// Shares one pool among all callers. Its threads sleep when there has been
// nothing to do for 50 us; a caller never waits for one that has not begun to
// help, so many callers at once are no slower than each by itself.
void PoolFor(int64_t items, int threads,
             const std::function<void(int64_t, int)>& work);

// Runs a loop that takes about as long as waking a thread: by `parallel_for`
// if a loop ended in the last 50 us, since its helpers still look for work, or
// others will follow for which they are woken; else on the caller's thread.
void SmallFor(const ParallelFor& parallel_for, int64_t items, int threads,
              const std::function<void(int64_t, int)>& work);

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_PARALLEL_H_
