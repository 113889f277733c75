local n = tonumber(arg[1]) or 1000000

local function map(xs, f)
  local out = {}
  for i = 1, #xs do
    out[i] = f(xs[i])
  end
  return out
end

local function filter(xs, keep)
  local out, count = {}, 0
  for i = 1, #xs do
    local x = xs[i]
    if keep(x) then
      count = count + 1
      out[count] = x
    end
  end
  return out
end

local function reduce(xs, start, f)
  local acc = start
  for i = 1, #xs do
    acc = f(acc, xs[i])
  end
  return acc
end

local numbers = {}
for i = 0, n - 1 do
  numbers[i + 1] = i
end
local total = 0
for round = 0, 9 do
  local scaled = map(numbers, function(x) return x * 3 + round end)
  local kept = filter(scaled, function(x) return x % 2 == 0 end)
  total = (total + reduce(kept, 0, function(sum, x) return (sum + x) % 0x1000000 end)) % 1000003
end
local step = total % 7 + 1
local function next_value(x)
  return (x * 5 + step) % 0x10000
end
for i = 0, n * 10 - 1 do
  total = next_value(total + i)
end
print(string.format("%d", total))
