-- Neither Lua has a JSON library, so the codec is part of the program: patterns and `string.find`
-- do the scanning, as in the usual pure-Lua libraries.

local n = tonumber(arg[1]) or 60000
local find, sub, byte, char = string.find, string.sub, string.byte, string.char
local null = {}
local ESCAPES = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/",
  b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local function fail(what, at)
  error(what .. " at byte " .. at, 0)
end

local function parse_escapes(raw, at)
  return (raw:gsub("\\(.)(%x?%x?%x?%x?)", function(letter, hex)
    if letter ~= "u" then
      return (ESCAPES[letter] or fail("unknown escape", at)) .. hex
    end
    local code = tonumber(hex, 16)
    if code < 0x80 then
      return char(code)
    elseif code < 0x800 then
      return char(0xc0 + math.floor(code / 64), 0x80 + code % 64)
    end
    return char(0xe0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
  end))
end

local function parse_string(text, at)
  local from, escaped = at + 1, false
  local stop = from
  while true do
    stop = find(text, '["\\]', stop) or fail("unterminated string", at)
    if byte(text, stop) == 34 then
      break
    end
    escaped = true
    stop = stop + 2
  end
  local raw = sub(text, from, stop - 1)
  return escaped and parse_escapes(raw, at) or raw, stop + 1
end

local function skip(text, at)
  return find(text, "[^ \t\r\n]", at) or #text + 1
end

local parse_value

local function parse_array(text, at)
  local items, count = {}, 0
  at = skip(text, at + 1)
  if byte(text, at) == 93 then
    return items, at + 1
  end
  while true do
    count = count + 1
    items[count], at = parse_value(text, at)
    at = skip(text, at)
    local c = byte(text, at)
    if c == 93 then
      return items, at + 1
    elseif c ~= 44 then
      fail("expected , or ]", at)
    end
    at = skip(text, at + 1)
  end
end

local function parse_object(text, at)
  local fields, key = {}, nil
  at = skip(text, at + 1)
  if byte(text, at) == 125 then
    return fields, at + 1
  end
  while true do
    if byte(text, at) ~= 34 then
      fail("expected a key", at)
    end
    key, at = parse_string(text, at)
    at = skip(text, at)
    if byte(text, at) ~= 58 then
      fail("expected :", at)
    end
    fields[key], at = parse_value(text, skip(text, at + 1))
    at = skip(text, at)
    local c = byte(text, at)
    if c == 125 then
      return fields, at + 1
    elseif c ~= 44 then
      fail("expected , or }", at)
    end
    at = skip(text, at + 1)
  end
end

function parse_value(text, at)
  local c = byte(text, at)
  if c == 34 then
    return parse_string(text, at)
  elseif c == 123 then
    return parse_object(text, at)
  elseif c == 91 then
    return parse_array(text, at)
  elseif sub(text, at, at + 3) == "true" then
    return true, at + 4
  elseif sub(text, at, at + 4) == "false" then
    return false, at + 5
  elseif sub(text, at, at + 3) == "null" then
    return null, at + 4
  end
  local _, stop = find(text, "^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if not stop then
    fail("unexpected character", at)
  end
  return tonumber(sub(text, at, stop)), stop + 1
end

local function parse(text)
  local value, at = parse_value(text, skip(text, 1))
  if skip(text, at) <= #text then
    fail("trailing text", at)
  end
  return value
end

local QUOTED = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(s)
  if find(s, '[%c"\\]') then
    s = s:gsub('[%c"\\]', function(c)
      return QUOTED[c] or string.format("\\u%04x", byte(c))
    end)
  end
  return '"' .. s .. '"'
end

local function write(value, out, count)
  local kind = type(value)
  if value == null then
    out[count + 1] = "null"
  elseif kind == "string" then
    out[count + 1] = quote(value)
  elseif kind ~= "table" then
    out[count + 1] = tostring(value)
  elseif value[1] ~= nil then
    for i = 1, #value do
      out[count + 1] = i == 1 and "[" or ","
      count = write(value[i], out, count + 1)
    end
    out[count + 1] = "]"
  else
    local opening = "{"
    for key, item in pairs(value) do
      out[count + 1] = opening
      out[count + 2] = quote(key)
      out[count + 3] = ":"
      count = write(item, out, count + 3)
      opening = ","
    end
    out[count + 1] = opening == "{" and "{}" or "}"
  end
  return count + 1
end

local function serialise(value)
  local out = {}
  write(value, out, 0)
  return table.concat(out)
end

local function document(n)
  local out = {}
  for i = 0, n - 1 do
    out[i + 1] = '{"id":' .. i .. ',"name":"user ' .. i .. '","active":' .. tostring(i % 2 == 0)
      .. ',"score":' .. (i % 1000) .. '.5,"tags":["alpha","beta","gamma"],'
      .. '"note":"a \\"quoted\\"\\tword",'
      .. '"address":{"city":"Graz","zip":8010,"extra":null}}'
  end
  return "[" .. table.concat(out, ",") .. "]"
end

local function weigh(value)
  local kind = type(value)
  if kind == "number" then
    return value * 2
  elseif kind == "string" then
    return #value
  elseif kind == "boolean" then
    return value and 1 or 2
  elseif value == null then
    return 3
  end
  local sum = 0
  for _, item in pairs(value) do
    sum = sum + weigh(item)
  end
  return sum
end

local text = document(n)
local checksum = #text
for _ = 1, 5 do
  local value = parse(text)
  checksum = (checksum + weigh(value)) % 1000000007
  checksum = (checksum + #serialise(value)) % 1000000007
end
print(string.format("%d", checksum))
