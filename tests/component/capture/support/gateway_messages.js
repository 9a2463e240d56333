import { SipFramer } from '../../carriers/support/sip_text.js';
import { isSip } from './sip_start.js';

const TLS_HANDSHAKE = 0x16;
const DEFAULT_BUDGET = 1300;
const portOf = (address) => Number(address.slice(address.lastIndexOf(':') + 1));

// What a gateway of the suite sent to its trunks, as it left: its record of a Lab ({ sip, from, to,
// test, lines, config }, `from` and `to` in ms of the epoch) and the messages of its TCP streams.
export class GatewayMessages {
  streams = 0;
  broken = [];  // streams that the capture does not have to the end
  messages = [];

  constructor(record) {
    Object.assign(this, record);
  }

  // It accepted that connection, or it sends requests over it as itself.
  isSender(stream, messages) {
    if (stream.time < this.from || stream.time > this.to) return false;
    const via = new RegExp(`^SIP/2\\.0/TCP [^ ;]+:${this.sip}(;|$)`);
    return portOf(stream.from) === this.sip ||
        messages.some((message) => message.method && via.test(message.header('via')));
  }

  // Longer than the shortest budget of its configuration. What is not an INVITE has none of its own;
  // it is held to the same one, and nothing excuses it.
  overBudget() {
    const budgets = [...this.config.matchAll(/\binvite: *(\d+)/g)].map((match) => Number(match[1]));
    const limit = Math.min(DEFAULT_BUDGET, ...budgets);
    return this.messages.filter((message) => message.bytes.length > limit);
  }

  // The lines of its log that say why that INVITE is so long: one with its size, and with its
  // Call-ID if it is the first of a dialog; one with what the call took out of the SDP, unless the
  // INVITE became too long afterwards, by credentials. Empty: it does not say why.
  reasonsFor(message) {
    const size = `an INVITE of ${message.bytes.length} bytes is over its budget of `;
    const name = /;tag=/.test(message.header('to')) ? '; inside a dialog' :
        `; call-id=${message.header('call-id')} cseq=${parseInt(message.header('cseq'), 10)}`;
    const sent = this.lines.find((line) => line.includes(size) && line.endsWith(name));
    if (!sent) return [];
    const edits = new RegExp('call=\\d+ leg=trunk INVITE of at most \\d+ bytes, ' +
                             `${message.body.length} of them SDP, over the trunk's budget`);
    const made = this.lines.find((line) => edits.test(line));
    if (made) return [sent, made];
    return / with credentials|; inside a dialog/.test(sent) ? [sent] : [];
  }
}

// Gives each gateway its streams and messages. Returns how many streams were { sip, tls, others }.
export function shareOut(streams, gateways) {
  const counts = { sip: 0, tls: 0, others: 0 };
  for (const stream of streams) {
    const { bytes, whole } = stream.read();
    if (!isSip(bytes)) {
      ++counts[bytes[0] === TLS_HANDSHAKE ? 'tls' : 'others'];
      continue;
    }
    ++counts.sip;
    const messages = new SipFramer().push(bytes);
    const sender = gateways.find((gateway) => gateway.isSender(stream, messages));
    if (!sender) continue;
    ++sender.streams;
    sender.messages.push(...messages);
    if (!whole) sender.broken.push(`${stream.from} to ${stream.to}`);
  }
  return counts;
}
