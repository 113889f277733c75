const n = Number(process.argv[2] ?? 1000000);

const numbers = [];
for (let i = 0; i < n; i++) {
  numbers.push(i);
}
let total = 0;
for (let round = 0; round < 10; round++) {
  const scaled = numbers.map((x) => x * 3 + round);
  const kept = scaled.filter((x) => x % 2 === 0);
  total = (total + kept.reduce((sum, x) => (sum + x) & 0xffffff, 0)) % 1000003;
}
const step = total % 7 + 1;
const next = (x) => (x * 5 + step) & 0xffff;
for (let i = 0; i < n * 10; i++) {
  total = next(total + i);
}
console.log(total);
