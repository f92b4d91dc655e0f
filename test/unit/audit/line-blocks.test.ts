/**
 * Lines are gathered, not kept.
 *
 * @module
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { LineBlocks } from '../../../src/audit/line-blocks.ts';
import { ManualClock } from '../../support/clock.ts';

let clock: ManualClock;
let written: string[];
let blocks: LineBlocks;

beforeEach(() => {
  clock = new ManualClock();
  written = [];
  const target = { write: (block: string) => written.push(block), flushSync: () => written.push('flushed') };
  blocks = new LineBlocks({ target, clock, mostBytes: 10 });
});

describe('LineBlocks', () => {
  it('hands lines on after a second, in their order', async () => {
    blocks.write('one\n');
    blocks.write('two\n');
    await clock.advance(999);
    expect(written).toEqual([]);
    await clock.advance(1);

    expect(written).toEqual(['one\ntwo\n']);
  });

  it('hands them on before a block grows too long, and never cuts one', async () => {
    blocks.write('one\n');
    blocks.write('two\n');
    blocks.write('three\n');
    blocks.write('a line that is longer\n');
    await clock.advance(1_000);

    expect(written).toEqual(['one\ntwo\n', 'three\n', 'a line that is longer\n']);
  });

  it('counts bytes and not characters, since a pipe keeps whole so many of them', async () => {
    blocks.write('→→\n');
    blocks.write('two\n');
    blocks.write('→\n');
    await clock.advance(1_000);

    expect(written).toEqual(['→→\n', 'two\n→\n']);
  });

  it('LG-13: lets go of all at once when the process ends, and writes nothing twice', async () => {
    blocks.write('one\n');
    blocks.flushSync();
    await clock.advance(2_000);

    expect(written).toEqual(['one\n', 'flushed']);
  });
});
