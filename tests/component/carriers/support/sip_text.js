import { randomBytes } from 'node:crypto';

const HEAD_END = '\r\n\r\n';

export const token = () => randomBytes(8).toString('hex');

// One SIP message as it was on the wire.
export class SipMessage {
  constructor(bytes) {
    this.bytes = bytes;
    const text = bytes.toString('latin1');
    const end = text.indexOf(HEAD_END);
    [this.line, ...this.fields] = text.slice(0, end).split('\r\n');
    this.text = text;
    this.body = text.slice(end + HEAD_END.length);
    const status = /^SIP\/2\.0 (\d{3}) /.exec(this.line);
    this.status = status ? Number(status[1]) : 0;
    this.method = status ? '' : this.line.split(' ')[0];
  }

  // The value of the first header of that name, '' if there is none.
  header(name) {
    const start = `${name.toLowerCase()}:`;
    return this.fields.find((field) => field.toLowerCase().startsWith(start))
        ?.slice(start.length).trim() ?? '';
  }
}

// Cuts a TCP stream into messages by Content-Length; answers to nothing, drops keep-alives.
export class SipFramer {
  #rest = Buffer.alloc(0);

  push(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    const messages = [];
    for (;;) {
      let start = 0;
      while (this.#rest[start] === 13 || this.#rest[start] === 10) {
        ++start;
      }
      this.#rest = this.#rest.subarray(start);
      const end = this.#rest.indexOf(HEAD_END);
      if (end < 0) {
        return messages;
      }
      const head = this.#rest.toString('latin1', 0, end);
      const length = Number(/^Content-Length: *(\d+)/im.exec(head)?.[1] ?? 0);
      const size = end + HEAD_END.length + length;
      if (this.#rest.length < size) {
        return messages;
      }
      messages.push(new SipMessage(Buffer.from(this.#rest.subarray(0, size))));
      this.#rest = this.#rest.subarray(size);
    }
  }
}

// The bytes of a message; `body` is a Buffer of SDP, or of `contentType`, or nothing.
export function sipBytes(line, fields, body = Buffer.alloc(0), contentType = 'application/sdp') {
  const type = body.length > 0 ? [`Content-Type: ${contentType}`] : [];
  const head = [line, ...fields, ...type, `Content-Length: ${body.length}`, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), body]);
}

// A response with what RFC 3261 section 8.2.6 copies from the request.
export function responseBytes(request, status, phrase, { tag = '', fields = [], body } = {}) {
  const to = request.header('to');
  const vias = request.fields.filter((field) => /^via:/i.test(field));
  return sipBytes(`SIP/2.0 ${status} ${phrase}`, [
    ...vias, `From: ${request.header('from')}`,
    `To: ${to}${tag && !/;tag=/.test(to) ? `;tag=${tag}` : ''}`,
    `Call-ID: ${request.header('call-id')}`, `CSeq: ${request.header('cseq')}`, ...fields,
  ], body);
}

// The ACK of a final response that is not 2xx: the Via and the number of its INVITE.
export function ackOf(inviteFields, uri, response) {
  const kept = inviteFields.filter((field) => /^(via|from|call-id|max-forwards):/i.test(field));
  const number = parseInt(response.header('cseq'), 10);
  return sipBytes(`ACK ${uri} SIP/2.0`,
                  [...kept, `To: ${response.header('to')}`, `CSeq: ${number} ACK`]);
}
