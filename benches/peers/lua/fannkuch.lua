local n = tonumber(arg[1]) or 10

local function fannkuch(n)
  local perm, flipped, count = {}, {}, {}
  for i = 0, n - 1 do
    perm[i], flipped[i], count[i] = i, 0, 0
  end
  local checksum, most, even, r = 0, 0, true, n
  while true do
    while r ~= 1 do
      count[r - 1] = r
      r = r - 1
    end
    for i = 0, n - 1 do
      flipped[i] = perm[i]
    end
    local flips, first = 0, flipped[0]
    while first ~= 0 do
      local low, high = 0, first
      while low < high do
        flipped[low], flipped[high] = flipped[high], flipped[low]
        low = low + 1
        high = high - 1
      end
      flips = flips + 1
      first = flipped[0]
    end
    if flips > most then
      most = flips
    end
    checksum = even and checksum + flips or checksum - flips
    while true do
      if r == n then
        return checksum, most
      end
      local front = perm[0]
      for i = 0, r - 1 do
        perm[i] = perm[i + 1]
      end
      perm[r] = front
      count[r] = count[r] - 1
      if count[r] > 0 then
        break
      end
      r = r + 1
    end
    even = not even
  end
end

print(string.format("%d %d", fannkuch(n)))
