#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tandem {

namespace {

constexpr double kLn2High = 0.6931471803691238;
constexpr double kLn2Low = 1.9082149292705877e-10;
constexpr double kInverseLn2 = 1.4426950408889634;
constexpr double kSmallestExponent = -700;
constexpr double kLowestLogit = -3.4028234663852886e38;

constexpr std::array<double, 14> make_inverse_factorials() {
  std::array<double, 14> table{};
  double factorial = 1;
  for (int n = 0; n < 14; n++) {
    if (n >= 2) factorial *= n;
    table[n] = 1 / factorial;
  }
  return table;
}
constexpr std::array<double, 11> make_inverse_odds() {
  std::array<double, 11> table{};
  for (int n = 0; n < 11; n++) table[n] = 1.0 / (2 * n + 1);
  return table;
}
constexpr std::array<double, 14> kInverseFactorials = make_inverse_factorials();
constexpr std::array<double, 11> kInverseOdds = make_inverse_odds();

// NaN and -infinity: JSON carries neither.
double finite(float logit) { return logit >= kLowestLogit ? logit : kLowestLogit; }

void philox_round(uint32_t counter[4], uint32_t k0, uint32_t k1) {
  const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
  const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
  const uint32_t next[4] = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ k0, static_cast<uint32_t>(product1),
                            static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ k1, static_cast<uint32_t>(product0)};
  std::copy_n(next, 4, counter);
}

}  // namespace

