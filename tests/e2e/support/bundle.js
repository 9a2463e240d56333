import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROOT } from './lab.js';

const webDemo = createRequire(join(ROOT, 'web-demo/package.json'));

// Bundles `source`, a script that may import jssip and files of this folder, and puts it into the
// page from outside. Its context needs bypassCSP: the page's policy forbids just that.
export async function injectScript(page, source) {
  const folder = mkdtempSync(join(tmpdir(), 'lastmile-bundle-'));
  try {
    const path = join(folder, 'bundle.js');
    await webDemo('esbuild').build({
      stdin: { contents: source, resolveDir: join(ROOT, 'tests/e2e/support') },
      nodePaths: [join(ROOT, 'web-demo/node_modules')],
      outfile: path, bundle: true, format: 'iife', logLevel: 'warning',
    });
    await page.addScriptTag({ path });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
