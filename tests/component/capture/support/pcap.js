import { readFileSync } from 'node:fs';

// What tcpdump -i any -y LINUX_SLL writes: packets of IPv4 and IPv6 without a link's own head.
const MAGIC = 0xa1b2c3d4;
const LINUX_SLL = 113;
const FILE_HEAD = 24;
const RECORD_HEAD = 16;
const SLL_HEAD = 16;
const SENT_BY_US = 4;
const [IPV4, IPV6] = [0x0800, 0x86dd];
const [TCP, UDP] = [6, 17];
const SYN = 2;

const dotted = (bytes) => bytes.join('.');
const grouped = (bytes) => bytes.toString('hex').match(/.{4}/g).join(':');

// The addresses of an IP packet, its protocol, and what that carries: as much of it as was
// captured, and how much there was. Null: something else, or a fragment that is not the first.
function readIp(type, packet) {
  if (type === IPV4 && packet.length >= 20) {
    const head = (packet[0] & 0xf) * 4;
    if (packet.readUInt16BE(6) & 0x1fff) return null;
    const size = packet.readUInt16BE(2) - head;
    return { protocol: packet[9], from: dotted(packet.subarray(12, 16)),
             to: dotted(packet.subarray(16, 20)), size,
             bytes: packet.subarray(head, head + size) };
  }
  if (type === IPV6 && packet.length >= 40) {
    const size = packet.readUInt16BE(4);
    return { protocol: packet[6], from: grouped(packet.subarray(8, 24)),
             to: grouped(packet.subarray(24, 40)), size, bytes: packet.subarray(40, 40 + size) };
  }
  return null;
}

function readTransport({ protocol, from, to, size, bytes }) {
  if (!(protocol === UDP && bytes.length >= 8) && !(protocol === TCP && bytes.length >= 20)) {
    return null;
  }
  const ends = { from: `${from}:${bytes.readUInt16BE(0)}`, to: `${to}:${bytes.readUInt16BE(2)}` };
  if (protocol === UDP) return { udp: true, ...ends, payload: bytes.subarray(8) };
  const head = (bytes[12] >> 4) * 4;
  return { tcp: true, ...ends, sequence: bytes.readUInt32BE(4), syn: (bytes[13] & SYN) !== 0,
           size: size - head, payload: bytes.subarray(head) };
}

// The datagrams and TCP segments of a capture, as they were captured: { udp or tcp, from, to (each
// "address:port"), time (ms of the epoch), leaves (this machine sent it to another one), payload },
// of a segment also { sequence, syn, size }; `size` may be more than was captured of its payload.
export function* readCapture(path) {
  const file = readFileSync(path);
  if (file.readUInt32LE(0) !== MAGIC || file.readUInt32LE(20) !== LINUX_SLL) {
    throw new Error(`${path} is not what tcpdump -i any -y LINUX_SLL writes on this machine`);
  }
  for (let at = FILE_HEAD; at + RECORD_HEAD <= file.length;) {
    const time = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000;
    const length = file.readUInt32LE(at + 8);
    const record = file.subarray(at + RECORD_HEAD, at + RECORD_HEAD + length);
    at += RECORD_HEAD + length;
    if (record.length < length) return;  // tcpdump was writing it
    const leaves = record.readUInt16BE(0) === SENT_BY_US;
    const ip = readIp(record.readUInt16BE(14), record.subarray(SLL_HEAD));
    const packet = ip && readTransport(ip);
    if (packet) yield Object.assign(packet, { time, leaves });
  }
}
