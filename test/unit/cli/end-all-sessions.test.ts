import { describe, expect, it } from 'vitest';
import { endAll } from '../../../src/cli/end-all-sessions.ts';

/** What becomes of `--confirm confirmed` where there are `found`. */
async function outcomeOf(found: number, confirmed: number | undefined) {
  const said: string[] = [];
  const surface = {
    operator: 'somebody',
    write: (line: string) => said.push(line),
    complain: (line: string) => said.push(line),
  };
  const store = { countAll: async () => found, endAll: async () => found };
  const code = await endAll(store, { confirmed, again: 'again', surface });
  return { code, said: said.join('\n') };
}

describe('the number that confirms an end of all', () => {
  it.each([
    [1, 1],
    [99, 99],
    [100, 99],
    [100, 101],
    [200_000, 198_000],
    [200_000, 202_000],
  ])('LO-27: of %d is %d', async (found, confirmed) => {
    expect(await outcomeOf(found, confirmed)).toEqual({ code: 0, said: `ended ${found}` });
  });

  it.each([
    [1, 0],
    [99, 98],
    [99, 100],
    [100, 98],
    [100, 102],
    [200_000, 197_999],
    [200_000, 202_001],
    [200_000, undefined],
  ])('LO-27: of %d is not %s', async (found, confirmed) => {
    const { code, said } = await outcomeOf(found, confirmed);
    expect(code).toBe(2);
    expect(said).toMatch(new RegExp(`Nobody's session was ended.*--confirm ${found}$`));
  });
});
