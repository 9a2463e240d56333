import { connect, createServer } from 'node:net';

// A TCP proxy in front of the gateway's ws port whose connections can be cut as a network would cut
// them.
export class CuttableProxy {
  #server;
  #pairs = new Set();
  #down = false;

  static async listen(targetPort, host = '127.0.0.1') {
    const proxy = new CuttableProxy();
    proxy.#server = createServer((client) => proxy.#onClient(client, targetPort, host));
    await new Promise((resolve) => proxy.#server.listen(0, host, resolve));
    proxy.port = proxy.#server.address().port;
    return proxy;
  }

  // Ends all connections and lets no new one through for so long.
  cut(milliseconds) {
    this.#down = true;
    setTimeout(() => {
      this.#down = false;
    }, milliseconds);
    this.#dropAll();
  }

  async stop() {
    this.#dropAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #dropAll() {
    for (const pair of this.#pairs) {
      pair.forEach((socket) => socket.destroy());
    }
  }

  #onClient(client, targetPort, host) {
    if (this.#down) {
      client.destroy();
      return;
    }
    const gateway = connect(targetPort, host);
    const pair = [client, gateway];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [gateway, client]]) {
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}
