// Owns reading the one-line files in which the kernel tells about itself.
#pragma once

#include <fstream>
#include <string>

namespace tandem {

/** Without the line's end; empty when there is no such file. */
inline std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace tandem
