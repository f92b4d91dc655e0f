import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTlsIdentity, type TlsIdentity } from '../support/hostile/certificate.ts';
import { freePort } from '../support/ports.ts';
import { startWorld, type World } from '../support/world.ts';

let identity: TlsIdentity;
let folder: string;
let world: World;

beforeAll(async () => {
  identity = createTlsIdentity();
  folder = await mkdtemp(join(tmpdir(), 'claimcheck-tls-'));
  await writeFile(join(folder, 'cert.pem'), identity.cert);
  await writeFile(join(folder, 'key.pem'), identity.key);
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  world = await startWorld(
    { env: { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') } },
    { port, origin, redirectUri: `${origin}/callback` },
  );
});

afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

async function handshake(version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<string> {
  const socket = connect({
    port: world.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: identity.cert,
    minVersion: version,
    maxVersion: version,
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  try {
    await once(socket, 'secureConnect');
    return String(socket.getProtocol());
  } catch {
    return 'refused'; // which alert it was says nothing more
  } finally {
    socket.destroy();
  }
}

describe('with its own certificate', () => {
  it('TL-01: speaks TLS 1.2 and 1.3 and nothing older', async () => {
    expect(await handshake('TLSv1.3')).toBe('TLSv1.3');
    expect(await handshake('TLSv1.2')).toBe('TLSv1.2');
    expect(await handshake('TLSv1.1')).toBe('refused');
    expect(await handshake('TLSv1')).toBe('refused');
  });

  it('CK-01: signs a person in over https, with prefixed and Secure cookies', async () => {
    const browser = world.browser({ ca: identity.cert });
    await world.signIn('alice', browser);

    expect((await browser.fetch(`${world.origin}/api/orders`)).status).toBe(200);
    expect(browser.jar.get('__Host-Http-claimcheck')).toMatchObject({ secure: true, httpOnly: true });
  });
});
