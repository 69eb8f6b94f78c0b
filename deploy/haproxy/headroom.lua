-- Asks Headroom beside every media request and never denies one: whatever goes wrong, the request goes on without an answer.
-- Needs HAProxy 2.6 or later, with Lua.

-- Where Headroom listens. HAProxy waits this long for it, milliseconds.
local HEADROOM = "http://127.0.0.1:8080/decide?cap=1"
local TIMEOUT_MS = 100
-- After a failure Headroom is left alone for this long, seconds.
local PAUSE_S = 5

local silent_until = 0

local function ask(txn)
  if core.now().sec < silent_until then
    return
  end
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    -- What concerns the body, the connection or compression is not Headroom's.
    if name ~= "host" and name ~= "content-length" and name ~= "transfer-encoding" and name ~= "connection" and name ~= "expect" then
      local list = {}
      for index, value in pairs(values) do
        list[index + 1] = value
      end
      headers[name] = list
    end
  end
  headers["x-original-uri"] = { txn.f:url() }
  headers["x-real-ip"] = { txn.f:src() }
  local answered, answer = pcall(function()
    local client = core.httpclient()
    return client:get({ url = HEADROOM, headers = headers, timeout = TIMEOUT_MS })
  end)
  if not answered or answer == nil or answer.status ~= 204 then
    silent_until = core.now().sec + PAUSE_S
    return
  end
  for _, name in ipairs({ "cmsd-dynamic", "x-headroom-max-bitrate-kbps" }) do
    local values = answer.headers[name]
    if values and values[0] then
      txn:set_var("txn." .. name:gsub("-", "_"), values[0])
    end
  end
end

core.register_action("headroom", { "http-req" }, ask, 0)
