// What ends sooner is not worth a request.
const MIN_LEFT_MS = 10000;

// The `iceServers` that a 200 of the gateway to REGISTER or OPTIONS brings; [] if it has no TURN.
export function iceServersIn(response) {
  return JSON.parse(response.getHeader('X-Ice-Servers') ?? '[]');
}

// How long credentials still work. Their user name begins with their end, in seconds since 1970.
export function millisecondsLeft(iceServers, now = Date.now()) {
  return iceServers.length ? Number.parseInt(iceServers[0].username, 10) * 1000 - now : 0;
}

// The TURN servers of a JsSIP user agent that is registered, renewed when half of their time is
// over. JsSIP shows only the first 200 to a REGISTER of a connection, so it is OPTIONS that asks.
export class IceServers {
  #ua;
  #target;
  #onChange;
  #timer = 0;
  current = [];

  // `onChange` gets the new ones.
  constructor(ua, domain, onChange) {
    this.#ua = ua;
    this.#target = `sip:${domain}`;
    this.#onChange = onChange;
  }

  take(response) {
    this.current = iceServersIn(response);
    if (this.current.length) {
      this.#onChange(this.current);
    }
    this.#renewInTime();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #renewInTime() {
    clearTimeout(this.#timer);
    const left = millisecondsLeft(this.current);
    if (left < MIN_LEFT_MS) {
      return;  // the next registration brings new ones
    }
    this.#timer = setTimeout(() => this.#ua.sendOptions(this.#target, null, {
      eventHandlers: {
        succeeded: ({ response }) => this.take(response),
        failed: () => this.#renewInTime(),
      },
    }), left / 2);
  }
}
