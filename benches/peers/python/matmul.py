import sys


def make(n, seed):
    return [[((i * seed + j * 3) % 17) * 0.25 for j in range(n)] for i in range(n)]


def multiply(a, b):
    n = len(a)
    c = [[0.0] * n for _ in range(n)]
    for i in range(n):
        row = c[i]
        for k in range(n):
            x = a[i][k]
            other = b[k]
            for j in range(n):
                row[j] += x * other[j]
    return c


def main(n):
    c = multiply(make(n, 5), make(n, 7))
    trace = total = 0.0
    for i in range(n):
        trace += c[i][i]
        for x in c[i]:
            total += x
    print(f"{trace:.4f} {total:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
