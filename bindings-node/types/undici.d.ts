import type { PacingOptions } from 'ratecell/fetch';
import type { Dispatcher } from 'undici';

/** An interceptor for undici 7 and later: `new Agent().compose(pace({ rules: '600/min' }))`. See `ratecell/fetch`. */
export function pace(options?: PacingOptions): Dispatcher.DispatcherComposeInterceptor;
