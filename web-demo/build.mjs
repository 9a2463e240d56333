// Bundles the page into dist/ (or the folder given as argument): one script, one style sheet, no
// inline code, so that it runs under script-src 'self'.
import { build } from 'esbuild';
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, 'dist'));

mkdirSync(out, { recursive: true });
for (const file of ['index.html', 'style.css', 'icon.svg']) {
  cpSync(join(here, file), join(out, file));
}
await build({
  entryPoints: [join(here, 'src/main.js')],
  outfile: join(out, 'main.js'),
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['chrome100', 'firefox102', 'safari15.4'],
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'info',
});
