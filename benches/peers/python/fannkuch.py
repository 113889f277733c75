import sys


def fannkuch(n):
    perm = list(range(n))
    flipped = [0] * n
    count = [0] * n
    checksum = most = 0
    even = True
    r = n
    while True:
        while r != 1:
            count[r - 1] = r
            r -= 1
        for i in range(n):
            flipped[i] = perm[i]
        flips = 0
        first = flipped[0]
        while first != 0:
            low, high = 0, first
            while low < high:
                flipped[low], flipped[high] = flipped[high], flipped[low]
                low += 1
                high -= 1
            flips += 1
            first = flipped[0]
        if flips > most:
            most = flips
        checksum += flips if even else -flips
        while True:
            if r == n:
                return checksum, most
            front = perm[0]
            for i in range(r):
                perm[i] = perm[i + 1]
            perm[r] = front
            count[r] -= 1
            if count[r] > 0:
                break
            r += 1
        even = not even


print(*fannkuch(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
