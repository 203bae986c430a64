// Owns giving the cores to the engine that answers us, when we know that we will wait for it.
#pragma once

#include <memory>

#include "connector/doorbell.h"
#include "threads/thread_pool.h"

namespace tandem {

class HandOver {
 public:
  explicit HandOver(ThreadPool& pool) : pool_(pool) {}
  ~HandOver() { pool_.disinherit(); }
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  // Before the ring at `heir`, a peer on this machine or null, that ends our turn: our workers wake its crew as they leave.
  void to(const std::shared_ptr<Doorbell>& heir) {
    if (heir == nullptr || !pool_.is_bound()) return;
    if (heir != heir_) {
      pool_.disinherit();
      heir_ = heir;
    }
    pool_.hand_over_to(heir->crew());
    heir->leave_crew_once();
  }

 private:
  ThreadPool& pool_;
  std::shared_ptr<Doorbell> heir_;
};

}  // namespace tandem
