import sys

LIMIT = 200


def escape(cr, ci):
    zr = zi = 0.0
    steps = 0
    while steps < LIMIT:
        rr = zr * zr
        ii = zi * zi
        if rr + ii > 4.0:
            break
        zi = 2.0 * zr * zi + ci
        zr = rr - ii + cr
        steps += 1
    return steps


def main(n):
    total = 0
    for y in range(n):
        ci = 2.0 * y / n - 1.0
        for x in range(n):
            total += escape(2.0 * x / n - 1.5, ci)
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
