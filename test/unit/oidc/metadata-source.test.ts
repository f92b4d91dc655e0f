/**
 * When the metadata is asked for, with the time moved by hand.
 */

import { describe, expect, it } from 'vitest';
import type { ProviderMetadata } from '../../../src/oidc/metadata.ts';
import { MetadataSource } from '../../../src/oidc/metadata-source.ts';
import { ManualClock } from '../../support/clock.ts';

const good = { issuer: 'https://as.example' } as ProviderMetadata; // no other member is looked at here

function sourceWith(load: () => Promise<ProviderMetadata>) {
  const clock = new ManualClock();
  const asked: number[] = [];
  const outcomes: unknown[] = [];
  const source = new MetadataSource({
    load: () => {
      asked.push(clock.elapsed());
      return load();
    },
    clock,
    onAttempt: (failure) => void outcomes.push(failure),
  });
  return { source, clock, asked, outcomes };
}

describe('MetadataSource', () => {
  it('RF-15: asks an authorization server that fails more and more rarely, up to once a minute', async () => {
    const { source, clock, asked } = sourceWith(() => Promise.reject(new Error('away')));
    await source.start();
    await clock.advance(10 * 60_000);
    const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));

    expect(pauses[0]).toBeGreaterThanOrEqual(900);
    expect(pauses[0]).toBeLessThanOrEqual(1_100);
    expect(pauses.slice(0, 6)).toEqual([...pauses.slice(0, 6)].sort((left, right) => left - right));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(66_000);
    expect(asked.length).toBeLessThan(20);
    expect(source.current).toBeUndefined();
  });

  it('LS-16: asks again after an hour, and keeps the last good answer when that fails', async () => {
    let isAway = false;
    const { source, clock, asked, outcomes } = sourceWith(() =>
      isAway ? Promise.reject(new Error('away')) : Promise.resolve(good),
    );
    await source.start();
    expect(source.current).toBe(good);
    isAway = true;
    await clock.advance(70 * 60_000);

    expect(asked.length).toBeGreaterThan(2);
    expect(source.current).toBe(good);
    expect(await source.need()).toBe(good);
    expect(outcomes[0]).toBeUndefined();
    expect(outcomes[1]).toBeInstanceOf(Error);
  });

  it('LS-28: however many need it, one attempt a second is made', async () => {
    const { source, clock, asked } = sourceWith(() => Promise.reject(new Error('away')));
    await source.start();
    const ask = () => Promise.allSettled(Array.from({ length: 100 }, () => source.need()));
    for (const outcome of await ask())
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'provider-unreachable' } });
    expect(asked).toHaveLength(1);
    clock.advanceSync(1_200);
    await ask();

    expect(asked.length).toBeLessThanOrEqual(3);
  });

  it('asks no more once it is closed', async () => {
    const { source, clock, asked } = sourceWith(() => Promise.reject(new Error('away')));
    await source.start();
    source.close();
    await clock.advance(3_600_000);

    expect(asked).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});
