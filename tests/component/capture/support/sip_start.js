// A start line of SIP, also behind the empty lines that may precede it (RFC 3261 section 7.5).
const START = /^[\r\n]*(?:[A-Za-z]+ (?:sips?|tel):\S+ SIP\/2\.0|SIP\/2\.0 \d{3} )/;
const LONGEST = 1000;

export const isSip = (payload) => START.test(payload.toString('latin1', 0, LONGEST));
