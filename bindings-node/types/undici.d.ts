import type { PacingOptions } from 'ratecell/fetch';
import type { Dispatcher } from 'undici';

export interface PaceOptions extends PacingOptions {
  /**
   * Which requests share a pace: those for which it gives the same text. Default: those of one origin
   * with the same `Authorization` and `X-Api-Key`.
   */
  readonly laneBy?: ((request: Dispatcher.DispatchOptions) => string) | undefined;
}

/** An interceptor for undici 7 and later: `new Agent().compose(pace({ rules: '600/min' }))`. See `ratecell/fetch`. */
export function pace(options?: PaceOptions): Dispatcher.DispatcherComposeInterceptor;
