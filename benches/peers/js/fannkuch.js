const n = Number(process.argv[2] ?? 10);

function fannkuch(n) {
  const perm = [], flipped = [], count = [];
  for (let i = 0; i < n; i++) {
    perm.push(i);
    flipped.push(0);
    count.push(0);
  }
  let checksum = 0, most = 0, even = true, r = n;
  for (;;) {
    while (r !== 1) {
      count[r - 1] = r;
      r -= 1;
    }
    for (let i = 0; i < n; i++) {
      flipped[i] = perm[i];
    }
    let flips = 0, first = flipped[0];
    while (first !== 0) {
      for (let low = 0, high = first; low < high; low++, high--) {
        const held = flipped[low];
        flipped[low] = flipped[high];
        flipped[high] = held;
      }
      flips += 1;
      first = flipped[0];
    }
    most = Math.max(most, flips);
    checksum += even ? flips : -flips;
    for (;;) {
      if (r === n) {
        return [checksum, most];
      }
      const front = perm[0];
      for (let i = 0; i < r; i++) {
        perm[i] = perm[i + 1];
      }
      perm[r] = front;
      count[r] -= 1;
      if (count[r] > 0) {
        break;
      }
      r += 1;
    }
    even = !even;
  }
}

console.log(fannkuch(n).join(" "));
