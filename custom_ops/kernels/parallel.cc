#include "parallel.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace tfprune {
namespace {

// How long a thread spins before it sleeps: waking a sleeping one takes about
// as long as a small layer. It spins without yielding, since another process
// may keep a yielded core for milliseconds.
constexpr std::chrono::microseconds kSpinTime(50);

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <class Condition>
void Await(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  while (!condition() && std::chrono::steady_clock::now() < end) Pause();
}

// Linux may schedule a thread that works for less than a millisecond at a time
// on the core of the thread that woke it, while another core is idle.
#if defined(__linux__)
class Cores {
 public:
  static int Current() { return sched_getcpu(); }

  Cores() { known_ = !sched_getaffinity(0, sizeof allowed_, &allowed_); }

  // Moves the calling thread to another core if it runs on this one.
  void AvoidCore(int core) const {
    if (!known_ || core < 0 || Current() != core) return;
    cpu_set_t others = allowed_;
    CPU_CLR(core, &others);
    if (CPU_COUNT(&others)) sched_setaffinity(0, sizeof others, &others);
  }

 private:
  cpu_set_t allowed_;
  bool known_;
};
#else
struct Cores {
  static int Current() { return -1; }
  void AvoidCore(int) const {}
};
#endif

// One loop. A helping thread takes a slot, then items until none are left.
class Loop {
 public:
  Loop(int64_t items, const std::function<void(int64_t, int)>& work)
      : items_(items), work_(work) {}

  void Run(int slot) {
    for (int64_t i; (i = next_.fetch_add(1)) < items_;) work_(i, slot);
  }

  const int core = Cores::Current();  // of the caller

  // The pool's lock guards these.
  int wanted = 0;               // helpers that may still join
  int slots = 1;                // taken; the caller has the first
  std::atomic<int> helping{0};  // helpers that joined and have not left

 private:
  const int64_t items_;
  const std::function<void(int64_t, int)>& work_;
  std::atomic<int64_t> next_{0};
};

class Pool {
 public:
  void Run(Loop& loop, int helpers) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      loop.wanted = helpers;
      loops_.push_back(&loop);
      waiting_ = loops_.size();
      AddThreads(helpers);
    }
    for (int i = 0; i < helpers; ++i) work_.notify_one();
    loop.Run(0);
    std::unique_lock<std::mutex> lock(mutex_);
    Retire(loop);
    lock.unlock();
    Await([&] { return loop.helping == 0; });
    lock.lock();
    left_.wait(lock, [&] { return loop.helping == 0; });
  }

 private:
  // Starts threads up to the most that any caller asked for, limited by the
  // number of cores and by what the system allows.
  void AddThreads(int helpers) {
    // Read once: the standard library reads it from a file.
    static const int cores = std::thread::hardware_concurrency();
    try {
      for (; threads_ < std::min(helpers, cores - 1); ++threads_)
        std::thread([this] { Serve(); }).detach();
    } catch (const std::system_error&) {
    }
  }

  void Serve() {
    const Cores cores;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      lock.unlock();
      Await([&] { return waiting_ > 0; });
      lock.lock();
      work_.wait(lock, [&] { return !loops_.empty(); });
      Loop& loop = *loops_.front();
      const int slot = loop.slots++;
      ++loop.helping;
      if (--loop.wanted == 0) Retire(loop);
      lock.unlock();
      cores.AvoidCore(loop.core);
      loop.Run(slot);
      lock.lock();
      Retire(loop);
      if (--loop.helping == 0) left_.notify_all();
    }
  }

  void Retire(Loop& loop) {
    const auto found = std::find(loops_.begin(), loops_.end(), &loop);
    if (found != loops_.end()) loops_.erase(found);
    waiting_ = loops_.size();
  }

  std::mutex mutex_;
  std::condition_variable work_, left_;
  std::deque<Loop*> loops_;
  std::atomic<int64_t> waiting_{0};  // loops, for those without the lock
  int threads_ = 0;
};

// A forked child has none of the threads and a lock in an unknown state, so it
// gets a new pool. Pools are never destroyed, since their threads never end.
std::atomic<Pool*> the_pool{nullptr};

Pool& ThePool() {
  static const bool once = [] {
    the_pool = new Pool;
    pthread_atfork(nullptr, nullptr, [] { the_pool = new Pool; });
    return true;
  }();
  (void)once;
  return *the_pool;
}

// When the last loop ended, since the clock began.
std::atomic<std::chrono::steady_clock::duration> last_end{};

std::chrono::steady_clock::duration Now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

void SerialFor(int64_t items, int,
               const std::function<void(int64_t, int)>& work) {
  for (int64_t i = 0; i < items; ++i) work(i, 0);
}

void PoolFor(int64_t items, int threads,
             const std::function<void(int64_t, int)>& work) {
  const int64_t helpers = std::min<int64_t>(items, threads) - 1;
  if (helpers < 1) return SerialFor(items, threads, work);
  Loop loop(items, work);
  ThePool().Run(loop, static_cast<int>(helpers));
  last_end = Now();
}

void SmallFor(const ParallelFor& parallel_for, int64_t items, int threads,
              const std::function<void(int64_t, int)>& work) {
  if (threads <= 1) return SerialFor(items, threads, work);
  if (Now() - last_end.load() < kSpinTime)
    return parallel_for(items, threads, work);
  SerialFor(items, threads, work);
  last_end = Now();
}

}  // namespace tfprune
