local n = tonumber(arg[1]) or 1000000
local WORDS, NUMBERS = 20000, 100000

local words = {}
for i = 0, WORDS - 1 do
  words[i] = "word" .. i
end
local seed, checksum = 42, 0
for _ = 1, 3 do
  local by_word = {}
  for _ = 1, n do
    seed = seed * 16807 % 2147483647
    local word = words[seed % WORDS]
    by_word[word] = (by_word[word] or 0) + 1
  end
  local by_number = {}
  for _ = 1, n do
    seed = seed * 16807 % 2147483647
    local number = seed % NUMBERS
    by_number[number] = (by_number[number] or 0) + 1
  end
  local distinct = 0
  for word, count in pairs(by_word) do
    checksum = (checksum + #word * count * count) % 1000000007
    distinct = distinct + 1
  end
  for number, count in pairs(by_number) do
    checksum = (checksum + number * count) % 1000000007
    distinct = distinct + 1
  end
  checksum = checksum + distinct
end
print(string.format("%d", checksum))
