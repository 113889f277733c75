local n = tonumber(arg[1]) or 1000000000

-- LuaJIT has no bit operators and Lua 5.4 no `bit` library, so each is given its own text.
local source
if jit then
  source = [[
    local n = ...
    local bxor, band = bit.bxor, bit.band
    local sum = 0
    for i = 0, n - 1 do
      sum = band(sum + bxor(i, sum), 0x3fffffff)
    end
    return sum
  ]]
else
  source = [[
    local n = ...
    local sum = 0
    for i = 0, n - 1 do
      sum = (sum + (i ~ sum)) & 0x3fffffff
    end
    return sum
  ]]
end

print(string.format("%d", load(source)(n)))
