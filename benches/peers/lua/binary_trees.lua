local n = tonumber(arg[1]) or 17

local function make(depth)
  if depth == 0 then
    return {}
  end
  return { make(depth - 1), make(depth - 1) }
end

local function count(tree)
  if tree[1] then
    return 1 + count(tree[1]) + count(tree[2])
  end
  return 1
end

print(string.format("stretch %d: %d", n + 1, count(make(n + 1))))
local kept = make(n)
for depth = 4, n, 4 do
  local rounds = math.floor(2 ^ (n - depth + 4))
  local total = 0
  for _ = 1, rounds do
    total = total + count(make(depth))
  end
  print(string.format("%d of %d: %d", rounds, depth, total))
end
print(string.format("kept %d: %d", n, count(kept)))
