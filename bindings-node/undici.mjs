import all from './lib/undici.js';

export const { pace } = all;
