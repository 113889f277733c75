import sys

WORDS = 20_000
NUMBERS = 100_000


def main(n):
    words = [f"word{i}" for i in range(WORDS)]
    seed = 42
    checksum = 0
    for _ in range(3):
        by_word = {}
        for _ in range(n):
            seed = seed * 16807 % 2147483647
            word = words[seed % WORDS]
            by_word[word] = by_word.get(word, 0) + 1
        by_number = {}
        for _ in range(n):
            seed = seed * 16807 % 2147483647
            number = seed % NUMBERS
            by_number[number] = by_number.get(number, 0) + 1
        for word, count in by_word.items():
            checksum = (checksum + len(word) * count * count) % 1000000007
        for number, count in by_number.items():
            checksum = (checksum + number * count) % 1000000007
        checksum += len(by_word) + len(by_number)
    print(checksum)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
