import sys


def sort_range(a, low, high):
    i, j = low, high
    pivot = a[(low + high) // 2]
    while i <= j:
        while a[i] < pivot:
            i += 1
        while a[j] > pivot:
            j -= 1
        if i <= j:
            a[i], a[j] = a[j], a[i]
            i += 1
            j -= 1
    if low < j:
        sort_range(a, low, j)
    if i < high:
        sort_range(a, i, high)


def main(n):
    seed = 42
    checksum = 0
    for _ in range(3):
        items = []
        for _ in range(n):
            seed = seed * 16807 % 2147483647
            items.append(seed)
        sort_range(items, 0, n - 1)
        for x in items:
            checksum = (checksum * 31 + x) % 1000000007
    print(checksum)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
