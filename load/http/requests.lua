-- Requests for wrk. Arguments: key, seconds, then
--   get ID...              GET each of these sessions in turn
--   create PREFIX ID...    POST creates for each of these agents in turn, with a new room each time
--
-- It sends no requests after `seconds`, so that all responses arrive before wrk ends, and the number of
-- responses must equal the number of rows in the database.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } timespec_t;
  int clock_gettime(int clock, timespec_t *now);
]]
local MONOTONIC = 1
local timespec = ffi.new("timespec_t")

local seconds, method, prefix, ids, count, deadline

local function now()
  ffi.C.clock_gettime(MONOTONIC, timespec)
  return tonumber(timespec.seconds) + tonumber(timespec.nanoseconds) / 1e9
end

function init(args)
  wrk.headers["Authorization"] = "Bearer " .. args[1]
  seconds, method, ids, count = tonumber(args[2]), args[3], {}, 0
  local first = 4
  if method == "create" then
    wrk.headers["Content-Type"] = "application/json"
    prefix, first = args[4], 5
  end
  for position = first, #args do ids[#ids + 1] = args[position] end
end

function request()
  count = count + 1
  if count == 2 then deadline = now() + seconds end -- wrk parses the first request without sending it
  if deadline and now() > deadline then return "" end
  local id = ids[count % #ids + 1]
  if method == "get" then return wrk.format("GET", "/api/sessions/" .. id) end
  local body = '{"agentId":' .. id .. ',"tenantId":1,"roomName":"' .. prefix .. count .. '"}'
  return wrk.format("POST", "/api/sessions/create", nil, body)
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"refused":%d,"broken":%d,"p50":%d,"p90":%d,"p99":%d,"max":%d}\n',
    summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max))
end
