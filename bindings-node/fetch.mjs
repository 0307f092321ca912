import all from './lib/fetch.js';

export const { createFetch } = all;
