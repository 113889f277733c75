import sys


def main(n):
    total = 0
    for i in range(n):
        total = (total + (i ^ total)) & 0x3FFFFFFF
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000_000)
