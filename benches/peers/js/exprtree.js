const n = Number(process.argv[2] ?? 200);
const MODULUS = 65521, DEPTH = 18;
const NUMBER = 0, VARIABLE = 1, ADD = 2, SUBTRACT = 3, MULTIPLY = 4, NEGATE = 5;

class Expr {
  constructor(tag, value, a, b) {
    this.tag = tag;
    this.value = value;
    this.a = a;
    this.b = b;
  }
}

function build(depth, seed) {
  if (depth === 0 || seed % 37 === 0) {
    return seed % 2 === 0
      ? new Expr(NUMBER, seed % 1000, null, null)
      : new Expr(VARIABLE, 0, null, null);
  }
  const left = seed * 31 % MODULUS + 1;
  const right = seed * 17 % MODULUS + 2;
  const kind = seed % 7;
  if (kind === 6) {
    return new Expr(NEGATE, 0, build(depth - 1, left), null);
  }
  const tag = kind < 2 ? ADD : kind < 4 ? SUBTRACT : MULTIPLY;
  return new Expr(tag, 0, build(depth - 1, left), build(depth - 1, right));
}

function nodes(e) {
  switch (e.tag) {
    case NUMBER:
    case VARIABLE:
      return 1;
    case NEGATE:
      return 1 + nodes(e.a);
    default:
      return 1 + nodes(e.a) + nodes(e.b);
  }
}

function evaluate(e, x) {
  switch (e.tag) {
    case NUMBER:
      return e.value;
    case VARIABLE:
      return x;
    case ADD:
      return (evaluate(e.a, x) + evaluate(e.b, x)) % MODULUS;
    case SUBTRACT:
      return (evaluate(e.a, x) - evaluate(e.b, x) + MODULUS) % MODULUS;
    case MULTIPLY:
      return evaluate(e.a, x) * evaluate(e.b, x) % MODULUS;
    default:
      return (MODULUS - evaluate(e.a, x)) % MODULUS;
  }
}

const tree = build(DEPTH, 12345);
let total = 0;
for (let x = 0; x < n; x++) {
  total = (total * 3 + evaluate(tree, x)) % MODULUS;
}
console.log(`${nodes(tree)} ${total}`);
