// For `using`, whatever the lib of who imports this.
/// <reference lib="esnext.disposable" />

/**
 * One rate limiter for every language of a service.
 *
 * Calls are synchronous and a refusal is a value: only a call that makes no sense throws. Fields
 * that end in `Ns` are bigints of nanoseconds, exact; those in `Ms` are whole milliseconds, rounded up.
 */

/** What became of a call: taken; not now; not at any time; no room for a new key. */
export type Verdict = 'allow' | 'deny' | 'never' | 'full';

/** How a rule counts. */
export type RuleKind = 'gcra' | 'fixed' | 'sliding' | 'concurrency';

/** A group of header fields, or a single one. */
export type HeaderName =
  | 'ratelimit'
  | 'x-ratelimit'
  | 'x-concurrency'
  | 'draft-6'
  | 'draft-7'
  | 'retry-after'
  | 'ratelimit-policy'
  | 'x-ratelimit-limit'
  | 'x-ratelimit-remaining'
  | 'x-ratelimit-reset'
  | 'x-concurrency-limit'
  | 'x-concurrency-running'
  | 'ratelimit-limit'
  | 'ratelimit-remaining'
  | 'ratelimit-reset';

/**
 * What a limit is counted by, by itself.
 *
 * A string is its UTF-8; one with a lone surrogate has none and throws a `TypeError`. A number from
 * 0 to 2^53 - 1 and a bigint from 0 to 2^64 - 1 are eight bytes, the low one first, so `7` and `7n`
 * are one key and `'7'` is another.
 */
export type SingleKey = string | Uint8Array | number | bigint | KeyHandle;

/**
 * A key by itself, or one for each dimension that the call has.
 *
 * One by itself is for the dimension `key`, or for the plan's only one. Of an object only its own
 * properties count: a dimension that is missing or undefined skips the rules that count by it, and
 * one that no rule counts by is passed over. An array, a `Map`, a promise and the like throw a `TypeError`.
 */
export type Key = SingleKey | { readonly [dimension: string]: SingleKey | undefined };

/** A rule of a limiter. */
export interface Rule {
  /** Its name, unlike those of the other rules. */
  readonly name: string;
  /** The dimension whose keys it counts. */
  readonly dimension: string;
  readonly kind: RuleKind;
  /** Its canonical text. */
  readonly text: string;
}

/** One rule's own answer to a call. */
export interface RuleDecision {
  /** The rule's name. */
  readonly rule: string;
  readonly allowed: boolean;
  readonly verdict: Verdict;
  /** The capacity in units: the limit, or the burst of a gcra rule. */
  readonly limit: number;
  /** The largest cost that would be allowed right now, after this decision; rounded down. */
  readonly remaining: number;
  /** The exact wait until the same call passes if nobody else calls; null if unknown or if none helps. */
  readonly retryAfterNs: bigint | null;
  /** The same in milliseconds, rounded up. */
  readonly retryAfterMs: number | null;
  /** The wait until the rule is as good as new if nobody calls; null for concurrency. */
  readonly resetAfterNs: bigint | null;
  /** The same in milliseconds, rounded up. */
  readonly resetAfterMs: number | null;
}

/** How header fields are written. */
export interface HeaderOptions {
  /** `X-RateLimit-Reset` as Unix seconds, or as seconds from now. Default: `'unix'`. */
  readonly reset?: 'unix' | 'seconds' | undefined;
}

/** What a call is answered. Its numbers are those of the governing rule. */
export class Decision {
  /** Made by a limiter only. */
  protected constructor();
  /** Whether every applied rule was charged. */
  readonly allowed: boolean;
  readonly verdict: Verdict;
  /** The name of the governing rule; null if no rule applied. */
  readonly rule: string | null;
  /** The capacity in units; null if no rule applied. */
  readonly limit: number | null;
  /** The largest cost that would be allowed right now, after this decision; null if no rule applied. */
  readonly remaining: number | null;
  /** 0n when allowed; the exact wait when refused; null if it is unknown or if no wait helps. */
  readonly retryAfterNs: bigint | null;
  /** The same in milliseconds, rounded up. */
  readonly retryAfterMs: number | null;
  /** The wait until the governing rule is as good as new if nobody calls; null for concurrency. */
  readonly resetAfterNs: bigint | null;
  /** The same in milliseconds, rounded up. */
  readonly resetAfterMs: number | null;
  /** Each applied rule's own answer, in the plan's order; on a refusal what it would answer. */
  readonly rules: RuleDecision[];
  /**
   * The header fields that tell a client of its limits, as of the decision. One whose value is
   * unknown is left out; spans are whole seconds, rounded up. Default: `'ratelimit'`.
   * @throws RangeError for a name that is none, or two forms of one field.
   */
  headers(style?: HeaderName | readonly HeaderName[], options?: HeaderOptions): Record<string, string>;
  /** The body of a refusal, of the media type `application/problem+json` (RFC 9457). */
  problem(): string;
  /** Why, in a sentence. */
  toString(): string;
  /** The numbers that JSON can hold. */
  toJSON(): object;
}

