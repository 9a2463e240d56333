import { isIPv4, isIPv6 } from 'node:net';

const OPEN_V4 = /^(0\.|127\.)/;
const OPEN_V6 = new Set(['::', '::1']);

// The description with the addresses of this machine replaced by those for documentation (RFC 5737,
// RFC 3849), numbered in the order they appear in. Loopback, "any" and mDNS names stay.
export function masked(sdp) {
  const names = new Map();
  const counts = { v4: 0, v6: 0 };
  const mask = (address, open, make) => {
    if (!open && !names.has(address)) {
      names.set(address, make());
    }
    return open ? address : names.get(address);
  };
  return sdp.split(/( |\r\n|\n)/).map((word) => {
    if (isIPv4(word)) {
      return mask(word, OPEN_V4.test(word), () => `192.0.2.${++counts.v4}`);
    }
    if (isIPv6(word)) {
      return mask(word, OPEN_V6.has(word), () => `2001:db8::${++counts.v6}`);
    }
    return word;
  }).join('');
}
