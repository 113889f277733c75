const n = Number(process.argv[2] ?? 1000000);

let checksum = 0;
for (let round = 0; round < 3; round++) {
  let text = "";
  for (let i = 0; i < n; i++) {
    text += `${i % 1000},`;
  }
  const parts = text.split(",");
  const joined = parts.join(";");
  let short = 0;
  for (const part of parts) {
    short += ("<" + part + ">").length;
  }
  const replaced = joined.replaceAll("1", "one");
  checksum += text.length + parts.length + joined.length + short + replaced.length;
}
console.log(checksum);
