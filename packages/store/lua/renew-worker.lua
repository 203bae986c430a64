-- Extends the lease of a worker and of what is placed on it.
-- KEYS[1] worker record, KEYS[2] blocks of the worker, KEYS[3] sequences of the worker
-- ARGV[1] lease in ms
-- Returns 1, or 0 when the lease ended
if redis.call('PEXPIRE', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('PEXPIRE', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[1])
return 1
