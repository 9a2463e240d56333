import { createSocket } from 'node:dgram';

// Stands before the gateway's media port, and makes a browser's address change: what it passes on
// comes from another address after each move().
export class RoamingProxy {
  #front = createSocket('udp4');
  #gateway;
  #address;
  #ways = new Map();  // by the browser's port
  #toBrowser = 0;
  #toGateway = 0;

  // Takes datagrams at host:port for gateway "host:port" and passes them on from `address`.
  static async listen(host, port, gateway, address) {
    const proxy = new RoamingProxy();
    proxy.#gateway = gateway;
    proxy.#address = address;
    proxy.#front.on('message', (data, from) => proxy.#onBrowser(data, from));
    await new Promise((resolve, reject) => {
      proxy.#front.once('error', reject);
      proxy.#front.bind(port, host, resolve);
    });
    return proxy;
  }

  // From now on everything comes from that address, and what is sent to the old one is lost.
  move(address) {
    this.#address = address;
    this.#toBrowser = this.#toGateway = 0;
    this.#closeWays();
  }

  // Datagrams since the last move.
  get passed() {
    return { toBrowser: this.#toBrowser, toGateway: this.#toGateway };
  }

  async close() {
    this.#closeWays();
    await new Promise((resolve) => this.#front.close(resolve));
  }

  #closeWays() {
    this.#ways.forEach((way) => way.then((socket) => socket.close()));
    this.#ways.clear();
  }

  async #onBrowser(data, from) {
    const key = `${from.address}:${from.port}`;
    if (!this.#ways.has(key)) {
      this.#ways.set(key, this.#open(from));
    }
    const way = this.#ways.get(key);
    const socket = await way;
    if (this.#ways.get(key) === way) {
      ++this.#toGateway;
      socket.send(data, this.#gateway.port, this.#gateway.host);
    }
  }

  async #open(browser) {
    const socket = createSocket('udp4');
    socket.on('message', (data) => {
      ++this.#toBrowser;
      this.#front.send(data, browser.port, browser.address);
    });
    await new Promise((resolve) => socket.bind(0, this.#address, resolve));
    return socket;
  }
}
