// A small generator with a seed (xorshift32): the same numbers below `below` in every run.
export function seeded(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const KINDS = [
  (bytes, at, random) => bytes.fill(random(256), at, at + 1),
  (bytes, at, random) => bytes.fill(bytes[at] ^ (1 << random(8)), at, at + 1),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
  (bytes, at, random) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from([random(256)]), bytes.subarray(at)]),
  (bytes, at, random) => {
    const end = Math.min(bytes.length, at + 1 + random(200));
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
  },
  (bytes, at) => bytes.subarray(0, at),
];

// A copy of `original` with one to four bytes changed, lost or added, a part of it twice, or its end
// cut off.
export function mutated(original, random) {
  let bytes = Buffer.from(original);
  for (let left = 1 + random(4); left > 0 && bytes.length > 1; --left) {
    bytes = KINDS[random(KINDS.length)](bytes, random(bytes.length), random);
  }
  return bytes;
}
