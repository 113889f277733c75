import sys


def primes_below(n):
    prime = [True] * n
    prime[0] = prime[1] = False
    i = 2
    while i * i < n:
        if prime[i]:
            for multiple in range(i * i, n, i):
                prime[multiple] = False
        i += 1
    count = 0
    for p in prime:
        if p:
            count += 1
    return count


def main(n):
    total = 0
    for _ in range(3):
        total += primes_below(n)
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
