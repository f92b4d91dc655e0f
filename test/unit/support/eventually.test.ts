/**
 * Waiting with a limit.
 *
 * @module
 */

import { expect, it } from 'vitest';
import { eventually, within } from '../../support/eventually.ts';

it('waits until a question is answered with anything but false, and gives the answer', async () => {
  let asked = 0;
  expect(await eventually(() => ++asked >= 3 && 'yes')).toBe('yes');
  expect(asked).toBe(3);
});

it('waits until a claim throws no more', async () => {
  let asked = 0;
  await eventually(() => expect(++asked).toBe(2));
  expect(asked).toBe(2);
});

it('gives up at the limit and says why', async () => {
  const failure = await eventually(() => expect(1).toBe(2), 40).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    message: 'not so within 40 ms',
    cause: { message: expect.stringContaining('to be 2') },
  });
});

it('gives up at the limit on a condition that never answers', async () => {
  await expect(eventually(() => new Promise<boolean>(() => undefined), 40)).rejects.toThrow('not so within 40 ms');
});

it('names what did not come in time', async () => {
  const work = new Promise<never>(() => undefined);
  await expect(within(20, { work, what: 'the answer' })).rejects.toThrow('the answer: nothing within 20 ms');
  expect(await within(1000, { work: Promise.resolve(7), what: 'seven' })).toBe(7);
});
