// Owns the one exception that crosses the boundary: a code of packages/engine/src/errors.ts (or native/errors.ts) and the
// facts its message template names.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tandem {

using ErrorFact = std::pair<std::string, std::variant<std::string, double>>;

class EngineError : public std::runtime_error {
 public:
  EngineError(std::string code, std::vector<ErrorFact> facts)
      : std::runtime_error(code), code_(std::move(code)), facts_(std::move(facts)) {}
  const std::string& code() const { return code_; }
  const std::vector<ErrorFact>& facts() const { return facts_; }

 private:
  std::string code_;
  std::vector<ErrorFact> facts_;
};

}  // namespace tandem