/** A decision whose permits of concurrency rules are held until it is released. */
export class Permit extends Decision {
  /** Gives the permits back; units of a rate stay taken. Does nothing the second time. */
  release(): void;
  /** The same, for `using`. */
  [Symbol.dispose](): void;
}

/** A key that was hashed once, for calls that come often. Made by `Limiter.key`; for that limiter only. */
export class KeyHandle {
  /** Made by a limiter only. */
  protected constructor();
  /** Tells the key from others of its limiter; another in every process. */
  readonly id: string;
}

/** Other rules for one call. */
export interface CallOptions {
  /**
   * The text of rules that stand in for the limiter's by position, such as a customer's own cap:
   * each of the same kind and, if fixed or sliding, of the same period and segments.
   */
  readonly rules?: string | undefined;
}

export interface WaitOptions extends CallOptions {
  /** Units to take. Default: 1. */
  readonly cost?: number | undefined;
  /** Ends the wait: the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** The longest wait in milliseconds; after it the promise resolves to a refusal. Default: none. */
  readonly timeoutMs?: number | undefined;
}

/** Nanoseconds, on any base: a bigint below 2^63, or a whole number below 2^53. */
export type Clock = () => bigint | number;

export interface LimiterOptions {
  /**
   * For how many keys each rule has room at once. Memory is taken now and never grows: 32 bytes a
   * key, and 170 for a sliding rule of 14 segments. Default: 65,536.
   */
  readonly capacity?: number | undefined;
  /** What to do with a new key when there is no room. Default: `'deny'`. */
  readonly whenFull?: 'deny' | 'allow' | undefined;
  /** Default: the system's, monotonic, and in Unix time as it was when the limiter was made. */
  readonly clock?: Clock | undefined;
}

/** What one rule has counted. */
export interface RuleStats {
  /** The rule's name. */
  readonly rule: string;
  /** Slots in all. */
  readonly slots: number;
  /** Slots that have a key, those as good as new among them. */
  readonly keys: number;
  /** Keys that were given a slot so far. */
  readonly inserted: number;
  /** Calls refused because no slot was in reach. */
  readonly fullDenied: number;
  /** Calls allowed uncharged because no slot was in reach. */
  readonly fullAllowed: number;
  /** Charges that had to stay although their call was refused or tried again. */
  readonly stranded: number;
}

/**
 * Several limits as one decision: all of them are taken, or none.
 *
 * Threads share one by `share` and `Limiter.from`; no call blocks another.
 *
 * ```js
 * const limiter = new Limiter('ip: fixed 300/min by ip; key: sliding 600/min');
 * const decision = limiter.acquire({ ip: '192.0.2.1', key: 'alice' });
 * if (!decision.allowed) console.log(`429, retry after ${decision.retryAfterMs} ms`);
 * ```
 */
export class Limiter {
  /**
   * @param rules such as `600/min burst 20` or `ip: fixed 300/min by ip; key: sliding 600/min`
   * @throws SyntaxError for a text that is no rules, with the byte and what is accepted there;
   * RangeError or TypeError for an option that is out of range, unknown or of another type.
   */
  constructor(rules: string, options?: LimiterOptions);

  /**
   * The limiter of another thread of this process, by what its `share` gave.
   * @throws RangeError if no thread has that limiter any more.
   */
  static from(token: string, options?: Pick<LimiterOptions, 'clock'>): Limiter;

  /** A text to send to another thread, which it is good for as long as any thread has the limiter. */
  share(): string;

  /** The rules, in order. */
  readonly rules: Rule[];

