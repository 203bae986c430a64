#include "kernels/sampler.h"

#include <cstring>

#include "kernels/kernel_table.h"

namespace tandem {
namespace {

constexpr double kLowest = -3.4028234663852886e38;

struct Workspace {
  double* values;
  double* weights;
  int32_t* candidates;
  int32_t* kept;
  /** Heap memory. */
  int32_t* best;
  Workspace(void* memory, size_t vocab_size) {
    values = static_cast<double*>(memory);
    weights = values + vocab_size;
    candidates = reinterpret_cast<int32_t*>(weights + vocab_size);
    kept = candidates + vocab_size;
    best = kept + vocab_size;
  }
};

double ln_at_least_one(double x) {
  double m = x;
  int k = 0;
  for (; m >= 1.5; k++) m *= 0.5;
  const double f = (m - 1) / (m + 1), square = f * f;
  double sum = 1.0 / 21;
  for (int n = 9; n >= 0; n--) sum = sum * square + 1.0 / (2 * n + 1);
  return k * 0.6931471803691238 + (k * 1.9082149292705877e-10 + 2 * f * sum);
}

double uniform_at(int64_t seed, int64_t position) {
  const auto s = static_cast<uint64_t>(seed), p = static_cast<uint64_t>(position);
  const uint32_t counter[4] = {static_cast<uint32_t>(p), static_cast<uint32_t>(p >> 32), 0, 0};
  const uint32_t key[2] = {static_cast<uint32_t>(s), static_cast<uint32_t>(s >> 32)};
  uint32_t x[4];
  philox4x32(counter, key, x);
  return (static_cast<double>(x[0] >> 5) * 67108864.0 + static_cast<double>(x[1] >> 6)) / 9007199254740992.0;
}

/** Max heap of token ids in the order "larger value first, then lower id". */
class Candidates {
 public:
  Candidates(int32_t* ids, size_t size, const double* values) : ids_(ids), size_(size), values_(values) {
    for (size_t parent = size / 2; parent-- > 0;) sift_down(parent);
  }
  int32_t pop() {
    const int32_t best = ids_[0];
    ids_[0] = ids_[--size_];
    if (size_ > 0) sift_down(0);
    return best;
  }

