-- Asks Headroom beside every media request and never denies one: whatever goes wrong, the request goes on without an answer.
-- Needs HAProxy 2.6 or later, with Lua.

-- Where Headroom listens, and how long HAProxy waits for every step of its answer, seconds.
local HEADROOM = "127.0.0.1:8080"
local TIMEOUT_S = 0.1
-- After a failure Headroom is left alone for this long, seconds.
local PAUSE_S = 5

-- Headers of the request that concern its body, its connection or its own server.
local OWN = {
  ["host"] = true,
  ["content-length"] = true,
  ["transfer-encoding"] = true,
  ["connection"] = true,
  ["expect"] = true,
  ["upgrade"] = true,
  ["range"] = true,
}

-- Headers of the answer that are kept for the player and the configuration.
local WANTED = { ["cmsd-dynamic"] = "txn.cmsd_dynamic", ["x-headroom-max-bitrate-kbps"] = "txn.max_bitrate_kbps" }

local silent_until = 0

local function ask(txn)
  local lines = { "GET /decide?cap=1 HTTP/1.0", "Host: " .. HEADROOM }
  for name, values in pairs(txn.http:req_get_headers()) do
    if not OWN[name] then
      for _, value in pairs(values) do
        lines[#lines + 1] = name .. ": " .. value
      end
    end
  end
  lines[#lines + 1] = "X-Original-URI: " .. txn.f:url()
  lines[#lines + 1] = "X-Real-IP: " .. txn.f:src()
  local host, port = HEADROOM:match("^(.*):(%d+)$")
  local connection = core.tcp()
  connection:settimeout(TIMEOUT_S)
  if not connection:connect(host, tonumber(port)) then
    return false
  end
  connection:send(table.concat(lines, "\r\n") .. "\r\n\r\n")
  local status = connection:receive("*l")
  if not status or not status:match("^HTTP/1%.%d 204") then
    connection:close()
    return false
  end
  -- No answer has as many headers.
  for _ = 1, 64 do
    local line = connection:receive("*l")
    if not line or line == "" then
      break
    end
    local name, value = line:match("^([^:]+):%s*(.-)%s*$")
    local variable = name and WANTED[name:lower()]
    if variable then
      txn:set_var(variable, value)
    end
  end
  connection:close()
  return true
end

core.register_action("headroom", { "http-req" }, function(txn)
  if core.now().sec < silent_until then
    return
  end
  local ran, answered = pcall(ask, txn)
  if not (ran and answered) then
    silent_until = core.now().sec + PAUSE_S
  end
end, 0)
