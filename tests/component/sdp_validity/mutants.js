import { mutated } from '../carriers/support/mutation.js';

const LINE_KINDS = [
  (lines, at) => lines.splice(at, 1),
  (lines, at) => lines.splice(at, 0, lines[at]),
  (lines, at, random) => {
    const [line] = lines.splice(at, 1);
    lines.splice(1 + random(lines.length), 0, line);
  },
  (lines, at, random, others) => lines.splice(at, 0, others[random(others.length)]),
  (lines, at, random) => {
    lines[at] = lines[at].replace(/\d+/, String(random(130)));
  },
  (lines, at, random) => {
    const words = lines[at].split(' ');
    words.splice(random(words.length), 1);
    lines[at] = words.join(' ') || lines[at];
  },
];

// A copy of the description `original` with some of its lines lost, doubled, moved, altered or
// taken from `others`. One in five is damaged in its bytes instead.
export function mutant(original, others, random) {
  if (random(5) === 0) {
    return mutated(original, random);
  }
  const lines = original.toString('latin1').split('\r\n').slice(0, -1);
  for (let left = 1 + random(4); left > 0; --left) {
    LINE_KINDS[random(LINE_KINDS.length)](lines, 1 + random(lines.length - 1), random, others);
  }
  return Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1');
}
