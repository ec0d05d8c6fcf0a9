// A main() for fuzz tests where there is no libFuzzer: replays a corpus, then seeded random
// mutations of it.
//
//   fuzz_something CORPUS [--runs=N] [--seed=S]
//
// Mutation i is made from seed S + i alone. When one of them kills the program, the last line
// printed tells how to see it again: --seed=<that one> --runs=1.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// There only in a program built with a sanitizer.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

constexpr size_t kMaxInputBytes = 4096;
constexpr rlim_t kMemoryBytes = rlim_t{1} << 30;  // far above what any input may make us allocate

char current[256];  // what is running, for the handlers

void ReportCurrent() {
  const ssize_t ignored = write(STDERR_FILENO, current, std::strlen(current));
  (void)ignored;
}

void OnSignal(int number) {
  ReportCurrent();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void ReportDeaths() {
  std::signal(SIGABRT, OnSignal);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(
        ReportCurrent);  // which sees all other signals, and more than we would
    return;
  }
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(number, OnSignal);
  const rlimit limit{kMemoryBytes, kMemoryBytes};
  setrlimit(RLIMIT_DATA, &limit);
}

std::vector<std::string> ReadCorpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    std::snprintf(current, sizeof(current), "input: %.200s\n", path.c_str());
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(inputs.back().data()),
                           inputs.back().size());
  }
  return inputs;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string Make(uint64_t seed) {
    random_.seed(seed);
    std::string input = Pick();
    for (size_t steps = 1 + Below(4); steps > 0; --steps) Mutate(&input);
    input.resize(std::min(input.size(), kMaxInputBytes));
    return input;
  }

 private:
  size_t Below(size_t n) { return random_() % n; }
  const std::string& Pick() { return corpus_[Below(corpus_.size())]; }

  void Mutate(std::string* input) {
    if (input->empty()) input->push_back('\0');
    const size_t at = Below(input->size());
    const size_t length = Below(std::min<size_t>(input->size() - at, 32) + 1);
    switch (Below(8)) {
      case 0:
        (*input)[at] ^= static_cast<char>(1 << Below(8));
        break;
      case 1:
        (*input)[at] = static_cast<char>(random_());
        break;
      case 2:
        OverwriteNumber(input, at);
        break;
      case 3:
        input->erase(at, length);
        break;
      case 4:
        input->insert(at, input->substr(at, length));
        break;
      case 5:
        input->insert(at, length, static_cast<char>(random_()));
        break;
      case 6:
        input->resize(at);
        break;
      case 7: {  // the front of one, the rest of another
        const std::string& other = Pick();
        input->resize(at);
        if (!other.empty()) input->append(other, Below(other.size()));
        break;
      }
    }
  }

  // Numbers at which code tends to be wrong, in either order of bytes.
  void OverwriteNumber(std::string* input, size_t at) {
    const uint64_t numbers[] = {0,      1,       0x7f,       0x80,       0xff,         0x7fff,
                                0x8000, 0xffff,  0x10000,    0x7fffffff, 0x80000000,   ~0ull,
                                1024,   1000000, ~0ull >> 1, 1ull << 63, input->size()};
    std::array<char, 8> bytes;
    const uint64_t number = numbers[Below(std::size(numbers))];
    std::memcpy(bytes.data(), &number, bytes.size());
    const size_t width = size_t{1} << Below(4);
    if (Below(2) == 0) std::reverse(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(width));
    input->replace(at, std::min(width, input->size() - at), bytes.data(), width);
  }

  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  uint64_t runs = 0;
  uint64_t seed = 1;
  std::string corpus_folder;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.substr(0, 7) == "--runs=") {
      runs = std::strtoull(argv[i] + 7, nullptr, 10);
    } else if (argument.substr(0, 7) == "--seed=") {
      seed = std::strtoull(argv[i] + 7, nullptr, 10);
    } else {
      corpus_folder = argument;
    }
  }
  if (!std::filesystem::is_directory(corpus_folder)) {
    std::fprintf(stderr, "usage: %s CORPUS [--runs=N] [--seed=S]; no such folder: '%s'\n", argv[0],
                 corpus_folder.c_str());
    return 2;
  }
  ReportDeaths();
  const std::vector<std::string> corpus = ReadCorpus(corpus_folder);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: the corpus is empty\n", corpus_folder.c_str());
    return 2;
  }
  Mutator mutator(corpus);
  for (uint64_t i = 0; i < runs; ++i) {
    std::snprintf(current, sizeof(current), "mutation: --seed=%llu --runs=1\n",
                  static_cast<unsigned long long>(seed + i));
    const std::string input = mutator.Make(seed + i);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  std::printf("%zu inputs and %llu mutations from seed %llu\n", corpus.size(),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed));
  return 0;
}
