-- Changes the set of what is placed on a worker, if its lease runs.
-- KEYS[1] worker record, KEYS[2] set of placed ids
-- ARGV[1] how many ids are removed, ARGV[2..] removed ids, then added ids
-- Returns 1, or 0 when the lease ended
local leaseMs = redis.call('PTTL', KEYS[1])
if leaseMs < 0 then
  return 0
end
local lastRemoved = 1 + tonumber(ARGV[1])
for index = 2, #ARGV do
  if index <= lastRemoved then
    redis.call('SREM', KEYS[2], ARGV[index])
  else
    redis.call('SADD', KEYS[2], ARGV[index])
  end
end
redis.call('PEXPIRE', KEYS[2], math.max(leaseMs, 1))
return 1
