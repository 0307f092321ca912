// Loads the addon: the file beside this package, or the package of this platform.

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { ALL, platformName } = require('./platform.js');

function load() {
  const name = platformName();
  const here = `${process.platform} ${process.arch}`;
  if (name === undefined) {
    throw new Error(`ratecell has no addon for ${here}; there is one for ${ALL.join(', ')}`);
  }
  const file = join(__dirname, '..', `ratecell.${name}.node`);
  const place = existsSync(file) ? file : `ratecell-${name}`;
  try {
    return require(place);
  } catch (error) {
    throw new Error(
      `ratecell could not load its addon for ${here} from ${place}: ${error.message}. ` +
        'Install ratecell anew, with optional dependencies and on this machine',
      { cause: error },
    );
  }
}

module.exports = load();
