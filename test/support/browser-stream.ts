/**
 * An answer that goes on: server-sent events, as a page's `EventSource` gets them.
 *
 * @module
 */

import type { WireResponse } from './browser-wire.ts';
import { eventually } from './eventually.ts';

/** One server-sent event. */
export interface StreamEvent {
  /** `message` unless the stream names it. */
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
}

/** An open stream. */
export class BrowserStream {
  readonly status: number;
  readonly #response: WireResponse;
  #closed = false;

  /** Made by `Browser.openStream`. */
  constructor(response: WireResponse) {
    this.status = response.status;
    this.#response = response;
    const close = (): void => {
      this.#closed = true;
    };
    response.ended.then(close, close);
  }

  /** The first value of a header. */
  header(name: string): string | undefined {
    return this.#response.header(name);
  }

  /** Has the server ended the stream, or the test closed it? */
  get closed(): boolean {
    return this.#closed;
  }

  /** All text so far, comments (heartbeats) included. */
  text(): string {
    return this.#response.body.toString();
  }

  /** The complete events so far; comments are left out. */
  events(): readonly StreamEvent[] {
    const blocks = this.text().replace(/\r\n?/g, '\n').split('\n\n').slice(0, -1);
    return blocks.map(eventOf).filter((event) => event !== undefined);
  }

  /** Waits for an event of that name and gives the first. */
  async next(name: string, limitMs = 5_000): Promise<StreamEvent> {
    await eventually(() => this.events().some(({ event }) => event === name), limitMs);
    const found = this.events().find(({ event }) => event === name);
    if (!found) throw new Error(`the event ${name} has gone`);
    return found;
  }

  /** Closes the stream, as a page that is left does. */
  close(): void {
    this.#response.abort();
  }
}

/** HTML, "parsing an event stream": an event without data is none. */
function eventOf(block: string): StreamEvent | undefined {
  const lines = block.split('\n').map((line) => /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []);
  const valuesFor = (name: string): readonly string[] =>
    lines.filter(([, field]) => field === name).map(([, , value = '']) => value);
  const data = valuesFor('data');
  if (data.length === 0) return undefined;
  return { event: valuesFor('event').at(-1) ?? 'message', data: data.join('\n'), id: valuesFor('id').at(-1) };
}
