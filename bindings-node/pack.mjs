// Packs what is published: the package, and one package for each addon that was built.
//
// The layout is that of napi-rs: the package has a package of each platform as an optional
// dependency, of which npm installs the one whose `os`, `cpu` and `libc` fit. The package itself
// carries the addons that were built here, too, so that its tarball installs where no registry has
// the others. Prints the tarballs' paths, the package's own first. `--without-addons` leaves them out
// of the package, as a release does that publishes all platforms.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const { ALL } = createRequire(import.meta.url)('./lib/platform.js');
const dist = join(here, 'dist');
const withAddons = !process.argv.includes('--without-addons');

const { devDependencies, scripts, private: _, ...manifest } = readJson('package.json');
const built = ALL.filter((name) => existsSync(join(here, addon(name))));
if (built.length === 0) {
  throw new Error('no addon was built: run ./check build');
}

rmSync(dist, { recursive: true, force: true });
const tarballs = [packMain(), ...built.map(packPlatform)];
console.log(tarballs.join('\n'));

function packMain() {
  const folder = join(dist, 'ratecell');
  mkdirSync(folder, { recursive: true });
  for (const entry of ['lib', 'types', ...entryFiles()]) {
    cpSync(join(here, entry), join(folder, entry), { recursive: true });
  }
  cpSync(join(here, '..', 'LICENSE-MIT'), join(folder, 'LICENSE-MIT'));
  cpSync(join(here, '..', 'LICENSE-APACHE'), join(folder, 'LICENSE-APACHE'));
  if (withAddons) {
    for (const name of built) cpSync(join(here, addon(name)), join(folder, addon(name)));
  }
  const optionalDependencies = Object.fromEntries(ALL.map((name) => [`ratecell-${name}`, manifest.version]));
  return pack(folder, { ...manifest, optionalDependencies });
}

function entryFiles() {
  const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json');
  const modules = subpaths.map((path) => (path === '.' ? 'index.mjs' : `${path.slice(2)}.mjs`));
  return ['README.md', 'MOVING.md', 'index.js', 'index.d.ts', 'index.d.mts', ...modules];
}

function packPlatform(name) {
  const folder = join(dist, `ratecell-${name}`);
  mkdirSync(folder);
  cpSync(join(here, addon(name)), join(folder, addon(name)));
  const [os, cpu, abi] = name.split('-');
  const libc = { gnu: ['glibc'], musl: ['musl'] }[abi];
  return pack(folder, {
    name: `ratecell-${name}`,
    version: manifest.version,
    description: `The addon of ratecell for ${name}`,
    license: manifest.license,
    main: addon(name),
    files: [addon(name)],
    engines: manifest.engines,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc }),
  });
}

function pack(folder, own) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);
  const options = ['pack', '--json', '--pack-destination', dist, '--loglevel=error'];
  const listed = JSON.parse(execFileSync('npm', options, { cwd: folder, encoding: 'utf8' }));
  const [{ filename }] = Array.isArray(listed) ? listed : Object.values(listed);
  return join(dist, filename);
}

function addon(name) {
  return `ratecell.${name}.node`;
}

function readJson(file) {
  return JSON.parse(readFileSync(join(here, file), 'utf8'));
}
