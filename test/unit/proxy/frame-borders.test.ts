import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { closeFrame, FrameBorders } from '../../../src/proxy/frame-borders.ts';

interface FrameReader {
  write(bytes: Uint8Array): boolean;
  on(event: 'conclude', listener: (code: number, reason: Buffer) => void): void;
}

/** Exported, and not among its types. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: { isServer: boolean }) => FrameReader };

interface Frame {
  readonly opcode: number;
  readonly size: number;
  readonly form: 7 | 16 | 64;
  readonly masked: boolean;
}

/** Lengths may be written longer than they need to be: a counter must not depend on senders being neat. */
function bytesOf({ opcode, size, form, masked }: Frame): Buffer {
  const mask = masked ? 0x80 : 0;
  const head = Buffer.alloc(form === 7 ? 2 : form === 16 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = mask | (form === 7 ? size : form === 16 ? 126 : 127);
  if (form === 16) head.writeUInt16BE(size, 2);
  if (form === 64) head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0, 0x88), Buffer.alloc(size, 0x88)]);
}

const frame = fc.oneof(
  fc.record({ size: fc.nat(125), form: fc.constant(7 as const) }),
  fc.record({ size: fc.nat(70_000), form: fc.constant(64 as const) }),
  fc.record({ size: fc.nat(65_535), form: fc.constant(16 as const) }),
);
const frames = fc.array(
  fc
    .tuple(frame, fc.constantFrom(0, 1, 2, 9, 10), fc.boolean())
    .map(([of, opcode, masked]) => ({ ...of, opcode, masked })),
  { minLength: 1, maxLength: 8 },
);

describe('the borders of frames', () => {
  it('LO-26: are found in whatever pieces the bytes come', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 30 }), (sent, sizes) => {
        const parts = sent.map(bytesOf);
        const all = Buffer.concat(parts);
        let end = 0;
        const borders = new Set(parts.map((part) => (end += part.length)));
        const counter = new FrameBorders();
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const chunk = all.subarray(at, at + (sizes[turn % (sizes.length || 1)] ?? 1_000));
          const first = [...borders].find((border) => border > at && border <= at + chunk.length);
          expect(counter.pass(chunk)).toBe(first === undefined ? undefined : first - at);
          at += chunk.length;
          expect(counter.isAtBorder).toBe(borders.has(at));
        }
        expect(counter.isClosed).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('LO-26: are found a byte at a time, in every form of a length', () => {
    for (const form of [7, 16, 64] as const) {
      const bytes = bytesOf({ opcode: 2, size: 100, form, masked: true });
      const counter = new FrameBorders();
      const found = [...bytes].map((byte) => counter.pass(Uint8Array.of(byte)));
      expect(found.indexOf(1)).toBe(bytes.length - 1);
    }
  });

  it('knows that a close frame has passed, and only when all of it has', () => {
    const counter = new FrameBorders();
    const close = closeFrame({ code: 1000, reason: 'done' });

    counter.pass(close.subarray(0, 3));
    expect(counter.isClosed).toBe(false);
    counter.pass(close.subarray(3));
    expect(counter.isClosed).toBe(true);
  });

  it('has none in a frame that claims to be longer than can be counted', () => {
    const counter = new FrameBorders();

    expect(
      counter.pass(Buffer.concat([Buffer.from('827f7fffffffffffffff', 'hex'), Buffer.alloc(1_000)])),
    ).toBeUndefined();
    expect(counter.isAtBorder).toBe(false);
  });
});

describe('a close frame of ours', () => {
  it.each([
    ['for a browser', false],
    ['for an upstream', true],
  ])('LO-26: is read by another WebSocket implementation, %s', async (_case, isServer) => {
    const receiver = new Receiver({ isServer });
    const said = new Promise((resolve) => receiver.on('conclude', (code, reason) => resolve([code, String(reason)])));

    receiver.write(closeFrame({ code: 4401, reason: 'signed out' }, isServer ? Buffer.from([1, 2, 3, 4]) : undefined));

    expect(await said).toEqual([4401, 'signed out']);
  });
});