 private:
  bool before(int32_t a, int32_t b) const { return values_[a] > values_[b] || (values_[a] == values_[b] && a < b); }
  void sift_down(size_t hole) {
    const int32_t moving = ids_[hole];
    while (true) {
      size_t child = 2 * hole + 1;
      if (child >= size_) break;
      if (child + 1 < size_ && before(ids_[child + 1], ids_[child])) child++;
      if (!before(ids_[child], moving)) break;
      ids_[hole] = ids_[child];
      hole = child;
    }
    ids_[hole] = moving;
  }
  int32_t* ids_;
  size_t size_;
  const double* values_;
};

int32_t argmax(const double* values, size_t count) {
  size_t best = 0;
  for (size_t i = 1; i < count; i++) if (values[i] > values[best]) best = i;
  return static_cast<int32_t>(best);
}

bool has_penalties(const SamplerParams& params) {
  return params.repetition_penalty != 1 || params.frequency_penalty != 0 || params.presence_penalty != 0;
}

/** Step 3. `counts` holds, per token, 1 + its occurrences in the output once it was seen, and -1 once it was penalised. */
void penalise(const SamplerParams& params, const TokenHistory& history, double* values, size_t vocab_size, int32_t* counts) {
  std::memset(counts, 0, vocab_size * sizeof(int32_t));
  for (size_t i = 0; i < history.num_tokens; i++) {
    int32_t& count = counts[history.token_ids[i]];
    if (count == 0) count = 1;
    if (i >= history.num_prompt_tokens) count++;
  }
  for (size_t i = 0; i < history.num_tokens; i++) {
    const int32_t id = history.token_ids[i], count = counts[id] - 1;
    if (count < 0) continue;
    counts[id] = -1;
    const double value = values[id];
    values[id] = value > 0 ? value / params.repetition_penalty : value * params.repetition_penalty;
    values[id] -= params.frequency_penalty * count;
    if (count > 0) values[id] -= params.presence_penalty;
  }
}

/** What is left of the vocabulary: a list of ids, or every id when there is none. */
struct Remaining {
  const int32_t* ids;
  size_t count;
  int32_t at(size_t i) const { return ids != nullptr ? ids[i] : static_cast<int32_t>(i); }
};

/** In the order of the list: the order of additions is part of the algorithm. */
double sum_of(const double* weights, const Remaining& remaining) {
  double sum = 0;
  if (remaining.ids == nullptr) for (size_t i = 0; i < remaining.count; i++) sum += weights[i];
  else for (size_t i = 0; i < remaining.count; i++) sum += weights[remaining.ids[i]];
  return sum;
}

/**
 * Takes tokens best first into work.kept until `most` are kept or, with `mass` >= 0, the sum of weights before the next one reaches
 * `mass`. Only tokens of at least `lowest` are looked at; returns 0 when those are not enough to tell.
 */
size_t take_best(const Remaining& remaining, double lowest, size_t most, double mass, Workspace& work) {
  size_t size = 0;
  for (size_t i = 0; i < remaining.count; i++) {
    const int32_t id = remaining.at(i);
    work.best[size] = id;
    size += work.values[id] >= lowest ? 1 : 0;
  }
  Candidates heap(work.best, size, work.values);
  double before = 0;
  size_t num_kept = 0;
  while (num_kept < most && (mass < 0 || num_kept == 0 || before < mass)) {
    if (num_kept == size) return size == remaining.count ? size : 0;
    const int32_t id = work.kept[num_kept++] = heap.pop();
    before += work.weights[id];
  }
  return num_kept;
}

/** take_best over the likely tokens first: a few hundred instead of the vocabulary, and a prefix of the same order. */
size_t take_likely(const SamplerParams& params, double max, const Remaining& remaining, size_t most, double mass, Workspace& work) {
  for (const double nats : {4.0, 9.0}) {
    const size_t num_kept = take_best(remaining, max - nats * params.temperature, most, mass, work);
    if (num_kept > 0) return num_kept;
  }
  return take_best(remaining, -__builtin_inf(), most, mass, work);
}

/** Steps 7 and 8: what is left, best first, or `remaining` itself when neither step removes anything. */
Remaining restrict_candidates(const SamplerParams& params, double max, const Remaining& remaining, Workspace& work) {
  const bool limited = params.top_k > 0 && static_cast<uint64_t>(params.top_k) < remaining.count;
  if (!limited && params.top_p >= 1) return remaining;
  if (!limited) {
    const double mass = params.top_p * sum_of(work.weights, remaining);
    return {work.kept, take_likely(params, max, remaining, remaining.count, mass, work)};
  }
  const size_t num_best = take_likely(params, max, remaining, static_cast<size_t>(params.top_k), -1, work);
  if (params.top_p >= 1) return {work.kept, num_best};
  const double mass = params.top_p * sum_of(work.weights, {work.kept, num_best});
  double before = 0;
  size_t num_kept = 0;
  while (num_kept < num_best && (num_kept == 0 || before < mass)) before += work.weights[work.kept[num_kept++]];
  return {work.kept, num_kept};
}

/** Steps 5 to 9. */
int32_t draw(const SamplerParams& params, int32_t best, int64_t position, size_t vocab_size, Workspace& work) {
  const double max = work.values[best];
  kernels().exp_non_positive(work.values, max, params.temperature, work.weights, vocab_size);
  Remaining remaining{nullptr, vocab_size};
  if (params.min_p > 0) {
    size_t count = 0;
    for (size_t id = 0; id < vocab_size; id++) {
      work.candidates[count] = static_cast<int32_t>(id);
      count += work.weights[id] >= params.min_p ? 1 : 0;
    }
    remaining = {work.candidates, count};
  }
  remaining = restrict_candidates(params, max, remaining, work);
  const double target = uniform_at(params.seed, position) * sum_of(work.weights, remaining);
  double running = 0;
  for (size_t i = 0; i < remaining.count; i++) {
    running += work.weights[remaining.at(i)];
    if (running > target) return remaining.at(i);
  }
  return best;
}

/** Insertion into a list sorted best first, the lower id first among equals. */
void insert_top(const double* values, int32_t id, LogprobEntry* top, size_t& size, size_t num_top) {
  if (size == num_top && values[id] <= values[top[size - 1].token_id]) return;
  size_t place = size < num_top ? size++ : size - 1;
  for (; place > 0 && values[top[place - 1].token_id] < values[id]; place--) top[place] = top[place - 1];
  top[place].token_id = id;
}

}  // namespace

size_t sample_workspace_bytes(size_t vocab_size) { return vocab_size * (2 * sizeof(double) + 3 * sizeof(int32_t)); }

int32_t sample_token(const SamplerParams& params, const TokenHistory& history, int64_t position, const float* logits,
                     size_t vocab_size, void* workspace) {
  const bool penalties = has_penalties(params);
  if (params.temperature == 0 && !penalties && params.num_biases == 0) return argmax(logits, vocab_size);
  Workspace work(workspace, vocab_size);
  for (size_t id = 0; id < vocab_size; id++) {
    work.values[id] = logits[id] == logits[id] ? static_cast<double>(logits[id]) : -__builtin_inf();
  }
  for (size_t i = 0; i < params.num_biases; i++) {
    const auto id = static_cast<size_t>(params.bias_token_ids[i]);
    if (id < vocab_size) work.values[id] += params.bias_values[i];
  }
  if (penalties) penalise(params, history, work.values, vocab_size, work.kept);
  // Without changes the order of the values is that of the logits.
  const bool changed = penalties || params.num_biases > 0;
  const int32_t best = changed ? argmax(work.values, vocab_size) : argmax(logits, vocab_size);
  return params.temperature == 0 ? best : draw(params, best, position, vocab_size, work);
}

int32_t argmax(const float* logits, size_t vocab_size) {
  const float best = kernels().max_value(logits, vocab_size);
  for (size_t id = 0; id < vocab_size; id++) if (logits[id] == best) return static_cast<int32_t>(id);
  return 0;
}

LogprobEntry log_probability(const float* logits, size_t vocab_size, int32_t token_id, int32_t* rank, LogprobEntry* top,
                             size_t num_top, void* workspace) {
  Workspace work(workspace, vocab_size);
  double max = kLowest;
  for (size_t id = 0; id < vocab_size; id++) {
    const double value = static_cast<double>(logits[id]);
    work.values[id] = value >= kLowest ? value : kLowest;
    max = work.values[id] > max ? work.values[id] : max;
  }
  const double chosen = work.values[token_id];
  int32_t better = 0;
  for (size_t id = 0; id < vocab_size; id++) better += work.values[id] > chosen ? 1 : 0;
  *rank = 1 + better;
  size_t num_found = 0;
  for (size_t id = 0; num_top > 0 && id < vocab_size; id++) insert_top(work.values, static_cast<int32_t>(id), top, num_found, num_top);
  kernels().exp_non_positive(work.values, max, 1.0, work.weights, vocab_size);
  double sum = 0;
  for (size_t id = 0; id < vocab_size; id++) sum += work.weights[id];
  const double ln_sum = ln_at_least_one(sum);
  for (size_t i = 0; i < num_found; i++) top[i].logprob = (work.values[top[i].token_id] - max) - ln_sum;
  return {token_id, (chosen - max) - ln_sum};
}

void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k[2] = {key[0], key[1]};
  for (int round = 0; round < 10; round++) {
    const uint64_t product0 = 0xD2511F53ull * c[0], product1 = 0xCD9E8D57ull * c[2];
    const auto high = [](uint64_t v) { return static_cast<uint32_t>(v >> 32); };
    const uint32_t next[4] = {high(product1) ^ c[1] ^ k[0], static_cast<uint32_t>(product1), high(product0) ^ c[3] ^ k[1],
                              static_cast<uint32_t>(product0)};
    std::memcpy(c, next, sizeof c);
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  std::memcpy(out, c, sizeof c);
}

}  // namespace tandem
