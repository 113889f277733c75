const n = Number(process.argv[2] ?? 1000000);

function sortRange(a, low, high) {
  let i = low, j = high;
  const pivot = a[Math.floor((low + high) / 2)];
  while (i <= j) {
    while (a[i] < pivot) {
      i += 1;
    }
    while (a[j] > pivot) {
      j -= 1;
    }
    if (i <= j) {
      const held = a[i];
      a[i] = a[j];
      a[j] = held;
      i += 1;
      j -= 1;
    }
  }
  if (low < j) {
    sortRange(a, low, j);
  }
  if (i < high) {
    sortRange(a, i, high);
  }
}

let seed = 42, checksum = 0;
for (let round = 0; round < 3; round++) {
  const items = [];
  for (let i = 0; i < n; i++) {
    seed = seed * 16807 % 2147483647;
    items.push(seed);
  }
  sortRange(items, 0, n - 1);
  for (const x of items) {
    checksum = (checksum * 31 + x) % 1000000007;
  }
}
console.log(checksum);
