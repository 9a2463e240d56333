// One direction of a TCP connection, put together in the order of its sequence numbers, whatever
// order its segments were captured in, and however often.
export class TcpStream {
  #segments = [];
  #first;

  // Of the segment that opens it.
  constructor({ from, to, time, sequence }) {
    Object.assign(this, { from, to, time });
    this.#first = (sequence + 1) >>> 0;
  }

  add({ sequence, payload, size }) {
    if (size > 0) {
      this.#segments.push({ at: (sequence - this.#first) >>> 0, payload, size });
    }
  }

  // { bytes, whole }: from its first byte to its end, or to the first one that was not captured.
  read() {
    const parts = [];
    let end = 0;
    for (const { at, payload } of [...this.#segments].sort((a, b) => a.at - b.at)) {
      if (at > end) return { bytes: Buffer.concat(parts), whole: false };
      if (at + payload.length > end) {
        parts.push(payload.subarray(end - at));
        end = at + payload.length;
      }
    }
    return { bytes: Buffer.concat(parts), whole: !this.#isCut(end) };
  }

  // The last segment may have been longer than what was captured of it.
  #isCut(end) {
    return this.#segments.some(({ at, size }) => at + size > end);
  }
}

// The directions of all connections that were opened while `packets` were captured.
export class TcpStreams {
  #open = new Map();
  all = [];

  add(packet) {
    const key = `${packet.from} ${packet.to}`;
    if (packet.syn) {
      const known = this.#open.get(key);
      if (known?.sequence === packet.sequence) return;  // sent again
      const stream = new TcpStream(packet);
      this.#open.set(key, { sequence: packet.sequence, stream });
      this.all.push(stream);
    } else {
      this.#open.get(key)?.stream.add(packet);
    }
  }
}
