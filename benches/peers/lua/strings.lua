local n = tonumber(arg[1]) or 1000000

local function split(text, separator)
  local parts, from = {}, 1
  while true do
    local at = string.find(text, separator, from, true)
    if not at then
      parts[#parts + 1] = string.sub(text, from)
      return parts
    end
    parts[#parts + 1] = string.sub(text, from, at - 1)
    from = at + #separator
  end
end

local checksum = 0
for _ = 1, 3 do
  local pieces = {}
  for i = 0, n - 1 do
    pieces[i + 1] = (i % 1000) .. ","
  end
  local text = table.concat(pieces)
  local parts = split(text, ",")
  local joined = table.concat(parts, ";")
  local short = 0
  for _, part in ipairs(parts) do
    short = short + #("<" .. part .. ">")
  end
  local replaced = string.gsub(joined, "1", "one")
  checksum = checksum + #text + #parts + #joined + short + #replaced
end
print(string.format("%d", checksum))
