local n = tonumber(arg[1]) or 200
local MODULUS, DEPTH = 65521, 18
local NUMBER, VARIABLE, ADD, SUBTRACT, MULTIPLY, NEGATE = 1, 2, 3, 4, 5, 6

local function build(depth, seed)
  if depth == 0 or seed % 37 == 0 then
    if seed % 2 == 0 then
      return { tag = NUMBER, value = seed % 1000 }
    end
    return { tag = VARIABLE }
  end
  local left = seed * 31 % MODULUS + 1
  local right = seed * 17 % MODULUS + 2
  local kind = seed % 7
  if kind == 6 then
    return { tag = NEGATE, a = build(depth - 1, left) }
  end
  local tag = kind < 2 and ADD or kind < 4 and SUBTRACT or MULTIPLY
  return { tag = tag, a = build(depth - 1, left), b = build(depth - 1, right) }
end

local function nodes(e)
  local tag = e.tag
  if tag == NUMBER or tag == VARIABLE then
    return 1
  elseif tag == NEGATE then
    return 1 + nodes(e.a)
  end
  return 1 + nodes(e.a) + nodes(e.b)
end

local function eval(e, x)
  local tag = e.tag
  if tag == NUMBER then
    return e.value
  elseif tag == VARIABLE then
    return x
  elseif tag == ADD then
    return (eval(e.a, x) + eval(e.b, x)) % MODULUS
  elseif tag == SUBTRACT then
    return (eval(e.a, x) - eval(e.b, x) + MODULUS) % MODULUS
  elseif tag == MULTIPLY then
    return eval(e.a, x) * eval(e.b, x) % MODULUS
  end
  return (MODULUS - eval(e.a, x)) % MODULUS
end

local tree = build(DEPTH, 12345)
local total = 0
for x = 0, n - 1 do
  total = (total * 3 + eval(tree, x)) % MODULUS
end
print(string.format("%d %d", nodes(tree), total))
