const n = Number(process.argv[2] ?? 17);

class Node {
  constructor(left, right) {
    this.left = left;
    this.right = right;
  }
}

function make(depth) {
  return depth === 0 ? new Node(null, null) : new Node(make(depth - 1), make(depth - 1));
}

function count(tree) {
  return tree === null ? 0 : 1 + count(tree.left) + count(tree.right);
}

console.log(`stretch ${n + 1}: ${count(make(n + 1))}`);
const kept = make(n);
for (let depth = 4; depth <= n; depth += 4) {
  const rounds = 1 << (n - depth + 4);
  let total = 0;
  for (let round = 0; round < rounds; round++) {
    total += count(make(depth));
  }
  console.log(`${rounds} of ${depth}: ${total}`);
}
console.log(`kept ${n}: ${count(kept)}`);
