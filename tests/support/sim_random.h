// SimRandom: the coins of a simulation. The same seed gives the same coins. Not thread-safe.
#ifndef WEIR_TESTS_SUPPORT_SIM_RANDOM_H_
#define WEIR_TESTS_SUPPORT_SIM_RANDOM_H_

#include <cstdint>
#include <random>

namespace weir {

class SimRandom {
 public:
  explicit SimRandom(uint64_t seed) : engine_(seed) {}

  // 0 <= result < n; n > 0.
  uint64_t Below(uint64_t n) { return std::uniform_int_distribution<uint64_t>(0, n - 1)(engine_); }
  bool Chance(double probability) { return std::bernoulli_distribution(probability)(engine_); }
  // Any 64 bits, for instance the seed of another one.
  uint64_t Next() { return engine_(); }
  // A probability for many coins of one kind. Fair coins alone never leave nearly everything or
  // nearly nothing.
  double Bias() {
    constexpr double kBiases[] = {0.05, 0.5, 0.95};
    return kBiases[Below(3)];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SIM_RANDOM_H_
