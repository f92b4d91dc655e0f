/**
 * The demo's authorization server prints nothing.
 *
 * In a file of its own: oidc-provider prints each of its remarks once in a process.
 */

import { expect, it, vi } from 'vitest';
import { client, ScriptedClient } from './scripted-client.ts';

it('prints nothing at its start, in a whole visit, and in what goes wrong in one', async () => {
  const printed = (['info', 'warn', 'error', 'log'] as const).map((name) => vi.spyOn(console, name));
  // Only now: the first remark would come while oidc-provider is loaded.
  const { startAuthorizationServer } = await import('../../../demo/authorization-server.ts');
  const server = await startAuthorizationServer({ clients: [client] });
  const browser = new ScriptedClient(server);
  const tokens = await browser.signIn();
  await browser.refresh((await browser.refresh(tokens.refresh_token)).refresh_token);
  await browser.post('/token/introspection', { token: String(tokens.refresh_token) });
  await browser.post('/token/revocation', { token: String(tokens.refresh_token) });
  await browser.authorize({ redirect_uri: 'http://localhost:9/elsewhere' });
  const { access_token } = await browser.signIn({ resource: undefined });
  const headers = { origin: 'http://localhost:9', authorization: `Bearer ${access_token}` };
  const script = await fetch(`${server.url}/me`, { headers });
  await browser.follow('/session/end');
  await browser.follow('/session/end?logout_hint=alice');
  await server.close();

  expect(script.headers.get('access-control-allow-origin')).toBeNull();
  expect(printed.flatMap((spy) => spy.mock.calls)).toEqual([]);
  console.info('heard');
  expect(printed[0]?.mock.calls).toEqual([['heard']]);
});
