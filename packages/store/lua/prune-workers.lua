-- Takes workers whose lease ended out of the set of ids; one that registered again meanwhile stays.
-- KEYS[1] set of worker ids, KEYS[2..] worker records
-- ARGV[i] worker id of KEYS[i + 1]
-- Returns how many were taken out
local pruned = 0
for index, workerId in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[index + 1]) == 0 then
    pruned = pruned + redis.call('SREM', KEYS[1], workerId)
  end
end
return pruned
