import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { gatewayProgram, ROOT } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';

const USAGE = 2;

function lastmile(...args) {
  return lastmileWith('', ...args);
}

function lastmileWith(input, ...args) {
  const { status, stdout, stderr, error } =
      spawnSync(gatewayProgram(), args, { encoding: 'utf8', timeout: 30000, input });
  assert.ifError(error);
  return { status, stdout, stderr };
}

// One diagnostic: place and message, the source line, marks under `what` and, if there is one, a
// suggestion.
function diagnostic(file, text, what, message, suggestion) {
  const start = text.indexOf(what);
  assert.ok(start >= 0, `the text has no ${what}`);
  const line = text.slice(0, start).split('\n').length;
  const column = start - text.lastIndexOf('\n', start - 1);
  const margin = ' '.repeat(String(line).length + 1);
  return {
    begin: `${file}:${line}:${column}: ${message}\n ${line} | ${text.split('\n')[line - 1]}\n` +
        `${margin} | ${' '.repeat(column - 1)}^`,
    end: `${suggestion ? `^ did you mean \`${suggestion}\`?` : '^'}\n`,
  };
}

describe('the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lastmile-cli-'));
  const file = join(folder, 'lastmile.yaml');
  const taken = createServer();
  let good;

  before(async () => {
    const [port, mediaPort] = await freePorts(2);
    await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
    good = `version: 1
domain: localhost
listen:
  ws: { addr: "127.0.0.1:${port}" }
media:
  browser: { bind: "127.0.0.1", port: ${mediaPort} }
  workers: 1
users:
  inline:
    - { name: alice, password: alice }
`;
  });
  after(() => {
    taken.close();
    rmSync(folder, { recursive: true, force: true });
  });

  // Each returns the text with the fault in it, and what has to be said of it.
  const takenAddress = () => `127.0.0.1:${taken.address().port}`;
  const faults = {
    'an unknown key': () => [
      good.replace('bind:', 'bnid:'), 'bnid',
      'error[media]: unknown key `bnid` in media.browser', 'bind'],
    'a duplicate key': () => [
      good.replace('workers: 1', 'workers: 1\n  browser : {}'), 'browser :',
      'error[media]: the key `browser` stands twice in media'],
    'a wrong type': () => [
      good.replace('workers: 1', 'workers: many'), 'many',
      'error[media]: `media.workers` must be a number from 1 to 64'],
    'a trunk that is not there': () => [
      `${good}trunks:\n  metro: { servers: ["127.0.0.1:5060"] }\nroutes:\n` +
          '  - { to: "^1", trunk: metor }\n', 'metor',
      'error[route]: there is no trunk metor', 'metro'],
    'what is no YAML': () => [
      good.replace('workers: 1', 'workers: ]'), ']', 'error[yaml]: illegal flow end'],
    'a port that is taken': () => [
      good.replace(/addr: "[^"]*"/, `addr: "${takenAddress()}"`), `"${takenAddress()}"`,
      `error[listen]: cannot listen on ${takenAddress()}: another program has it already`],
    'a TCP port for media that is taken': () => [
      good.replace(' }\n  workers', `, tcp_port: ${taken.address().port} }\n  workers`),
      `${taken.address().port} }\n  workers`,
      `error[media]: cannot listen on ${takenAddress()}: another program has it already`],
    'a file of users that is not there': () => [
      `${good.slice(0, good.indexOf('users:'))}users: { source: "sqlite:${folder}/none.db" }\n`,
      `"sqlite:${folder}/none.db"`,
      `error[users]: cannot open ${folder}/none.db: unable to open database file`],
    'a missing certificate': () => [
      `${good}tls: { cert: ${folder}/none.pem, key: ${folder}/none.key }\n`, `${folder}/none.pem`,
      `error[tls]: cannot read ${folder}/none.pem: No such file or directory`],
  };

  for (const command of ['check', 'run']) {
    for (const [name, make] of Object.entries(faults)) {
      test(`${command} points at ${name}`, () => {
        const [text, what, message, suggestion] = make();
        writeFileSync(file, text);
        const { status, stdout, stderr } = lastmile(command, '-c', file);
        const { begin, end } = diagnostic(file, text, what, message, suggestion);
        assert.equal(stderr.slice(0, begin.length), begin);
        assert.ok(stderr.slice(begin.length - 1).replace(/^\^+/, '^').startsWith(end), stderr);
        assert.equal(stdout, '');
        assert.equal(status, USAGE);
      });
    }
  }

  test('check is content with a good file', () => {
    writeFileSync(file, good);
    const { status, stdout, stderr } = lastmile('check', '-c', file);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.ok(stdout.startsWith(`${file}: ok; `), stdout);
  });

  test('user add and user passwd fill the file of users that check then finds', () => {
    const users = join(folder, 'users.db');
    writeFileSync(file, `${good.slice(0, good.indexOf('users:'))}users: { source: sqlite:${users} }\n`);
    const add = () => lastmileWith('secret\n', 'user', 'add', 'alice', '-c', file);
    assert.deepEqual(add(), { status: 0, stdout: `added alice in ${users}\n`, stderr: '' });
    assert.equal(add().status, 1);
    assert.deepEqual(lastmileWith('changed\n', 'user', 'passwd', 'alice', '-c', file), {
      status: 0, stdout: `changed the password of alice in ${users}\n`, stderr: '',
    });
    assert.equal(lastmile('user', 'passwd', 'alice', '-c', file).status, 1);
    assert.equal(lastmile('user', 'add', '-c', file).status, USAGE);
    const bytes = readFileSync(users, 'latin1');
    assert.ok(!bytes.includes('secret') && !bytes.includes('changed'), 'hashes alone are kept');
    assert.match(lastmile('check', '-c', file).stdout, /: ok; users: looked up, /);
    writeFileSync(file, good);
    assert.equal(add().status, USAGE);
  });

  test('docs/routes.md: its file is good, and the command says what stands there', () => {
    const text = readFileSync(join(ROOT, 'docs/routes.md'), 'utf8');
    const [, yaml] = /```yaml\n(.*?)```/s.exec(text);
    const [, number, user, said] =
        /```\n\$ lastmile route "([^"]+)" --from (\w+) -c lastmile.yaml\n(.*?)```/s.exec(text);
    writeFileSync(file, good.replace(/users:.*/s, yaml.replace(/env:\w+/g, 'secret')));
    assert.deepEqual(lastmile('route', number, '--from', user, '-c', file),
                     { status: 0, stdout: said, stderr: '' });
    const [, spellings, canonical] = /\| (`020.*?) \| `(\+44\d+)`/.exec(text);
    const numbers = [...spellings.matchAll(/`([^`:]+)`/g)].map(([, spelling]) => spelling);
    assert.ok(numbers.length >= 4, spellings);
    for (const spelling of numbers) {
      assert.match(lastmile('route', spelling, '--from', user, '-c', file).stdout,
                   new RegExp(`is the phone number \\${canonical}\n`), spelling);
    }
    writeFileSync(file, good);
  });

  test('a file that is not there', () => {
    const missing = join(folder, 'missing.yaml');
    assert.deepEqual(lastmile('run', '-c', missing), {
      status: USAGE, stdout: '', stderr: `${missing}: error[config]: cannot read the file\n`,
    });
  });

  test('config example prints the example', () => {
    assert.deepEqual(lastmile('config', 'example'), {
      status: 0, stderr: '',
      stdout: readFileSync(join(ROOT, 'gateway/app/example.yaml'), 'utf8'),
    });
  });

  test('version prints the version of the project', () => {
    const [, version] = /project\(lastmile VERSION ([\d.]+)/.exec(
        readFileSync(join(ROOT, 'CMakeLists.txt'), 'utf8'));
    assert.deepEqual(lastmile('version'),
                     { status: 0, stdout: `lastmile ${version}\n`, stderr: '' });
  });

  test('without a command, with a wrong one or without a file: 2 and a sentence', () => {
    for (const args of [[], ['fly'], ['run'], ['check']]) {
      const { status, stdout, stderr } = lastmile(...args);
      assert.equal(status, USAGE, args.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /^\S.*\n/);
    }
  });
});
