import { describe, expect, it } from 'vitest';
import type { Kind } from '../../src/http/inbound.ts';
import { arrange, compile, type Entry, type Row, type Stages } from '../../src/pipeline.ts';

const nothing = () => 'next' as const;
const stages: Stages & Entry = {
  record: () => {
    throw new Error('not called here');
  },
  receive: () => undefined,
  securityHeaders: nothing,
  plainHttp: nothing,
  cors: nothing,
  overload: nothing,
  crossOrigin: nothing,
  signIn: () => undefined,
  api: () => undefined,
  page: () => undefined,
  upgrade: () => undefined,
  operations: () => undefined,
};
const rows = arrange(stages);
const orderOf = (kind: Kind) => rows.filter((row) => row.kinds.includes(kind)).map((row) => row.name);
const without = (name: string): readonly Row[] => rows.filter((row) => row.name !== name);

describe('the way of a request', () => {
  it('leads an API call past every guard before it reaches the proxy', () => {
    expect(orderOf('I')).toEqual([
      'record',
      'receive',
      'security headers',
      'plain http',
      'cors',
      'overload',
      'cross origin',
      'api',
    ]);
  });

  it('leads an auth route past the same guards', () => {
    expect(orderOf('A')).toEqual([
      'record',
      'receive',
      'security headers',
      'plain http',
      'cors',
      'overload',
      'cross origin',
      'sign-in',
    ]);
  });

  it('leads an upgrade past the guard of its origin', () => {
    expect(orderOf('U')).toEqual([
      'record',
      'receive',
      'security headers',
      'plain http',
      'overload',
      'cross origin',
      'upgrade',
    ]);
  });

  it('serves the page without asking for an origin', () => {
    expect(orderOf('P')).toEqual(['record', 'receive', 'security headers', 'plain http', 'overload', 'page']);
  });

  it('records every kind of request, first', () => {
    const kinds: readonly Kind[] = ['P', 'A', 'I', 'U', 'O'];

    expect(kinds.map((kind) => orderOf(kind)[0])).toEqual(kinds.map(() => 'record'));
  });
});

describe('compile', () => {
  it('accepts the table as it stands', () => {
    expect(() => compile(rows, stages)).not.toThrow();
  });

  it.each(['security headers', 'plain http', 'cors', 'cross origin'])('refuses a table without %s', (name) => {
    expect(() => compile(without(name), stages)).toThrow(`lacks the guards ${name}`);
  });

  it.each(['sign-in', 'api', 'page', 'upgrade'])('refuses a kind that nobody answers: %s', (name) => {
    expect(() => compile(without(name), stages)).toThrow('exactly one answer');
  });
});
