const n = Number(process.argv[2] ?? 1000);
const LIMIT = 200;

function escape(cr, ci) {
  let zr = 0, zi = 0, steps = 0;
  while (steps < LIMIT) {
    const rr = zr * zr, ii = zi * zi;
    if (rr + ii > 4) {
      break;
    }
    zi = 2 * zr * zi + ci;
    zr = rr - ii + cr;
    steps += 1;
  }
  return steps;
}

let total = 0;
for (let y = 0; y < n; y++) {
  const ci = 2 * y / n - 1;
  for (let x = 0; x < n; x++) {
    total += escape(2 * x / n - 1.5, ci);
  }
}
console.log(total);
