local n = tonumber(arg[1]) or 1000
local LIMIT = 200

local function escape(cr, ci)
  local zr, zi, steps = 0.0, 0.0, 0
  while steps < LIMIT do
    local rr, ii = zr * zr, zi * zi
    if rr + ii > 4.0 then
      break
    end
    zi = 2.0 * zr * zi + ci
    zr = rr - ii + cr
    steps = steps + 1
  end
  return steps
end

local total = 0
for y = 0, n - 1 do
  local ci = 2.0 * y / n - 1.0
  for x = 0, n - 1 do
    total = total + escape(2.0 * x / n - 1.5, ci)
  end
end
print(string.format("%d", total))
