local n = tonumber(arg[1]) or 1000000
local floor = math.floor

local function sort_range(a, low, high)
  local i, j = low, high
  local pivot = a[floor((low + high) / 2)]
  while i <= j do
    while a[i] < pivot do
      i = i + 1
    end
    while a[j] > pivot do
      j = j - 1
    end
    if i <= j then
      a[i], a[j] = a[j], a[i]
      i = i + 1
      j = j - 1
    end
  end
  if low < j then
    sort_range(a, low, j)
  end
  if i < high then
    sort_range(a, i, high)
  end
end

local seed, checksum = 42, 0
for _ = 1, 3 do
  local items = {}
  for i = 1, n do
    seed = seed * 16807 % 2147483647
    items[i] = seed
  end
  sort_range(items, 1, n)
  for i = 1, n do
    checksum = (checksum * 31 + items[i]) % 1000000007
  end
end
print(string.format("%d", checksum))
