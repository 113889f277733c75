const n = Number(process.argv[2] ?? 400);

function make(n, seed) {
  const m = [];
  for (let i = 0; i < n; i++) {
    const row = [];
    for (let j = 0; j < n; j++) {
      row.push(((i * seed + j * 3) % 17) * 0.25);
    }
    m.push(row);
  }
  return m;
}

function multiply(a, b) {
  const c = [];
  for (let i = 0; i < n; i++) {
    const row = [];
    for (let j = 0; j < n; j++) {
      row.push(0);
    }
    for (let k = 0; k < n; k++) {
      const x = a[i][k], other = b[k];
      for (let j = 0; j < n; j++) {
        row[j] += x * other[j];
      }
    }
    c.push(row);
  }
  return c;
}

const c = multiply(make(n, 5), make(n, 7));
let trace = 0, total = 0;
for (let i = 0; i < n; i++) {
  trace += c[i][i];
  for (const x of c[i]) {
    total += x;
  }
}
console.log(`${trace.toFixed(4)} ${total.toFixed(4)}`);
