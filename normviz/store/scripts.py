"""What happens in Redis in one step, as Redis' own scripts (Lua)."""

APPEND = """
-- Write one entry of a recording, exactly once.
-- KEYS frames, lease
-- ARGV attempt, entries before it, place, kind, payload, mark, ms to keep, ms of the lease
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return 'superseded' end
if not holder then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[8]) end
local length = redis.call('XLEN', KEYS[1])
if length == tonumber(ARGV[2]) then
  redis.call('XADD', KEYS[1], ARGV[3], 'kind', ARGV[4], 'payload', ARGV[5], 'mark', ARGV[6])
  redis.call('PEXPIRE', KEYS[1], ARGV[7])
  return 'written'
end
if length > tonumber(ARGV[2]) then
  local there = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1]
  if there and there[2][6] == ARGV[6] then return 'written' end
end
return 'torn'
"""
"""The answer "torn" means that what lies before is not what this attempt wrote: Redis has lost it."""

TAKE = """
-- Become the attempt that may write, whoever was it before.
-- KEYS lease, asked; ARGV attempt, ms of the lease
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[2])
"""

HOLD = """
-- Renew an attempt's lease.  Returns whether it has it, how many replicas want the run and look at it, and
-- how many entries its recording has.
-- KEYS lease, wanted, awake, frames; ARGV attempt, ms of the lease
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {0, 0, 0, 0} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {
  1, redis.call('ZCOUNT', KEYS[2], now, '+inf'), redis.call('ZCOUNT', KEYS[3], now, '+inf'),
  redis.call('XLEN', KEYS[4]),
}
"""

RELEASE = """
-- Give the lease back and say how the attempt ended.  Nothing if another attempt has it.
-- KEYS lease, attempts; ARGV attempt, kind, payload or '', ms to keep
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[3] ~= '' then
  redis.call('XADD', KEYS[2], 'MAXLEN', 20, '*', 'kind', ARGV[2], 'payload', ARGV[3], 'mark', ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return 1
"""

WANT = """
-- A replica's word that it wants a run, and whether its visitors look at it now.
-- KEYS wanted, awake, frames, attempts; ARGV replica, 1 awake or 0 resting, ms it holds, ms to keep
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
if ARGV[2] == '1' then redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
else redis.call('ZREM', KEYS[2], ARGV[1]) end
for at = 1, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[at], 0, now)
  redis.call('PEXPIRE', KEYS[at], ARGV[3])
  redis.call('PEXPIRE', KEYS[at + 2], ARGV[4])
end
"""

LIVING = """
-- Members of a set whose word still holds; with a member in ARGV, its word is added first.
-- KEYS set; ARGV member, ms it holds
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] then redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now)
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
