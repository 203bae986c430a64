-- Adds or replaces a worker under a lease.
-- KEYS[1] set of worker ids, KEYS[2] worker record, KEYS[3] blocks of the worker, KEYS[4] sequences of the worker
-- ARGV[1] worker id, ARGV[2] record (JSON), ARGV[3] lease in ms
-- Returns 1
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('DEL', KEYS[3], KEYS[4])
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
redis.call('PEXPIRE', KEYS[4], ARGV[3])
redis.call('SADD', KEYS[1], ARGV[1])
return 1
