import { spawn } from 'node:child_process';

import { until } from './wait.js';

// A child process whose output is kept line by line. Only this process is ever signalled, by its id.
export class ChildProcess {
  #child;
  #exit = null;
  lines = [];

  constructor(name, command, args) {
    this.name = name;
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.on('error', (error) => {
      this.#exit = { code: null, signal: null, error };
    });
    this.#child.on('exit', (code, signal) => {
      this.#exit ??= { code, signal };
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      let rest = '';
      stream.on('data', (data) => {
        const parts = (rest + data).split('\n');
        rest = parts.pop();
        this.lines.push(...parts);
      });
    }
  }

  get pid() {
    return this.#child.pid;
  }

  get exit() {
    return this.#exit;
  }

  signal(name) {
    if (!this.#exit) {
      this.#child.kill(name);
    }
  }

  // Sends SIGTERM and returns {code, signal} of the exit; SIGKILL after the deadline.
  async stop(timeoutMs = 5000) {
    this.signal('SIGTERM');
    try {
      return await until(() => this.#exit, `${this.name} ends after SIGTERM`, timeoutMs, 20);
    } catch (error) {
      this.signal('SIGKILL');
      throw this.explained(error);
    }
  }

  // Waits for a line after line number `from` that matches, and returns the match.
  async printed(pattern, timeoutMs = 10000, from = 0) {
    return until(() => {
      for (const line of this.lines.slice(from)) {
        const match = pattern.exec(line);
        if (match) {
          return match;
        }
      }
      return null;
    }, `${this.name} prints ${pattern}`, timeoutMs).catch((error) => {
      throw this.explained(error);
    });
  }

  explained(error) {
    const tail = this.lines.slice(-40).join('\n');
    error.message += `\n${this.name} ${this.#exit ? `(exited ${JSON.stringify(this.#exit)}) ` : ''}` +
        `printed last:\n${tail}`;
    return error;
  }
}
