import sys


def main(n):
    checksum = 0
    for _ in range(3):
        text = ""
        for i in range(n):
            text += f"{i % 1000},"
        parts = text.split(",")
        joined = ";".join(parts)
        short = 0
        for part in parts:
            short += len("<" + part + ">")
        replaced = joined.replace("1", "one")
        checksum += len(text) + len(parts) + len(joined) + short + len(replaced)
    print(checksum)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
