import sys


def make(depth):
    return (None, None) if depth == 0 else (make(depth - 1), make(depth - 1))


def count(tree):
    left, right = tree
    return 1 if left is None else 1 + count(left) + count(right)


def main(n):
    print(f"stretch {n + 1}: {count(make(n + 1))}")
    kept = make(n)
    for depth in range(4, n + 1, 4):
        rounds = 1 << (n - depth + 4)
        total = 0
        for _ in range(rounds):
            total += count(make(depth))
        print(f"{rounds} of {depth}: {total}")
    print(f"kept {n}: {count(kept)}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 17)