  /**
   * Takes `cost` units (0 to 2^32 - 1, whole; default 1) of every rule that the keys apply to, or of
   * none. Permits of concurrency rules stay taken until `release`; `hold` gives them back by itself.
   * @throws RangeError or TypeError for a key, cost or rules that make no sense; nothing is taken.
   */
  acquire(key: Key, cost?: number, options?: CallOptions): Decision;

  /** What `acquire` would answer, with `remaining` before the charge. Takes nothing. */
  peek(key: Key, cost?: number, options?: CallOptions): Decision;

  /** As `acquire`, with the permits of concurrency rules given back by `release` or `using`. */
  hold(key: Key, cost?: number, options?: CallOptions): Permit;

  /**
   * As `hold`, but waits until the call is allowed. Calls for the same key are served in the order
   * in which they came, on one thread.
   *
   * Resolves to a refusal at once if no wait helps, and when the timeout ends, or as soon as it is
   * known to end first. A wait for permits ends when one is released. A waiting call keeps no
   * process alive.
   */
  wait(key: Key, options?: WaitOptions): Promise<Permit>;

  /**
   * Gives back the permits that an allowed `acquire` with the same key and cost took.
   * @throws RangeError if fewer are held; nothing changes then.
   */
  release(key: Key, cost?: number): void;

  /** Forgets what a key has used; permits stay with their holders. */
  reset(key: Key): void;

  /** What each rule has counted. */
  stats(): RuleStats[];

  /** A handle of a key, which saves hashing it on each call. */
  key(value: string | Uint8Array | number | bigint): KeyHandle;
}

/** Where a rule's key comes from: `ip`, `bearer`, `header:NAME` or `value:NAME`. */
export type KeySource = 'ip' | 'bearer' | `header:${string}` | `value:${string}`;

