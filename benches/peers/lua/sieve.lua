local n = tonumber(arg[1]) or 10000000

local function primes_below(n)
  local prime = {}
  for i = 0, n - 1 do
    prime[i] = true
  end
  prime[0], prime[1] = false, false
  local i = 2
  while i * i < n do
    if prime[i] then
      for multiple = i * i, n - 1, i do
        prime[multiple] = false
      end
    end
    i = i + 1
  end
  local count = 0
  for i = 0, n - 1 do
    if prime[i] then
      count = count + 1
    end
  end
  return count
end

local total = 0
for _ = 1, 3 do
  total = total + primes_below(n)
end
print(string.format("%d", total))
