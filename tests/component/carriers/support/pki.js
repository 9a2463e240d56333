import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const EMPTY_CONFIG = '[req]\ndistinguished_name = name\n[name]\n';

// Makes certificates in `folder`; all files are PEM.
export class Authority {
  #folder;
  #file;

  // `file`: how the names of its files begin.
  constructor(folder, file, name) {
    this.#folder = folder;
    this.#file = file;
    writeFileSync(this.#path('openssl.cnf'), EMPTY_CONFIG);
    this.#make(file, name, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign']);
  }

  get certificate() {
    return this.#path(`${this.#file}.pem`);
  }

  // A certificate for that domain, of a server and of a client: {certificate, key}.
  issue(file, domain) {
    return this.#make(
        file, domain, ['basicConstraints=critical,CA:FALSE', `subjectAltName=DNS:${domain}`],
        ['-CA', this.certificate, '-CAkey', this.#path(`${this.#file}.key`)]);
  }

  #make(file, name, extensions, signedBy = []) {
    const [certificate, key] = ['pem', 'key'].map((end) => this.#path(`${file}.${end}`));
    execFileSync('openssl', [
      'req', '-config', this.#path('openssl.cnf'), '-x509', ...signedBy, '-newkey', 'ec',
      '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', certificate,
      '-days', '2', '-subj', `/CN=${name}`,
      ...extensions.flatMap((extension) => ['-addext', extension]),
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    return { certificate, key };
  }

  #path(file) {
    return join(this.#folder, file);
  }
}
