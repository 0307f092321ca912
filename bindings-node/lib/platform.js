// Which prebuilt addon is for this machine.

const { existsSync } = require('node:fs');

// The packages of package.json's optionalDependencies, by platform and processor: where there are
// two, the first is for glibc and the second for musl.
const PLATFORMS = {
  'linux x64': ['linux-x64-gnu', 'linux-x64-musl'],
  'linux arm64': ['linux-arm64-gnu', 'linux-arm64-musl'],
  'darwin x64': ['darwin-x64'],
  'darwin arm64': ['darwin-arm64'],
  'win32 x64': ['win32-x64-msvc'],
};

const ALL = Object.values(PLATFORMS).flat();

// The name of this machine's addon; undefined if there is none.
function platformName() {
  const names = PLATFORMS[`${process.platform} ${process.arch}`] ?? [];
  return names.length === 2 && !hasGlibc() ? names[1] : names[0];
}

function hasGlibc() {
  if (existsSync('/etc/alpine-release')) {
    return false;
  }
  if (typeof process.report?.getReport !== 'function') {
    return true;
  }
  // Without the network part, which would look up the names of peers.
  process.report.excludeNetwork = true;
  const { header, sharedObjects = [] } = process.report.getReport();
  const isMusl = sharedObjects.some((file) => file.includes('ld-musl-'));
  return header?.glibcVersionRuntime !== undefined || !isMusl;
}

module.exports = { ALL, platformName };
