const n = Number(process.argv[2] ?? 10000000);

function primesBelow(n) {
  const prime = new Array(n).fill(true);
  prime[0] = false;
  prime[1] = false;
  for (let i = 2; i * i < n; i++) {
    if (prime[i]) {
      for (let multiple = i * i; multiple < n; multiple += i) {
        prime[multiple] = false;
      }
    }
  }
  let count = 0;
  for (let i = 0; i < n; i++) {
    if (prime[i]) {
      count += 1;
    }
  }
  return count;
}

let total = 0;
for (let round = 0; round < 3; round++) {
  total += primesBelow(n);
}
console.log(total);
