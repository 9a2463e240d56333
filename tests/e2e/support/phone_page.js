import { until } from './wait.js';

// The demo page as its user sees it. Reads only what the page shows.
export class PhonePage {
  constructor(page) {
    this.page = page;
    this.errors = [];
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') {
        this.errors.push(message.text());
      }
    });
  }

  static async open(browser, url, options = {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
    const phone = new PhonePage(await context.newPage());
    await phone.page.goto(url);
    return phone;
  }

  async close() {
    await this.page.context().close();
  }

  async submitAccount({ user = 'alice', password = user, url, domain } = {}) {
    const form = this.page.locator('#account-form');
    await form.locator('[name=user]').fill(user);
    await form.locator('[name=password]').fill(password);
    if (url || domain) {
      await form.locator('summary').click();
    }
    if (url) {
      await form.locator('[name=url]').fill(url);
    }
    if (domain) {
      await form.locator('[name=domain]').fill(domain);
    }
    await this.page.locator('#plain-microphone').check();
    await this.page.locator('#sign-in').click();
  }

  async signIn(account) {
    await this.submitAccount(account);
    await this.registrationBecomes('registered');
  }

  async registrationBecomes(state, timeoutMs = 10000) {
    const pill = this.page.locator('#registration');
    await until(async () => (await pill.getAttribute('data-state')) === state,
                `registration ${state}`, timeoutMs).catch((error) => this.#explain(error));
    return pill.textContent();
  }

  async dial(number) {
    await this.page.locator('#number').fill(number);
    await this.page.locator('#number').press('Enter');
  }

  // Dials the demo carrier's 605 and takes its call.
  async isCalledBack() {
    await this.dial('605');
    await this.callBecomes(['ended', 'active']);
    if (await this.callState() === 'active') {
      await this.hangUp();
    }
    await this.callBecomes('incoming', 15000);
    await this.answer();
    await this.callBecomes('active');
  }

  async answer() {
    await this.page.locator('#answer').click();
  }

  async hangUp() {
    await this.page.locator('#hang-up').click();
  }

  async press(digits) {
    for (const digit of digits) {
      await this.page.locator(`#pad [data-digit="${digit}"]`).click();
    }
  }

  callState() {
    return this.page.locator('#call').getAttribute('data-state');
  }

  // Waits for one of the states and returns the sentence the page shows for it.
  async callBecomes(states, timeoutMs = 10000) {
    const wanted = [states].flat();
    await until(async () => wanted.includes(await this.callState()),
                `call ${wanted.join(' or ')}`, timeoutMs).catch((error) => this.#explain(error));
    return this.words();
  }

  // Waits for the end of the call to `number`.
  async callEnds(number, timeoutMs = 10000) {
    await until(async () => (await this.callState()) === 'ended' &&
                    (await this.page.locator('#peer').textContent()) === number,
                `the call to ${number} ends`, timeoutMs).catch((error) => this.#explain(error));
  }

  // Waits for a sentence about the call.
  async says(sentence, timeoutMs = 5000) {
    await until(async () => (await this.words()) === sentence, `"${sentence}"`, timeoutMs)
        .catch((error) => this.#explain(error));
  }

  words() {
    return this.page.locator('#state').textContent();
  }

  // JsSIP's own words for the end of the last call.
  async ending() {
    return this.page.locator('#call').evaluate(
        ({ dataset: { cause, originator } }) => ({ cause, originator }));
  }

  // Waits until the meter shows `hz` +- 10 at an audible level in three readings in a row.
  async hears(hz, meter = 'far', timeoutMs = 10000) {
    const element = this.page.locator(`#meter-${meter}`);
    let row = 0;
    let seen = null;
    await until(async () => {
      seen = await element.evaluate(({ dataset }) => ({ ...dataset }));
      row = Math.abs(Number(seen.hz) - hz) <= 10 && Number(seen.db) > -45 ? row + 1 : 0;
      return row >= 3;
    }, `${hz} Hz at the ${meter} meter`, timeoutMs, 120).catch((error) => {
      error.message += `, it shows ${JSON.stringify(seen)}`;
      return this.#explain(error);
    });
    return seen;
  }

  // Waits until the far end's meter shows silence in five readings in a row.
  async isSilent(timeoutMs = 5000) {
    let row = 0;
    await until(async () => {
      const db = await this.page.locator('#meter-far').getAttribute('data-db');
      row = Number(db) <= -55 ? row + 1 : 0;
      return row >= 5;
    }, 'silence at the far meter', timeoutMs, 120).catch((error) => this.#explain(error));
  }

  async log() {
    return this.page.locator('#log').innerText();
  }

  async #explain(error) {
    const log = await this.log().catch(() => '(page gone)');
    error.message += `\nstate: ${await this.words().catch(() => '')}\npage log:\n${log}\n${
        this.errors.join('\n')}`;
    throw error;
  }
}
