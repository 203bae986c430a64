// The sampler over small vocabularies and extreme settings.
#include "kernels/sampler.h"
#include "test/self_test/self_test.h"

namespace tandem::self_test {

void test_sampler(Results& results) {
  Random random(4);
  for (const size_t vocab_size : {1, 2, 15, 16, 17, 300}) {
    std::vector<float> logits = random.floats(vocab_size);
    if (vocab_size > 3) logits[2] = __builtin_nanf("");
    std::vector<double> workspace((sample_workspace_bytes(vocab_size) + 7) / 8);
    std::vector<int32_t> tokens(20);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random.below(vocab_size));
    const int32_t bias_ids[2] = {0, static_cast<int32_t>(vocab_size) + 5};
    const double bias_values[2] = {1, 2};
    for (int i = 0; i < 50; i++) {
      SamplerParams params;
      params.temperature = i % 5 == 0 ? 0 : 0.5 * (i % 4 + 1);
      params.top_k = i % 7;
      params.top_p = i % 3 == 0 ? 1 : 0.5;
      params.min_p = i % 2 == 0 ? 0 : 0.1;
      params.seed = i;
      params.repetition_penalty = i % 4 == 0 ? 1.0 : 1.2;
      params.frequency_penalty = 0.1 * (i % 2);
      params.bias_token_ids = bias_ids;
      params.bias_values = bias_values;
      params.num_biases = static_cast<size_t>(i % 3);
      const int32_t token = sample_token(params, {tokens.data(), tokens.size(), 7}, i, logits.data(), vocab_size, workspace.data());
      CHECK(token >= 0 && static_cast<size_t>(token) < vocab_size);
      results.add(std::vector<int32_t>{token});
    }
    int32_t rank = 0;
    std::vector<LogprobEntry> top(vocab_size);
    const LogprobEntry entry = log_probability(logits.data(), vocab_size, 0, &rank, top.data(), vocab_size, workspace.data());
    CHECK(entry.logprob <= 0 && rank >= 1);
    results.add(std::vector<double>{static_cast<double>(entry.logprob), static_cast<double>(rank)});
  }
}

}  // namespace tandem::self_test
