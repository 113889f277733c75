const n = Number(process.argv[2] ?? 1000000000);

let sum = 0;
for (let i = 0; i < n; i++) {
  sum = (sum + (i ^ sum)) & 0x3fffffff;
}
console.log(sum);