double exp_non_positive(double x) {
  if (!(x >= kSmallestExponent)) return 0;
  const double k = std::floor(x * kInverseLn2 + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;
  double sum = kInverseFactorials[13];
  for (int n = 12; n >= 0; n--) sum = sum * r + kInverseFactorials[n];
  return sum * std::ldexp(1.0, static_cast<int>(k));
}

double ln_at_least_one(double x) {
  double m = x;
  int k = 0;
  while (m >= 1.5) {
    m *= 0.5;
    k++;
  }
  const double f = (m - 1) / (m + 1);
  const double square = f * f;
  double sum = kInverseOdds[10];
  for (int n = 9; n >= 0; n--) sum = sum * square + kInverseOdds[n];
  return k * kLn2High + (k * kLn2Low + 2 * f * sum);
}

double uniform_at(double seed, int64_t position) {
  const auto seed_bits = static_cast<uint64_t>(static_cast<int64_t>(seed));
  uint32_t counter[4] = {static_cast<uint32_t>(position), static_cast<uint32_t>(static_cast<uint64_t>(position) >> 32), 0, 0};
  auto k0 = static_cast<uint32_t>(seed_bits);
  auto k1 = static_cast<uint32_t>(seed_bits >> 32);
  for (int round = 0; round < 10; round++) {
    philox_round(counter, k0, k1);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return (static_cast<double>(counter[0] >> 5) * 0x1p26 + static_cast<double>(counter[1] >> 6)) / 0x1p53;
}

TokenCounts::TokenCounts(const std::vector<int32_t>& token_ids, size_t num_prompt_tokens) {
  for (size_t i = 0; i < token_ids.size(); i++) {
    if (i >= num_prompt_tokens) append(token_ids[i]);
    else counts_.try_emplace(token_ids[i], 0);
  }
}

int32_t Sampler::sample(const float* logits, const TokenCounts& counts, const SamplingParams& params,
                        int64_t position) {
  values_.resize(vocab_size_);
  penalise(logits, counts, params);
  int32_t best = 0;
  for (size_t i = 1; i < vocab_size_; i++) {
    if (values_[i] > values_[best]) best = static_cast<int32_t>(i);
  }
  return params.temperature == 0 ? best : draw(best, params, position);
}

void Sampler::penalise(const float* logits, const TokenCounts& counts, const SamplingParams& params) {
  for (size_t i = 0; i < vocab_size_; i++) {
    values_[i] = std::isnan(logits[i]) ? -std::numeric_limits<double>::infinity() : static_cast<double>(logits[i]);
  }
  for (size_t i = 0; i < params.bias_token_ids.size(); i++) {
    const auto id = static_cast<size_t>(params.bias_token_ids[i]);
    if (id < vocab_size_) values_[id] += params.bias_values[i];
  }
  if (params.repetition_penalty == 1 && params.frequency_penalty == 0 && params.presence_penalty == 0) return;
  for (const auto& [id, count] : counts.output_counts()) {
    double& value = values_[id];
    value = value > 0 ? value / params.repetition_penalty : value * params.repetition_penalty;
    value -= params.frequency_penalty * count;
    if (count > 0) value -= params.presence_penalty;
  }
}

int32_t Sampler::draw(int32_t best, const SamplingParams& params, int64_t position) {
  weights_.resize(vocab_size_);
  ids_.resize(vocab_size_);
  const double max = values_[best];
  size_t count = 0;
  for (size_t i = 0; i < vocab_size_; i++) {
    weights_[i] = exp_non_positive((values_[i] - max) / params.temperature);
    if (weights_[i] >= params.min_p) ids_[count++] = static_cast<int32_t>(i);
  }
  const size_t length = restrict_candidates(count, params);
  double sum = 0;
  for (size_t i = 0; i < length; i++) sum += weights_[ids_[i]];
  const double target = uniform_at(params.seed, position) * sum;
  double running = 0;
  for (size_t i = 0; i < length; i++) {
    running += weights_[ids_[i]];
    if (running > target) return ids_[i];
  }
  return best;  // only when every logit is -infinity
}

size_t Sampler::restrict_candidates(size_t count, const SamplingParams& params) {
  const bool limited = params.top_k > 0 && static_cast<size_t>(params.top_k) < count;
  if (!limited && params.top_p >= 1) return count;
  const auto before = [this](int32_t a, int32_t b) {
    return values_[a] > values_[b] || (values_[a] == values_[b] && a < b);
  };
  const auto begin = ids_.begin();
  const size_t top_k = limited ? static_cast<size_t>(params.top_k) : count;
  double mass = 0;
  if (limited) {
    std::partial_sort(begin, begin + top_k, begin + count, before);
    if (params.top_p >= 1) return top_k;
    for (size_t i = 0; i < top_k; i++) mass += weights_[ids_[i]];
  } else {
    for (size_t i = 0; i < count; i++) mass += weights_[ids_[i]];
    // Sorted a piece at a time: the nucleus is usually short.
    std::make_heap(begin, begin + count, [&](int32_t a, int32_t b) { return before(b, a); });
  }
  std::vector<int32_t> kept;
  double sum = 0;
  size_t num_kept = 0;
  while (num_kept < top_k && (num_kept == 0 || sum < params.top_p * mass)) {
    if (!limited) {
      std::pop_heap(begin, begin + (count - num_kept), [&](int32_t a, int32_t b) { return before(b, a); });
      kept.push_back(ids_[count - num_kept - 1]);
      sum += weights_[kept.back()];
    } else {
      sum += weights_[ids_[num_kept]];
    }
    num_kept++;
  }
  if (!limited) std::copy(kept.begin(), kept.end(), begin);
  return num_kept;
}

TokenLogprobs Sampler::logprobs(const float* logits, int32_t token_id, int32_t num_top) const {
  const double chosen = finite(logits[token_id]);
  double max = kLowestLogit;
  int32_t rank = 1;
  for (size_t i = 0; i < vocab_size_; i++) {
    const auto value = static_cast<double>(logits[i]);
    if (value > max) max = value;
    if (value > chosen) rank++;
  }
  double sum = 0;
  for (size_t i = 0; i < vocab_size_; i++) sum += exp_non_positive(static_cast<double>(logits[i]) - max);
  const double ln_sum = ln_at_least_one(sum);
  const auto entry = [&](int32_t id) { return TokenLogprob{id, (finite(logits[id]) - max) - ln_sum}; };
  TokenLogprobs result{entry(token_id), rank, {}};
  std::vector<int32_t> ids;
  for (size_t i = 0; i < vocab_size_ && num_top > 0; i++) {
    const double value = finite(logits[i]);
    const auto count = static_cast<size_t>(num_top);
    if (ids.size() == count && value <= finite(logits[ids.back()])) continue;
    size_t place = ids.size();
    while (place > 0 && finite(logits[ids[place - 1]]) < value) place--;
    ids.insert(ids.begin() + static_cast<std::ptrdiff_t>(place), static_cast<int32_t>(i));
    if (ids.size() > count) ids.pop_back();
  }
  for (int32_t id : ids) result.top.push_back(entry(id));
  return result;
}

}  // namespace tandem
