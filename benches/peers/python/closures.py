import sys
from functools import reduce


def main(n):
    numbers = list(range(n))
    total = 0
    for round_ in range(10):
        scaled = list(map(lambda x: x * 3 + round_, numbers))
        kept = list(filter(lambda x: x % 2 == 0, scaled))
        total = (total + reduce(lambda acc, x: (acc + x) & 0xFFFFFF, kept, 0)) % 1000003
    step = total % 7 + 1
    following = lambda x: (x * 5 + step) & 0xFFFF  # noqa: E731
    for i in range(n * 10):
        total = following(total + i)
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
