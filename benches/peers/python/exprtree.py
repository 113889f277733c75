import sys

MODULUS = 65521
DEPTH = 18
NUMBER, VARIABLE, ADD, SUBTRACT, MULTIPLY, NEGATE = range(6)


def build(depth, seed):
    if depth == 0 or seed % 37 == 0:
        return (NUMBER, seed % 1000) if seed % 2 == 0 else (VARIABLE,)
    left = seed * 31 % MODULUS + 1
    right = seed * 17 % MODULUS + 2
    kind = seed % 7
    if kind == 6:
        return (NEGATE, build(depth - 1, left))
    tag = ADD if kind < 2 else SUBTRACT if kind < 4 else MULTIPLY
    return (tag, build(depth - 1, left), build(depth - 1, right))


def nodes(e):
    tag = e[0]
    if tag == NUMBER or tag == VARIABLE:
        return 1
    if tag == NEGATE:
        return 1 + nodes(e[1])
    return 1 + nodes(e[1]) + nodes(e[2])


def evaluate(e, x):
    tag = e[0]
    if tag == NUMBER:
        return e[1]
    if tag == VARIABLE:
        return x
    if tag == ADD:
        return (evaluate(e[1], x) + evaluate(e[2], x)) % MODULUS
    if tag == SUBTRACT:
        return (evaluate(e[1], x) - evaluate(e[2], x) + MODULUS) % MODULUS
    if tag == MULTIPLY:
        return evaluate(e[1], x) * evaluate(e[2], x) % MODULUS
    return (MODULUS - evaluate(e[1], x)) % MODULUS


def main(n):
    tree = build(DEPTH, 12345)
    total = 0
    for x in range(n):
        total = (total * 3 + evaluate(tree, x)) % MODULUS
    print(nodes(tree), total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
