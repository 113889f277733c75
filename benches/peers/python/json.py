# Python puts a script's own folder first on the module path, where this file would hide the
# library of the same name.
import sys

sys.path.pop(0)
from json import dumps, loads  # noqa: E402


def document(n):
    pieces = []
    for i in range(n):
        active = "true" if i % 2 == 0 else "false"
        pieces.append(
            f'{{"id":{i},"name":"user {i}","active":{active},"score":{i % 1000}.5,'
            '"tags":["alpha","beta","gamma"],"note":"a \\"quoted\\"\\tword",'
            '"address":{"city":"Graz","zip":8010,"extra":null}}'
        )
    return "[" + ",".join(pieces) + "]"


def weigh(value):
    if isinstance(value, str):
        return len(value)
    if isinstance(value, bool):
        return 1 if value else 2
    if isinstance(value, (int, float)):
        return int(value * 2)
    if isinstance(value, list):
        return sum(weigh(item) for item in value)
    if isinstance(value, dict):
        return sum(weigh(item) for item in value.values())
    return 3


def main(n):
    text = document(n)
    checksum = len(text)
    for _ in range(5):
        value = loads(text)
        checksum = (checksum + weigh(value)) % 1000000007
        checksum = (checksum + len(dumps(value, separators=(",", ":")))) % 1000000007
    print(checksum)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
