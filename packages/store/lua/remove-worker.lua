-- Forgets a worker and what is placed on it.
-- KEYS[1] set of worker ids, KEYS[2] worker record, KEYS[3] blocks of the worker, KEYS[4] sequences of the worker
-- ARGV[1] worker id
-- Returns 1
redis.call('SREM', KEYS[1], ARGV[1])
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4])
return 1