/** What a refusal says, with the placeholders of contract files. */
export interface RefusedShape {
  /** 400 to 599. Default: 429. */
  readonly status?: number | undefined;
  readonly contentType?: string | undefined;
  readonly body?: string | undefined;
  /** More header fields, none of them in `always`, such as `{ 'X-Reason': '{rule.name}' }`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A rule of a contract, as in a contract file. */
export interface ContractRule {
  readonly name: string;
  /** The text of one limit, such as `sliding 600/min`. */
  readonly limit: string;
  readonly by: KeySource;
  /** Default: all. */
  readonly methods?: readonly string[] | undefined;
  /** Default: all. `*` is one segment, `**` any rest. */
  readonly paths?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
  /** Default: `'after-auth'`. */
  readonly stage?: 'before-auth' | 'after-auth' | undefined;
  /** What becomes of a request without a key. Default: `'skip'`. */
  readonly absent?: 'skip' | 'share' | undefined;
  /** What `{rule.message}` stands for. */
  readonly message?: string | undefined;
  /** Whether responses may show it. Default: true. */
  readonly show?: boolean | undefined;
  /** Whether it refuses, or only counts what it would have refused. Default: true. */
  readonly enforce?: boolean | undefined;
  readonly refused?: RefusedShape | undefined;
}

/** A contract written as an object: what a contract file says, with its words in camel case. */
export interface Contract {
  /** Default: `'service'`. */
  readonly name?: string | undefined;
  readonly rules: readonly ContractRule[];
  readonly response?:
    | {
        readonly headers?: readonly HeaderName[] | undefined;
        readonly reset?: 'unix' | 'seconds' | undefined;
        /** Fields of every response, such as `{ 'Request-Id': '{request_id}' }`. */
        readonly always?: Readonly<Record<string, string>> | undefined;
        readonly refused?: RefusedShape | undefined;
      }
    | undefined;
  readonly clients?: { readonly ipv6Prefix?: number | undefined } | undefined;
  readonly requestId?:
    | { readonly header?: string | undefined; readonly prefix?: string | undefined }
    | undefined;
}

export interface GuardOptions extends LimiterOptions {
  /**
   * Addresses and networks of proxies that are believed, and `'unix:'` for whoever connects without an
   * address, as through a Unix socket. Default: none, the connection's address counts.
   */
  readonly trustedProxies?: readonly string[] | undefined;
  /** The field in which they write. Default: `'either'`. */
  readonly forwardedField?: 'either' | 'x-forwarded-for' | 'forwarded' | undefined;
}

/** A key that a service works out: a string is its UTF-8, an integer eight bytes, the low one first. */
export type Value = string | Uint8Array | number | bigint | null | undefined;

/** What a guard has to know of a request. */
export interface GuardRequest {
  /** In letters of any case. */
  readonly method: string;
  /** The path, still percent-encoded; a query or the start of an absolute URL is passed over. */
  readonly path: string;
  /** The address of the connection. Default: none. */
  readonly peer?: string | undefined;
  /** By name in any case. */
  readonly headers?: Headers | Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /** Keys that the service has worked out, by name, and `request_id`. */
  readonly values?: Readonly<Record<string, Value>> | undefined;
  /** This caller's own limits, by rule: another number, or the text of a limit of the same kind. */
  readonly limits?: Readonly<Record<string, number | string | null | undefined>> | undefined;
  /** Units of every rule that applies. Default: 1. */
  readonly cost?: number | undefined;
  /** Which rules to ask. Default: `'whole'`. */
  readonly stage?: 'before-auth' | 'after-auth' | 'whole' | undefined;
}

/** What becomes of a request: it passes, or it is refused with a response that is ready to send. */
export class Outcome {
  /** Made by a guard only. */
  protected constructor();
  /** Whether the request goes on to its handler. */
  readonly passes: boolean;
  /** The status of a refusal; null if it passes. */
  readonly status: number | null;
  /** The header fields that the response must carry, beside a refusal's media type and length. */
  readonly headers: Record<string, string>;
  /** The governing rule of a refusal; null if it passes. */
  readonly rule: string | null;
  /** The media type of a refusal's body; null if it passes. */
  readonly contentType: string | null;
  /** The body of a refusal; null if it passes. */
  readonly body: string | null;
  /** The exact wait of a refusal; 0n if it passes, null if it is unknown or if no wait helps. */
  readonly retryAfterNs: bigint | null;
  /** The same in milliseconds, rounded up. */
  readonly retryAfterMs: number | null;
  /** The id of the request, if the contract shows it. */
  readonly requestId: string | null;
  /** The rules of a dry run that would have refused. */
  readonly wouldRefuse: string[];
  /** Whether it holds permits, so that when it is released matters. */
  readonly holdsPermits: boolean;
  /** Calls `visit` with each field that the response must carry. */
  eachField(visit: (name: string, value: string) => void): void;
  /** Gives its permits back. Does nothing the second time. */
  release(): void;
  /** The same, for `using`. */
  [Symbol.dispose](): void;
  toJSON(): object;
}

/** What one rule of a contract has counted. */
export interface GuardStats extends RuleStats {
  /** Requests that it was charged for. */
  readonly allowed: number;
  /** Requests that it refused, as the governing rule. */
  readonly refused: number;
  /** Requests that it would have refused, were it enforced. */
  readonly wouldHaveRefused: number;
}

/** Holds requests to a contract. */
export class Guard {
  /**
   * @param contract the text of a contract file, or an object that says the same
   * @throws SyntaxError with the line and column of each fault of the contract; RangeError or TypeError for an option.
   */
  constructor(contract: string | Contract, options?: GuardOptions);

  /**
   * Reads a contract file of at most 1 MiB.
   * @throws Node's error if the file is not there or cannot be read; RangeError if it has more; otherwise as the constructor.
   */
  static load(file: string | URL, options?: GuardOptions): Guard;

  /** The name of the API. */
  readonly name: string;

  /** The header fields that it looks at, in lower case. */
  readonly headerNames: string[];

  /**
   * Decides about a request: all rules of a stage are taken, or none.
   * @throws RangeError or TypeError for a request that makes no sense; nothing is taken.
   */
  admit(request: GuardRequest): Outcome;

  /** As `admit`, with the header fields as Node's `rawHeaders`: name and value take turns. */
  admitRaw(request: Omit<GuardRequest, 'headers'> & { readonly rawHeaders: readonly string[] }): Outcome;

  /** What each rule has counted. */
  stats(): GuardStats[];
}

/** How a framework's requests are read; a function is asked of each request, and gives no promise. */
export interface RequestOptions<R> {
  readonly stage?: GuardRequest['stage'];
  readonly cost?: number | ((request: R) => number) | undefined;
  readonly values?: GuardRequest['values'] | ((request: R) => GuardRequest['values']);
  readonly limits?: GuardRequest['limits'] | ((request: R) => GuardRequest['limits']);
}
