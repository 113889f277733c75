const n = Number(process.argv[2] ?? 1000000);
const WORDS = 20000, NUMBERS = 100000;

const words = [];
for (let i = 0; i < WORDS; i++) {
  words.push(`word${i}`);
}
let seed = 42, checksum = 0;
for (let round = 0; round < 3; round++) {
  const byWord = new Map();
  for (let i = 0; i < n; i++) {
    seed = seed * 16807 % 2147483647;
    const word = words[seed % WORDS];
    byWord.set(word, (byWord.get(word) ?? 0) + 1);
  }
  const byNumber = new Map();
  for (let i = 0; i < n; i++) {
    seed = seed * 16807 % 2147483647;
    const number = seed % NUMBERS;
    byNumber.set(number, (byNumber.get(number) ?? 0) + 1);
  }
  for (const [word, count] of byWord) {
    checksum = (checksum + word.length * count * count) % 1000000007;
  }
  for (const [number, count] of byNumber) {
    checksum = (checksum + number * count) % 1000000007;
  }
  checksum += byWord.size + byNumber.size;
}
console.log(checksum);
