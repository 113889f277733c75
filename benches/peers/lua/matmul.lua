local n = tonumber(arg[1]) or 400

local function make(n, seed)
  local m = {}
  for i = 0, n - 1 do
    local row = {}
    for j = 0, n - 1 do
      row[j] = ((i * seed + j * 3) % 17) * 0.25
    end
    m[i] = row
  end
  return m
end

local function multiply(a, b)
  local c = {}
  for i = 0, n - 1 do
    local row = {}
    for j = 0, n - 1 do
      row[j] = 0.0
    end
    for k = 0, n - 1 do
      local x, other = a[i][k], b[k]
      for j = 0, n - 1 do
        row[j] = row[j] + x * other[j]
      end
    end
    c[i] = row
  end
  return c
end

local c = multiply(make(n, 5), make(n, 7))
local trace, total = 0.0, 0.0
for i = 0, n - 1 do
  trace = trace + c[i][i]
  for j = 0, n - 1 do
    total = total + c[i][j]
  end
end
print(string.format("%.4f %.4f", trace, total))
