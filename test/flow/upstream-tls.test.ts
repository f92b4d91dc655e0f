/**
 * Upstreams behind TLS: whom we believe, and what we show of ourselves.
 *
 * @module
 */

import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import type { UpstreamConfig } from '../../src/config/config.ts';
import { startHop } from '../support/hop.ts';
import { createTlsIdentity, type TlsIdentity } from '../support/hostile/certificate.ts';
import { rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const server = createTlsIdentity('orders', ['localhost', '127.0.0.1']);
const ours = createTlsIdentity('claimcheck', []);
const next = createTlsIdentity('claimcheck-next', []);

async function tlsUpstream(tls: object = {}): Promise<Upstream> {
  const upstream = await startUpstream(() => ({ body: 'ok' }), { tls: { key: server.key, cert: server.cert, ...tls } });
  closing.push(() => upstream.stop());
  return upstream;
}

function settingsFor({ origin }: Upstream, changes: Partial<UpstreamConfig> = {}): UpstreamConfig {
  const nothing = { addresses: [], serverName: undefined, certificate: undefined, key: undefined };
  return { origin, authorities: server.cert, ...nothing, ...changes };
}

const shown = ({ cert, key }: TlsIdentity) => ({ certificate: cert, key: new Secret(key) });

async function hopBefore({ origin }: Upstream, settings: readonly UpstreamConfig[]) {
  const hop = await startHop(origin, { limits: { settings } });
  closing.unshift(() => hop.close());
  return hop;
}

async function ask(port: number) {
  const { final } = await rawRequest(port, 'GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n', { responses: 1 });
  return final[0]?.status;
}

describe('an upstream behind TLS', () => {
  it('TL-03: is believed with a certificate of the authority that is named for it', async () => {
    const upstream = await tlsUpstream();
    const hop = await hopBefore(upstream, [settingsFor(upstream)]);

    expect(await ask(hop.port)).toBe(200);
  });

  it('TL-02, TL-03: is not believed without, nor with another authority, and is sent nothing', async () => {
    const upstream = await tlsUpstream();
    const without = await hopBefore(upstream, []);
    const other = await hopBefore(upstream, [settingsFor(upstream, { authorities: ours.cert })]);

    expect([await ask(without.port), await ask(other.port)]).toEqual([502, 502]);
    expect(upstream.requests).toHaveLength(0);
  });

  it('TL-02: is not believed under another name than its own, whatever its address', async () => {
    const stranger = createTlsIdentity('orders', ['payments.internal']);
    const upstream = await tlsUpstream(stranger);
    const authorities = stranger.cert;
    const refused = await hopBefore(upstream, [settingsFor(upstream, { authorities })]);
    const named = await hopBefore(upstream, [settingsFor(upstream, { authorities, serverName: 'payments.internal' })]);

    expect(await ask(refused.port)).toBe(502);
    expect(upstream.requests).toHaveLength(0);
    expect(await ask(named.port)).toBe(200);
  });

  it('TL-02: is checked by the name of its origin where it is reached by address', async () => {
    const upstream = await tlsUpstream();
    const addresses = [{ host: '127.0.0.1', port: upstream.port }];
    const good = { origin: `https://localhost:${upstream.port}` };
    const wrong = { origin: `https://orders.internal:${upstream.port}` };
    const asGood = await startHop(good.origin, {
      limits: { settings: [settingsFor(upstream, { ...good, addresses })] },
    });
    const asWrong = await startHop(wrong.origin, {
      limits: { settings: [settingsFor(upstream, { ...wrong, addresses })] },
    });
    closing.unshift(
      () => asGood.close(),
      () => asWrong.close(),
    );

    expect([await ask(asGood.port), await ask(asWrong.port)]).toEqual([200, 502]);
  });

  it('TL-02: is not spoken to below TLS 1.2', async () => {
    const ciphers = 'DEFAULT:@SECLEVEL=0';
    const old = await tlsUpstream({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers });
    const hop = await hopBefore(old, [settingsFor(old)]);
    const control = connect({ port: old.port, ca: server.cert, minVersion: 'TLSv1', ciphers });
    await once(control, 'secureConnect');
    expect(control.getProtocol()).toBe('TLSv1.1');
    control.destroy();

    expect(await ask(hop.port)).toBe(502);
    const usual = await tlsUpstream({ maxVersion: 'TLSv1.2' });
    expect(await ask((await hopBefore(usual, [settingsFor(usual)])).port)).toBe(200);
  });

  it('TL-03, PX-16, GW-04: asks for our certificate and gets it; without it no call arrives', async () => {
    const upstream = await tlsUpstream({ requestCert: true, rejectUnauthorized: true, ca: ours.cert });
    const without = await hopBefore(upstream, [settingsFor(upstream)]);
    const stranger = await hopBefore(upstream, [settingsFor(upstream, shown(next))]);
    expect([await ask(without.port), await ask(stranger.port)]).toEqual([502, 502]);
    expect(upstream.requests).toHaveLength(0);
    const hop = await hopBefore(upstream, [settingsFor(upstream, shown(ours))]);

    expect(await ask(hop.port)).toBe(200);
  });

  it('TL-03: sees our new certificate from the next connection on, and no call is lost by the change', async () => {
    const seen: string[] = [];
    const upstream = await tlsUpstream({ requestCert: true, rejectUnauthorized: true, ca: [ours.cert, next.cert] });
    upstream.onPeer = (subject) => seen.push(subject);
    const hop = await hopBefore(upstream, [settingsFor(upstream, shown(ours))]);
    expect([await ask(hop.port), await ask(hop.port)]).toEqual([200, 200]);
    let release = (): void => undefined;
    upstream.script = () =>
      new Promise((resolve) => {
        release = () => resolve({ body: 'late' });
      });
    const underWay = ask(hop.port);
    await upstream.received(3);
    hop.upstreams.replaceSettings([settingsFor(upstream, shown(next))]);
    release();
    expect(await underWay).toBe(200);
    upstream.script = () => ({ body: 'ok' });
    expect([await ask(hop.port), await ask(hop.port)]).toEqual([200, 200]);

    expect(seen).toEqual(['claimcheck', 'claimcheck-next']);
    hop.upstreams.replaceSettings([settingsFor(upstream, shown(next))]);
    expect(await ask(hop.port)).toBe(200);
    expect(seen).toHaveLength(2);
  });
});
