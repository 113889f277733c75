const n = Number(process.argv[2] ?? 60000);

function document(n) {
  let text = "[";
  for (let i = 0; i < n; i++) {
    if (i > 0) {
      text += ",";
    }
    text += `{"id":${i},"name":"user ${i}","active":${i % 2 === 0},"score":${i % 1000}.5,`;
    text += `"tags":["alpha","beta","gamma"],"note":"a \\"quoted\\"\\tword",`;
    text += `"address":{"city":"Graz","zip":8010,"extra":null}}`;
  }
  return text + "]";
}

function weigh(value) {
  switch (typeof value) {
    case "number":
      return value * 2;
    case "string":
      return value.length;
    case "boolean":
      return value ? 1 : 2;
  }
  if (value === null) {
    return 3;
  }
  let sum = 0;
  if (Array.isArray(value)) {
    for (const item of value) {
      sum += weigh(item);
    }
  } else {
    for (const key in value) {
      sum += weigh(value[key]);
    }
  }
  return sum;
}

const text = document(n);
let checksum = text.length;
for (let round = 0; round < 5; round++) {
  const value = JSON.parse(text);
  checksum = (checksum + weigh(value)) % 1000000007;
  checksum = (checksum + JSON.stringify(value).length) % 1000000007;
}
console.log(checksum);
