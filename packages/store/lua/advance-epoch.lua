-- Compare and set of the topology epoch, which only rises.
-- KEYS[1] epoch
-- ARGV[1] expected epoch, ARGV[2] next epoch
-- Returns {1 when it was set else 0, epoch stored now}
local current = tonumber(redis.call('GET', KEYS[1]) or '0')
local next = tonumber(ARGV[2])
if current ~= tonumber(ARGV[1]) or next <= current then
  return {0, current}
end
redis.call('SET', KEYS[1], ARGV[2])
return {1, next}
